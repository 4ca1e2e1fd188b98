"""What "auto" means: by its rules, and in the words of the docstrings."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose

from skamem import DenseAMClassifier, DenseAMRegressor
from skamem.core import arrays
from skamem.supervised.dense import _defaults as defaults
from skamem.supervised.dense import _scaling
from skamem.supervised.dense._recipes import RECIPES
from skamem.supervised.dense._scaling import scaled_rows

HOST = arrays.placement_of(np.zeros(1))


def test_noise_is_a_share_of_the_distance_between_classes():
    rng = np.random.RandomState(0)
    X = np.concatenate([rng.standard_normal((60, 2)) * 1e-3, rng.standard_normal((60, 2)) * 1e-3 + [2.0, 0.0]])
    rows, codes = scaled_rows(X, np.arange(120), np.zeros(2), np.ones(2), HOST), np.repeat([0, 1], 60)
    assert_allclose(defaults.auto_noise(rows, codes, rng), 0.15 * 2.0, rtol=0.01)
    assert defaults.auto_noise(rows, np.zeros(120, dtype=int), rng) == 0
    far = scaled_rows(100 * X, np.arange(120), np.zeros(2), np.ones(2), HOST)
    assert defaults.auto_noise(far, codes, rng) == 0.7


def test_noise_of_a_wide_sparse_table_is_that_of_the_dense_one(monkeypatch):
    X = scipy.sparse.random(90, 50, 0.2, format="csr", random_state=0)
    codes, offset = np.arange(90) % 3, np.full(50, 0.1)
    expected = defaults.auto_noise(
        scaled_rows(X.toarray(), np.arange(90), offset, np.full(50, 2.0), HOST), codes, np.random.RandomState(0)
    )
    monkeypatch.setattr(_scaling, "_SMALL_BYTES", 0)
    monkeypatch.setattr(defaults, "_NOISE_COLUMNS", 7)
    rows = scaled_rows(X, np.arange(90), offset, np.full(50, 2.0), HOST)
    assert_allclose(defaults.auto_noise(rows, codes, np.random.RandomState(0)), expected, rtol=1e-10)


def parameter_text(estimator, name):
    """What the docstring says of a parameter, in one line."""
    lines = estimator.__doc__.partition("Parameters\n")[2].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"    {name} : "))
    text = []
    for line in lines[start + 1 :]:
        if not line.startswith("        "):
            break
        text.append(line.strip())
    return " ".join(text)


@pytest.mark.parametrize("estimator", [DenseAMClassifier, DenseAMRegressor])
@pytest.mark.parametrize("name", list(defaults.AUTO))
def test_the_docstrings_say_what_auto_does(estimator, name):
    assert defaults.AUTO[name] in parameter_text(estimator, name)


def test_the_paper_has_automatic_values_of_its_own():
    assert f'{defaults.PAPER_EPOCHS} for the "paper" solver' in parameter_text(DenseAMClassifier, "max_iter")
    assert f'under "paper": {defaults.PAPER_RATE}' in parameter_text(DenseAMClassifier, "learning_rate_init")


@pytest.mark.parametrize("solver", list(RECIPES))
def test_what_one_recipe_alone_reads_is_documented_as_its_own(solver):
    for name in set(RECIPES[solver].own) - {"adversarial"}:  # rows move uphill under both recipes
        assert f'"{solver}" solver' in parameter_text(DenseAMClassifier, name)
