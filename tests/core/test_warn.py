"""Every warning names the caller's line."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skamem import HebbianMemory, HopfieldNetwork, IHTRegressor, WillshawMemory
from skamem.core.warn import warn

RNG = np.random.default_rng(0)
PATTERNS = np.where(RNG.standard_normal((30, 20)) > 0, 1.0, -1.0)
Y = RNG.standard_normal(30)

CASES = {
    "the function": lambda: warn("so many"),
    "fit": lambda: HebbianMemory().fit(PATTERNS),
    "fit_transform": lambda: HebbianMemory().fit_transform(PATTERNS),
    "partial_fit": lambda: HebbianMemory().partial_fit(PATTERNS),
    "a rule": lambda: HopfieldNetwork("perceptron", max_epochs=1).fit(PATTERNS),
    "a dense net": lambda: WillshawMemory().fit(PATTERNS),
    "a solver": lambda: IHTRegressor(3, effort="plain", max_iter=1).fit(PATTERNS, Y),
    "a pipeline": lambda: make_pipeline(HebbianMemory()).fit(PATTERNS),
    "a search": lambda: GridSearchCV(HebbianMemory(), {"update": ["sync"]}, cv=2, scoring=len).fit(PATTERNS),
}


@pytest.mark.parametrize("case", CASES)
def test_the_caller_is_named(case):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CASES[case]()
    ours = [warning for warning in caught if "expect" in str(warning.message) or "so many" in str(warning.message)]
    ours += [warning for warning in caught if "converge" in str(warning.message) or "epochs" in str(warning.message)]
    assert ours
    assert {warning.filename for warning in ours} == {__file__}
