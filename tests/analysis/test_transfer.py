"""The transfer table: each entry is what one would compute by hand."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from skamem import DenseAMClassifier
from skamem.analysis import attack, transfer_table

X, Y = load_digits(return_X_y=True)
X, X_HELD, Y, Y_HELD = X[:600] / 16, X[1000:1100] / 16, Y[:600], Y[1000:1100]
OPTIONS = {"eps": 0.1, "clip": (0, 1), "n_steps": 5, "random_state": 0}


@pytest.fixture(scope="module")
def classifiers():
    memories = {f"n = {n}": DenseAMClassifier(30, degree=n, max_iter=20, random_state=0).fit(X, Y) for n in (2, 20)}
    return memories | {"network": MLPClassifier((30,), solver="lbfgs", max_iter=500, random_state=0).fit(X, Y)}


def test_every_entry_is_an_error_on_samples_made_elsewhere(classifiers):
    table = transfer_table(classifiers, X_HELD, Y_HELD, **OPTIONS)
    assert table.names == tuple(classifiers)
    for i, source in enumerate(classifiers.values()):
        made = attack(source, X_HELD, Y_HELD, **OPTIONS)
        assert table.errors[i, i] == made.error
        for j, target in enumerate(classifiers.values()):
            assert table.errors[i, j] == pytest.approx(1 - target.score(made.samples, Y_HELD))
        assert table.clean_errors[i] == pytest.approx(1 - source.score(X_HELD, Y_HELD))
    assert np.all(np.diag(table.errors) >= table.errors.max(axis=0) - 0.05), (
        "nothing fools better than the own gradient"
    )


def test_intervals_and_frame(classifiers):
    pytest.importorskip("pandas")
    table = transfer_table(classifiers, X_HELD, Y_HELD, **OPTIONS)
    low, high = table.error_interval()
    assert np.all((low < table.errors) & (table.errors < high))
    frame = table.to_frame()
    assert list(frame.index) == ["(unchanged)", *classifiers]
    assert_array_equal(frame.loc["n = 2"], table.errors[0])
    assert_array_equal(frame.loc["(unchanged)"], table.clean_errors)


@pytest.mark.parametrize("classifiers", [{}, [DenseAMClassifier()], DenseAMClassifier()])
def test_anything_but_a_filled_dict_is_refused(classifiers):
    with pytest.raises(TypeError, match="expected a dict of fitted classifiers by name"):
        transfer_table(classifiers, X_HELD, Y_HELD, eps=0.1)
