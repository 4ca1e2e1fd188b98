"""Threads by the size of the products: many small ones are faster on one, and what stands between large ones has none.

The BLAS has threads for its products alone. Rows that do not depend on each other may also be shared out, with all that
is done to them.
"""

import contextlib
import contextvars
import functools
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import ThreadpoolController

from skamem.core import arrays

__all__ = ["TINY_PRODUCT", "in_shares", "limited_threads", "product_threads", "threads_worth"]

TINY_PRODUCT = 2**18
"""Multiply-adds below which the BLAS itself takes one thread, and a limit would cost more than the product."""

# Multiply-adds that keep one thread busy for about a millisecond. To wake threads and wait for all of them takes some
# microseconds on an idle machine, but on a busy one as long as the system lets another process run: tens of
# milliseconds for each product.
_WORTH_A_THREAD = 2**25


def threads_worth(n_multiplications):
    """How many threads a matrix product of this size is worth.

    Parameters
    ----------
    n_multiplications : int
        Multiply-adds of one product, m k n for shapes (m, k) and (k, n).

    Returns
    -------
    n_threads : int
        At least 1.

    Examples
    --------
    >>> [threads_worth(rows * 784 * 500) for rows in (1, 100, 1000)]
    [1, 1, 11]
    """
    return max(1, int(n_multiplications // _WORTH_A_THREAD))


@contextlib.contextmanager
def product_threads(n_multiplications, xp=None):
    """Context for many products of one size: the BLAS of NumPy and SciPy takes no more threads than they are worth.

    Limits that are lower already, by the user, the environment or joblib, stay. Afterwards everything is as before.

    Parameters
    ----------
    n_multiplications : int
        Multiply-adds of one product, the largest of those that are made again and again.
    xp : module, default=None
        Array namespace of the products; nothing is done where it is not that of NumPy. None stands for NumPy.

    Yields
    ------
    None

    Notes
    -----
    Entering and leaving costs about 20 microseconds; the first time a process asks, some 30 milliseconds to look for
    the libraries. Do not use it around a single product: at most one is saved.

    Examples
    --------
    >>> import numpy as np
    >>> rows, weights = np.ones((100, 64)), np.ones((64, 500))
    >>> with product_threads(100 * 64 * 500):
    ...     for _ in range(10):
    ...         products = rows @ weights
    """
    if n_multiplications < TINY_PRODUCT or not (xp is None or arrays.host_checks_are_free(xp)):
        yield
        return
    with limited_threads(threads_worth(n_multiplications)):
        yield


def in_shares(function, n_rows, n_multiplications, xp=None):
    """Call a function of rows for a share of them on each thread that the BLAS would have, all at a time.

    Parameters
    ----------
    function : callable
        Takes a slice of rows. It is called for consecutive slices that make up all rows, from several Python threads,
        each of which has a BLAS of one thread.
    n_rows : int
        At least 1.
    n_multiplications : int
        Multiply-adds for all rows; few are not worth a second thread.
    xp : module, default=None
        Array namespace; there is one share where it is not that of NumPy. None stands for NumPy.

    Returns
    -------
    results : list
        What the calls returned, in the order of the rows.

    Notes
    -----
    To start a thread takes some 50 microseconds. Contexts, such as those of `numpy.errstate`, hold in all of them.

    Examples
    --------
    >>> import numpy as np
    >>> numbers = np.arange(6.0)
    >>> np.concatenate(in_shares(lambda rows: numbers[rows] ** 2, 6, 6))
    array([ 0.,  1.,  4.,  9., 16., 25.])
    """
    n_shares = min(threads_worth(n_multiplications), n_rows)
    if n_shares > 1 and (xp is None or arrays.host_checks_are_free(xp)):
        n_shares = min(n_shares, min((library.get_num_threads() for library in _libraries()), default=1))
    else:
        n_shares = 1
    if n_shares == 1:
        return [function(slice(0, n_rows))]
    edges = [n_rows * k // n_shares for k in range(n_shares + 1)]
    with limited_threads(1), ThreadPoolExecutor(n_shares) as pool:
        calls = [
            pool.submit(contextvars.copy_context().run, function, slice(first, last))
            for first, last in itertools.pairwise(edges)
        ]
        return [call.result() for call in calls]


@contextlib.contextmanager
def limited_threads(limit):
    """Context in which the BLAS of NumPy and SciPy takes no more than so many threads.

    Unlike threadpoolctl's it may be entered by several Python threads at a time, in any order: the lowest limit counts,
    and what was before comes back when the last one leaves.

    Parameters
    ----------
    limit : int
        At least 1. Limits that are lower already stay.

    Yields
    ------
    None

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with limited_threads(1):
    ...     {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
    {1}
    """
    _LIMITS.add(limit)
    try:
        yield
    finally:
        _LIMITS.remove(limit)


class _Limits:
    """The limits in force in this process, of all its Python threads: the BLAS knows but one number.

    The lowest counts. What was before comes back when the last one ends: if each restored what it found, limits that
    overlap in time would leave the number of one of them behind.
    """

    def __init__(self):
        self._lock, self._active, self._before, self._now = threading.Lock(), [], [], []

    def add(self, limit):
        with self._lock:
            if not self._active:
                self._before = self._now = [library.get_num_threads() for library in _libraries()]
            self._active.append(limit)
            self._apply(min(self._active))

    def remove(self, limit):
        with self._lock:
            self._active.remove(limit)
            self._apply(min(self._active, default=None))

    def _apply(self, limit):
        wanted = self._before if limit is None else [min(before, limit) for before in self._before]
        if wanted == self._now:  # by far most often: to ask the libraries costs more than small products
            return
        for library, number in zip(_libraries(), wanted, strict=True):
            # From 3.8 on threadpoolctl lets the first Python thread that sets a limit set them, and ignores others
            # without a word. Here all of them may, one at a time.
            release = getattr(library, "clear_controlling_thread", lambda force: None)
            release(force=True)
            library.set_num_threads(number)
            release(force=True)
        self._now = wanted


_LIMITS = _Limits()


@functools.cache
def _libraries():
    """Controllers of the BLAS libraries; to look for them costs tens of milliseconds, and they are loaded by now."""
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
