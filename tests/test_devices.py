"""Every public member of every estimator runs on the estimator's device, and gives the caller's device back."""

import contextlib
import inspect

import numpy as np
import pytest
from sklearn.base import clone

from skamem import DenseAMClassifier, DenseMemory, HebbianMemory, HopfieldNetwork, MemoryClassifier, WillshawMemory
from skamem.datasets import make_patterns

from ._estimators import ESTIMATORS, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("short_annealing"),
]

PATTERNS = make_patterns(12, 24, random_state=0)
LABELS = np.arange(12) % 3
COUPLINGS = PATTERNS.T @ PATTERNS * (1.0 - np.eye(24))

SETTINGS = {
    "pairs": HebbianMemory("y", activation="identity", binarize=None),
    "step": HebbianMemory(activation="step", missing="clamp"),
    "biased": HopfieldNetwork(fit_intercept=True),
    "projection": HopfieldNetwork("pseudoinverse", update="sync"),
    "exponential pairs": DenseMemory("exponential", target="y"),
    "counted": WillshawMemory(storage="dense"),
    "a memory's classes": MemoryClassifier(HebbianMemory()),
    "a network": DenseAMClassifier(
        degree=1, interaction="rectified_polynomial", readout="exact", n_memories=10, max_iter=2
    ),
}
REFUSED = ("sample", "y")  # a member and its `target`: pairs have no feedback to sample with
CASES = {Estimator.__name__: small(Estimator) for Estimator in ESTIMATORS} | SETTINGS


def members_of(estimator):
    """Names of what a user may read or call."""
    return [name for name in dir(type(estimator)) if not name.startswith("_")]


def targets_for(estimator):
    if getattr(estimator, "target", "self") == "y":
        return PATTERNS[:, :5]
    return targets(type(estimator), LABELS)


def arguments_of(name, method, fitted, put):
    """What a method takes: its required parameters and the targets, by their names."""
    values = {
        "X": put(PATTERNS[:2] if name == "forget" else PATTERNS),
        "y": put(targets_for(fitted)),
        "cue": put(PATTERNS[:2]),
        "patterns": put(PATTERNS),
        "weights": put(COUPLINGS),
        "bias": put(COUPLINGS[0]),
        "components": COUPLINGS,
        "intercept_visible": COUPLINGS[0],
        "intercept_hidden": COUPLINGS[0],
        "source": PATTERNS[:3],
        "other": fitted,
        "backend": fitted.backend or "numpy",
        "gram": put(PATTERNS.T @ PATTERNS),
        "n_samples": 12,
    }
    values |= {"transitions": values["X"], "inputs": values["X"], "outputs": values["y"], "strings": values["X"]}
    values["symbols"] = put(PATTERNS[0])
    if name == "fit_masked":
        values["masks"] = open_masks(fitted, put)
    if name == "fit_moments":
        y = targets_for(fitted)
        values |= {"Xy": put(PATTERNS.T @ y), "yy": float(np.sum(y**2))}
    if name == "partial_fit":
        values["transitions"] = {("new", 1.0): "new"}
    if name == "forget":
        values["y"] = values["y"][:2]
    if name == "encode" and getattr(fitted, "target", "self") == "y":
        values["patterns"] = values["y"]
    if name == "predict_inverse":
        values["Y"] = values["y"]
    if name in ("inverse_transform", "sample_visibles") and "H" in inspect.signature(method).parameters:
        values["H"] = fitted.transform(put(PATTERNS))
    if name == "inverse_transform":
        values["codes"] = values["X"] = fitted.transform(put(PATTERNS))
    if "parts" in inspect.signature(method).parameters:  # of assemblies
        values["parts"] = fitted.transform(put(PATTERNS))
    if name == "from_mlp":
        values["network"] = fitted.to_mlp()
    parameters = inspect.signature(method).parameters.values()
    return [values[p.name] for p in parameters if p.kind < 2 and (p.default is p.empty or p.name in ("y", "outputs"))]


def open_masks(fitted, put):
    """Masks that hold no weight back, as `fit_masked` takes them."""
    if not hasattr(fitted, "kept_stages_"):
        return {"memories_": put(np.ones(fitted.memories_.shape, dtype=bool))}
    shapes = iter(stage["weights"].shape for stage in fitted.stages_ if "weights" in stage)
    return [put(np.ones(next(shapes), dtype=bool)) if kept else None for kept in fitted.kept_stages_]


def use(member, name, fitted, put):
    is_of_data = callable(member) and not name.endswith(("_", "_request")) and name not in fitted.get_params()
    if is_of_data:
        refused = (name, fitted.get_params().get("target")) == REFUSED
        with pytest.raises(ValueError, match="expected target='self'") if refused else contextlib.nullcontext():
            makes_one = inspect.ismethod(member) and member.__self__ is type(fitted)
            options = {"backend": fitted.backend} if makes_one else {}
            options |= {"centered": True} if name == "fit_moments" else {}
            member(*arguments_of(name, member, fitted, put), **options)


def check_members(estimator, y, put, cupy, home):
    fitted = clone(estimator).fit(put(PATTERNS), y)
    assert cupy.cuda.Device() == home
    used = []
    for name in members_of(fitted):
        again = clone(fitted)  # copies and pickles come home from the device
        vars(again).update(vars(fitted))
        if hasattr(again, name):
            use(getattr(again, name), name, again, put)
            assert cupy.cuda.Device() == home, f"{name} left the caller on another device"
            used.append(name)
    assert {"fit", "get_params"} <= set(used)


@pytest.mark.parametrize("case", CASES)
def test_behind_the_backend_door(case, fake_cupy):
    with fake_cupy() as cupy:
        there = clone(CASES[case]).set_params(backend="cupy:1")
        check_members(there, targets_for(there), lambda array: array, cupy, cupy.cuda.Device(0))
        back = clone(CASES[case]).set_params(backend="cupy:0")
        with cupy.cuda.Device(1) as home:
            check_members(back, targets_for(back), lambda array: array, cupy, home)


@pytest.mark.parametrize("case", CASES)
def test_following_the_input(case, fake_cupy, dispatched):
    def put(array):
        with cupy.cuda.Device(1):
            return cupy.asarray(array)

    with fake_cupy() as cupy, dispatched():
        check_members(CASES[case], put(targets_for(CASES[case])), put, cupy, cupy.cuda.Device(0))
