"""Data of any magnitude: answers go with the data, or the estimator says that they cannot."""

import warnings

import numpy as np
import pytest
from sklearn.base import is_classifier, is_regressor

from ._estimators import CHECKED, answer, small, targets

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 6)) + 1.0
LABELS = (X[:, 0] + X[:, 1] > 2.0).astype(int)
TRUTH = 2.0 * X[:, 0] + X[:, 1] ** 2

# Further settings in which values count as they are.
REAL = {"binarize": None, "activation": "identity"}
SETTINGS = [
    {},
    REAL,
    {"target": "y"},
    REAL | {"target": "y"},
    REAL | {"solver": "cholesky"},
    REAL | {"solver": "neumann"},
]
SETTINGS += [{"kernel": kernel} for kernel in ("linear", "poly", "rbf")]
PROBABILITIES = "skamem.generative"  # of which values of their units are: small ones mean what they say
MAGNITUDES = [("float64", 1e160), ("float64", 1e-160), ("float32", 1e25), ("float32", 1e-25)]


def cases():
    """Estimators, each with the settings that it knows."""
    for Estimator in CHECKED:
        parameters = Estimator().get_params(deep=False)
        for setting in SETTINGS:
            if setting.keys() <= parameters.keys() and not Estimator.__module__.startswith(PROBABILITIES):
                name = ", ".join(map(str, [Estimator.__name__, *setting.values()]))
                yield pytest.param(Estimator, setting, id=name)


def asked(Estimator, setting, dtype, factor, method):
    """What an estimator answers that was fitted to the data times a factor; None where it says that it cannot."""
    estimator = small(Estimator).set_params(**setting)
    rows = (X * factor).astype(dtype)
    y = (TRUTH * factor).astype(dtype) if is_regressor(estimator) else targets(Estimator, LABELS)
    y = rows[:, :3] if setting.get("target") == "y" else y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if method == "fit":
                estimator.fit(rows, y)
            else:
                first = {"classes": np.unique(y)} if is_classifier(estimator) else {}
                estimator.partial_fit(rows[:30], y[:30], **first).partial_fit(rows[30:], y[30:])
            found = answer(estimator, rows)
        except ValueError as error:
            if "cale" in str(error) or "values" in str(error):  # clear about what is wrong
                return None
            raise
    assert not [warning for warning in caught if warning.category is RuntimeWarning], caught[0].message
    return found


@pytest.mark.parametrize(("dtype", "factor"), MAGNITUDES)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("Estimator", "setting"), list(cases()))
def test_answers_go_with_the_data(Estimator, setting, dtype, factor, method):
    if not hasattr(small(Estimator), method):
        pytest.skip("learns at once")
    expected, found = (asked(Estimator, setting, dtype, value, method) for value in (1.0, factor))
    assert expected is not None
    if found is None:
        return
    if found.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, expected)
        return
    found, expected = found.astype(float), expected.astype(float)
    alike = (np.allclose(part, expected, rtol=1e-3, atol=1e-3) for part in (found, found / factor))
    assert any(alike)
