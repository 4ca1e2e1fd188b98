"""Few threads for small products, and everything as before afterwards."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from skamem.core import threads
from skamem.core.threads import in_shares, limited_threads, product_threads, threads_worth

SMALL, LARGE = 100 * 64 * 500, 2**40


class Library:
    """Stands in for a BLAS, because this machine's may have one thread only."""

    def __init__(self, n_threads):
        self.n_threads, self.calls = n_threads, 0

    def get_num_threads(self):
        return self.n_threads

    def set_num_threads(self, n_threads):
        self.n_threads, self.calls = n_threads, self.calls + 1


@pytest.fixture
def libraries(monkeypatch):
    """Two libraries, of 8 threads and, by the user, of 3."""
    found = Library(8), Library(3)
    monkeypatch.setattr(threads, "_libraries", lambda: found)
    return found


def counts(libraries):
    return [library.n_threads for library in libraries]


def test_a_thread_needs_work_for_a_millisecond():
    assert threads_worth(0) == threads_worth(SMALL) == 1
    assert 1 < threads_worth(500 * 784 * 1000) < 50
    assert threads_worth(LARGE) > 1000


@pytest.mark.parametrize(("size", "inside"), [(1, [8, 3]), (SMALL, [1, 1]), (2**27, [4, 3]), (LARGE, [8, 3])])
def test_the_choice_is_made_and_undone(libraries, size, inside):
    with product_threads(size):
        assert counts(libraries) == inside
    assert counts(libraries) == [8, 3]


def test_large_and_tiny_products_change_nothing(libraries):
    for size in (1, LARGE):
        with product_threads(size):
            pass
    assert [library.calls for library in libraries] == [0, 0]


def test_an_error_gives_the_threads_back(libraries):
    with pytest.raises(ZeroDivisionError), product_threads(SMALL):
        raise ZeroDivisionError
    assert counts(libraries) == [8, 3]


def test_limits_that_overlap_in_time(libraries):
    first, second = product_threads(2**27), product_threads(SMALL)
    first.__enter__()
    second.__enter__()
    assert counts(libraries) == [1, 1]
    first.__exit__(None, None, None)
    assert counts(libraries) == [1, 1]
    second.__exit__(None, None, None)
    assert counts(libraries) == [8, 3]


def test_python_threads_leave_no_limit_behind(libraries):
    def work(size):
        for _ in range(50):
            with product_threads(size):
                pass

    workers = [threading.Thread(target=work, args=(size,)) for size in (SMALL, 2**26, 2**27)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert counts(libraries) == [8, 3]


def test_other_libraries_are_left_alone(libraries, place):
    with product_threads(SMALL, place.xp):
        assert counts(libraries) == [8, 3]


def test_the_real_libraries_are_limited():
    blas = ThreadpoolController().select(user_api="blas")
    with threadpool_limits(2, user_api="blas"):
        before = [library.get_num_threads() for library in blas.lib_controllers]
        with product_threads(SMALL):
            assert {library.get_num_threads() for library in blas.lib_controllers} == {1}
        assert [library.get_num_threads() for library in blas.lib_controllers] == before


@pytest.mark.parametrize(("n_patterns", "threads_inside"), [(2, [8, 3]), (40, [1, 1]), (800, [3, 3]), (5000, [8, 3])])
def test_every_estimator_counts_its_products(libraries, n_patterns, threads_inside):
    """Tiny, small and larger products of a memory of 200 units."""
    import skamem

    patterns, seen = np.random.RandomState(0).choice([-1.0, 1.0], size=(n_patterns, 200)), []

    class Watched(skamem.HebbianMemory):
        def fit(self, X):
            seen.append(counts(libraries))
            return self

        def field(self, X):
            seen.append(counts(libraries))

    Watched().fit(patterns).field(patterns)
    assert seen == [threads_inside] * 2
    assert counts(libraries) == [8, 3]


@pytest.mark.parametrize("estimator", ["DenseAMClassifier", "DenseAMRegressor"])
def test_small_fits_take_one_thread(libraries, estimator):
    import skamem
    from skamem.core.interactions import RectifiedPolynomial

    seen = set()

    class Watching(RectifiedPolynomial):
        def peak(self, overlaps):
            seen.add(("predict", *counts(libraries)))
            return super().peak(overlaps)

        def curvature(self, overlaps):
            seen.add(("fit", *counts(libraries)))
            return super().curvature(overlaps)

    X = np.random.RandomState(0).standard_normal((300, 64))
    # A degree that is no integer takes the general readout, which asks for the curvature.
    model = getattr(skamem, estimator)(200, interaction=Watching(2.5), max_iter=2, random_state=0, noise=0.0)
    model.fit(X, np.arange(300) % 2).predict(X)
    assert seen == {("fit", 1, 1), ("predict", 1, 1)}
    assert counts(libraries) == [8, 3]


def test_a_factorisation_keeps_its_threads(libraries):
    """A kernel of 2000 rows with themselves is worth all threads, though each row has two numbers."""
    import skamem

    seen = []

    class Watched(skamem.KernelMemory):
        def fit(self, X):
            seen.append(counts(libraries))

    for n_rows in (200, 2000):
        Watched().fit(np.zeros((n_rows, 2)))
    assert seen == [[1, 1], [8, 3]]


def test_any_python_thread_may_set_a_limit():
    """Of this machine's BLAS, whichever thread set one before."""

    def counts():
        return {library.get_num_threads() for library in ThreadpoolController().select(user_api="blas").lib_controllers}

    def work():
        with limited_threads(1):
            seen.append(counts())

    seen = []
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        for _ in range(2):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            work()
            assert counts() == before
    assert seen == [{1}] * 4


def test_rows_are_shared_out_to_the_threads_that_are_allowed(libraries):
    shares, inside = [], []

    def note(rows):
        shares.append(rows)
        inside.append((counts(libraries), threading.current_thread() is threading.main_thread()))

    in_shares(note, 10, LARGE)
    assert sorted((rows.start, rows.stop) for rows in shares) == [(0, 3), (3, 6), (6, 10)]
    assert inside == [([1, 1], False)] * 3
    assert counts(libraries) == [8, 3]


@pytest.mark.parametrize(("n_rows", "size", "limit"), [(10, SMALL, 8), (1, LARGE, 8), (0, 0, 8), (10, LARGE, 1)])
def test_few_rows_little_work_and_one_thread_are_one_share(libraries, n_rows, size, limit):
    shares = []
    with limited_threads(limit):
        in_shares(lambda rows: shares.append((rows, threading.current_thread())), n_rows, size)
    assert shares == [(slice(0, n_rows), threading.main_thread())]


def test_other_libraries_share_nothing_out(libraries, place):
    shares = []
    in_shares(shares.append, 10, LARGE, place.xp)
    assert shares == [slice(0, 10)]


def test_an_error_in_a_share_reaches_the_caller_and_gives_the_threads_back(libraries):
    with pytest.raises(ZeroDivisionError):
        in_shares(lambda rows: 1 // rows.start, 10, LARGE)
    assert counts(libraries) == [8, 3]


def test_contexts_hold_in_every_share(libraries):
    with np.errstate(divide="ignore"):
        found = in_shares(lambda rows: np.full(4, rows.start + 1.0)[rows] / np.zeros(4)[rows], 4, LARGE)
    assert len(found) == 3
    assert np.all(np.isinf(np.concatenate(found)))


def test_results_come_in_the_order_of_the_rows(libraries):
    assert in_shares(lambda rows: rows.start, 10, LARGE) == [0, 3, 6]
