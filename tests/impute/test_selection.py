"""Weights of hidden entries: none without a reason, and as gaps are where what is missing depends on its value."""

import numpy as np
import pytest

from skamem import AssociativeImputer
from skamem.impute import _completer
from skamem.impute._selection import likeness_to_gaps


def asked(tilt, n_rows=4000, seed=0):
    """Values that go missing with odds that grow as e^(tilt x), what another column says of them, and masks."""
    random = np.random.default_rng(seed)
    other = random.standard_normal(n_rows)
    x = 0.8 * other + 0.6 * random.standard_normal(n_rows)
    gone = random.random(n_rows) < 1.0 / (1.0 + 4.0 * np.exp(-tilt * x))
    return x[:, None], 0.8 * other[:, None], ~gone[:, None], gone[:, None]


@pytest.mark.parametrize("tilt", [-1.0, 1.0])
def test_weighted_entries_are_as_gaps_are(tilt):
    values, said, hidden, gaps = asked(tilt)
    weights = likeness_to_gaps(values, said, hidden, gaps)
    found = np.average(values[hidden], weights=weights[hidden])
    # Without weights the means are 1.2 apart; 5 standard errors of the difference of what is said, by its slope of .64.
    assert abs(values[gaps].mean() - values[hidden].mean()) > 0.8
    assert abs(found - values[gaps].mean()) < 0.2
    assert (weights >= 0.0).all()
    assert weights[hidden].sum() < hidden.sum()
    np.testing.assert_array_equal(weights[~hidden], 1.0)


def test_weights_do_not_depend_on_the_sign_or_on_what_is_not_asked():
    values, said, hidden, gaps = asked(1.0)
    weights = likeness_to_gaps(values, said, hidden, gaps)
    np.testing.assert_allclose(likeness_to_gaps(-values, -said, hidden, gaps), weights)
    np.testing.assert_array_equal(likeness_to_gaps(np.where(hidden, values, 9.0), said, hidden, gaps), weights)


def test_at_random_weights_are_one_and_rarely_differ_much():
    """Two standard errors: 5 % of columns have weights, and those hold nearly as much evidence."""
    random = np.random.default_rng(0)
    said = random.standard_normal((500, 400))
    values = said + random.standard_normal(said.shape)
    hidden = random.random(said.shape) < 0.5
    weights = likeness_to_gaps(values, said, hidden, ~hidden)
    assert (weights == 1.0).all(axis=0).mean() > 0.9  # 46 of 400 or more: 2 in 10⁷
    assert weights[hidden].sum() > 0.98 * hidden.sum()


@pytest.mark.parametrize("n_rows", [0, 1, 2])
def test_little_to_go_by_is_nothing_to_go_by(n_rows):
    values = np.linspace(0.0, 1.0, 3 * n_rows).reshape(n_rows, 3)
    for hidden in (np.zeros(values.shape, bool), np.ones(values.shape, bool), np.eye(n_rows, 3) > 0):
        np.testing.assert_array_equal(likeness_to_gaps(values, values, hidden, ~hidden), 1.0)


def test_where_large_values_go_missing_the_blend_is_chosen_for_those(monkeypatch):
    """Half of the upper fifth of each column is gone. Six tables of fixed seeds, on each."""

    def unweighted(values, *args):
        return np.ones_like(values)

    gains = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        X = random.standard_normal((200, 8)) @ random.standard_normal((8, 30)) + random.standard_normal((200, 30))
        high = np.quantile(X, 0.8, axis=0)
        gone = (high < X) & (random.random(X.shape) < 0.5)
        holes, errors = np.where(gone, np.nan, X), []
        for weighting in (likeness_to_gaps, unweighted):
            monkeypatch.setattr(_completer, "likeness_to_gaps", weighting)
            errors.append(np.mean((AssociativeImputer().fit_transform(holes) - X)[gone] ** 2))
        gains.append(np.log(errors[1] / errors[0]))
    assert min(gains) > 0.0  # by chance once in 64
    assert np.mean(gains) > 0.02
