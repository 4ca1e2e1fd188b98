"""What a row is answered does not depend on the rows beside it: every estimator, every method that answers rows.

The exceptions draw at random, a number a row: recall in random order (``order="random"``) and at a temperature.
"""

import dataclasses
import inspect

import numpy as np
import pytest
from sklearn.base import clone

from skamem import (
    DenseMemory,
    HopfieldNetwork,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    WillshawMemory,
)

from ._estimators import ESTIMATORS, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

N_UNITS = 12
ANSWERS = ("predict", "transform", "recall", "field", "energy", "decision_function", "predict_proba")
ANSWERS += ("predict_log_proba", "top_k", "apply")
SETTINGS = {
    **{Estimator.__name__: small(Estimator) for Estimator in ESTIMATORS},
    "DenseMemory, sync, clamped": DenseMemory(degree=3, update="sync", missing="clamp"),
    "HopfieldNetwork, async, clamped": HopfieldNetwork(update="async", missing="clamp", random_state=0),
    "PseudoinverseMemory, identity": PseudoinverseMemory(activation="identity"),
    "PseudoinverseMemory, pairs": PseudoinverseMemory("y"),
    "WillshawMemory, winners": WillshawMemory("winners"),
    **{
        f"{type(memory).__name__}, {memory.missing}, {steps} steps{what}": clone(memory).set_params(
            n_recall_steps=steps
        )
        for memory, what in [
            (ModernHopfieldMemory(), ""),
            (ModernHopfieldMemory(similarity="local"), ", local"),
            (ModernHopfieldMemory(similarity="dot"), ", dot"),
            (ModernHopfieldMemory(missing="clamp"), ""),
            (ModernHopfieldMemory(missing="clamp", similarity="local"), ", local"),
            (KernelMemory(), ""),
            (KernelMemory(missing="clamp"), ""),
            (KernelMemory("poly", missing="clamp"), ", poly"),
        ]
        for steps in (1, 2, 5)
    },
    "ModernHopfieldMemory, pairs": ModernHopfieldMemory(target="y"),
    "KernelMemory, pairs": KernelMemory(target="y"),
    "MemoryClassifier of a look-up memory": MemoryClassifier(ModernHopfieldMemory()),
}


def data(estimator):
    """Patterns of the kind the estimator takes, with gaps where it takes them, and more of them to ask about."""
    rng = np.random.default_rng(0)
    tags = estimator.__sklearn_tags__()
    if isinstance(estimator, ModernHopfieldMemory | KernelMemory) or tags.classifier_tags or tags.regressor_tags:
        X = rng.standard_normal((40, N_UNITS))
    else:
        X = np.sign(rng.standard_normal((40, N_UNITS)))
        X = np.where(X > 0, X, 0.0) if isinstance(estimator, WillshawMemory) else X
    if not tags.input_tags.allow_nan:
        return X, X[::-1].copy()
    cues = np.where(rng.random(X.shape) < 0.3, np.nan, X)
    cues[::3] = X[::3]  # complete ones among them
    cues[7] = np.nan
    holes = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    return holes, cues


def arrays_of(answer):
    """The arrays of an answer, one row a cue."""
    if dataclasses.is_dataclass(answer):
        return [value for value in vars(answer).values() if value is not None]
    return list(answer) if isinstance(answer, tuple) else [answer]


def fitted(name):
    estimator = clone(SETTINGS[name])
    X, cues = data(estimator)
    labels = np.arange(len(X)) % 3
    if getattr(estimator, "target", None) == "y":
        y = np.sign(np.random.default_rng(1).standard_normal((len(X), 4)))
    elif type(estimator).__name__ == "BidirectionalMemory":
        y = np.where(np.isnan(X), 1.0, np.sign(X))[:, :5]
    else:
        y = targets(type(estimator), labels)
    return estimator.fit(X, y), cues


@pytest.mark.parametrize("name", SETTINGS)
def test_a_row_alone_is_answered_as_among_others(name):
    estimator, cues = fitted(name)
    asked = [
        method
        for method in ANSWERS
        if hasattr(estimator, method)
        and all(
            parameter.default is not inspect.Parameter.empty or parameter.name == "X"
            for parameter in inspect.signature(getattr(estimator, method)).parameters.values()
            if parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        )
    ]
    assert asked
    for method in asked:
        together = arrays_of(getattr(estimator, method)(cues))
        some = arrays_of(getattr(estimator, method)(cues[5:9]))
        alone = [arrays_of(getattr(estimator, method)(cues[row : row + 1])) for row in range(len(cues))]
        for part, array in enumerate(together):
            array = np.asarray(array.toarray() if hasattr(array, "toarray") else array)
            rows = [np.asarray(row[part].toarray() if hasattr(row[part], "toarray") else row[part]) for row in alone]
            # Sums of one row and of many are made in other orders: equal to rounding.
            np.testing.assert_allclose(np.concatenate(rows), array, rtol=1e-9, atol=1e-9, err_msg=method)
            few = np.asarray(some[part].toarray() if hasattr(some[part], "toarray") else some[part])
            np.testing.assert_allclose(few, array[5:9], rtol=1e-9, atol=1e-9, err_msg=method)
