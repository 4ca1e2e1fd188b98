"""Settings of the estimators: usual, borderline and wrong values of every parameter."""

import numpy as np
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import FunctionTransformer

import skamem
from skamem.core.interactions import Softplus

nan, inf = float("nan"), float("inf")

# What no parameter takes as it stands, or only some. No number here makes anything large.
WRONG = (
    *("foo", "", -1, 0, 1.5, -0.5, nan, inf, -inf, None, True, (), [], {}, 1j, "1", b"auto", np.nan),
    *(np.int8(3), np.uint8(200), np.float32(0.5), np.float16(2), np.bool_(True), np.str_("auto"), np.array(2)),
    *(np.array([1.0, 2.0]), (1, 2), [0.5], np.datetime64("2020-01-01"), Ellipsis, 1e308, 2**70),
)
COUNTS = {"n_memories", "max_iter", "n_components", "n_bits", "n_layers", "depth", "max_epochs", "n_jobs"}
COUNTS |= {"n_traces", "n_neurons", "n_rounds", "n_chains", "n_gibbs_steps", "n_temperatures", "n_hidden", "n_pairs"}
COUNTS |= {"n_stages", "n_units", "max_cycles", "n_codes", "n_init"}

_STEPS = (1, 2, 3, 10, 100)
_BOTH = (False, True)
_NUMBERS = (0.0, 1e-3, 0.1, 1.0, 10.0)
# Usual values, then borderline ones: extremes of the range, and what a grid of arrays gives.
BY_NAME = {
    "activation": (("sign", "identity", "step"), (np.str_("step"),)),
    "update": (("sync", "async"), (np.str_("async"),)),
    "n_recall_steps": (_STEPS, (np.int8(3), np.int64(1))),
    "zero_diagonal": (_BOTH, (np.bool_(True),)),
    "binarize": ((0.0, 0.5, -1, None), (np.float32(0.5), 1e300, np.int8(1))),
    "coding": (("auto", "bipolar", "binary"), ()),
    "missing": (("free", "clamp"), ()),
    "random_state": ((0, 1), (np.int64(3), np.int8(3), 2**32 - 1)),
    "backend": ((None, "numpy", "torch"), ("torch:cpu", np.str_("numpy"))),
    "target": (("self", "y"), ()),
    "solver": (("svd", "cholesky", "neumann"), ()),
    "alpha": (_NUMBERS, (1e-300, 1e300, np.float32(0.5), 1)),
    "n_layers": ((1, 5, 100), (np.int8(3),)),
    "step": (("auto", 1e-3, 1e-2), (1e-300, 1.0, 1e300)),
    "hyperpower": (_BOTH, (np.bool_(True),)),
    "interaction": (
        ("polynomial", "rectified_polynomial", "exponential", "logcosh", "softplus"),
        (Softplus(), np.str_("logcosh")),
    ),
    "degree": ((1, 2, 3, 2.5, 5, 10), (30, 100, np.int8(3), np.float32(2), 1.0000001)),
    "rule": (("hebbian", "storkey", "pseudoinverse", "perceptron"), (np.str_("storkey"),)),
    "kappa": ((0.0, 0.1, 1.0), (np.float32(0.1), 100.0)),
    "max_epochs": ((1, 10, 50), (np.int8(3),)),
    "fit_intercept": (_BOTH, (np.bool_(False),)),
    "threshold": ((0.0, 0.5, -1), (np.float32(0.5), 1e300)),
    "storage": (("auto", "sparse", "packed", "dense"), ()),
    "n_active": ((None, 1, 2, 5), (np.int8(3), 1000)),
    "method": (("threshold", "median", "thermometer", "hyperplanes"), ()),
    "missing_values": ((nan, None, -1), (0, "?", np.float32(-1), 1e300)),
    "categorical_features": (("from_dtype",), ((0,), (0, 1), (10**6,), None, "a")),
    "sample_posterior": (_BOTH, (np.bool_(True),)),
    "n_bits": ((1, 2, 4), (np.int8(3),)),
    "n_components": ((1, 5, 20), (np.int8(3),)),
    "output": (("bipolar", "binary"), ()),
    "beta": (("auto", "held-out", "separation", 0.1, 1.0, 10.0), (1e-300, 1e300, np.float32(1), 1)),
    "similarity": (("nearest", "dot", "local"), ()),
    "max_distance": ((None, 1.0, 10.0), (1e-300, 1e300, np.float32(1))),
    "add_indicator": (_BOTH, (np.bool_(True),)),
    "keep_empty_features": (_BOTH, (np.bool_(True),)),
    "kernel": (("rbf", "laplacian", "ntk", "linear", "poly", "sigmoid", "cosine"), ("chi2", "polynomial")),
    "gamma": ((None, 0.01, 1.0), (1e-300, 1e300, np.float32(1))),
    "coef0": ((0, 1, 0.5), (-1, 1e300)),
    "depth": ((1, 2, 5), (50,)),
    "approximation": (("nystroem", "fourier"), ()),
    "memory": (
        (
            None,
            skamem.HebbianMemory(),
            skamem.PseudoinverseMemory(),
            skamem.PseudoinverseMemory(solver="cholesky", alpha=1.0, binarize=None),
            skamem.KernelMemory(),
            skamem.ModernHopfieldMemory(),
        ),
        (skamem.WillshawMemory(), skamem.DenseMemory(), skamem.HopfieldNetwork(), skamem.BidirectionalMemory()),
    ),
    "n_memories": ((1, 2, 20), (np.int8(10), 100)),
    "readout": (("linear", "exact"), ()),
    "power": ((1, 2, 3.5), (0.5, 10, np.float32(2), 50)),
    "learning_rate_init": (("auto", 0.001, 0.1), (1e-300, 1e3, np.float32(0.01))),
    "max_iter": ((1, 2, 5), (np.int8(3),)),
    "batch_size": ((10, 100), (1, np.int8(100), 2**70)),
    "temperature": (("auto", 1.0, 5.0, (10.0, 1.0)), (1e-300, 1e300, np.float32(2))),
    "momentum": ((0.0, 0.6), (0.999999, np.float32(0.5))),
    "noise": (("auto", 0.0, 0.1), (1e-300, 1e3)),
    "adversarial": ((0.0, 0.1), (1e3,)),
    "weight_decay": (("auto", 0.0, 0.1), (1e3,)),
    "scale": (("feature", "global", None), ()),
    "init": (("random", "data"), ()),
    "class_weight": ((None, "balanced", {0: 1.0, 1: 2.0}), ({0: 0.0, 1: 1.0}, {7: 1.0}, {0: 1e300, 1: 1e-300})),
    "early_stopping": (_BOTH, (np.bool_(True),)),
    "validation_fraction": ((0.1, 0.5), (1e-9, 0.999999)),
    "n_iter_no_change": ((1, 3), (np.int8(3),)),
    "tol": ((0.0, 1e-7, 1e-4), (1e3,)),
    "warm_start": (_BOTH, (np.bool_(True),)),
    "verbose": (_BOTH, ()),
    "n_nonzero_coefs": ((None, 1, 2, 3), (0, np.int8(2), 10**6)),
    "effort": (("auto", "fast", "swap", "thorough"), ("plain", "normalized")),
    "criterion": (("gicc", "gic", "bic", "ebic"), ()),
    "max_residual": ((None, 1.0, 10.0), (0, 1e-300, 1e300)),
    "n_best": ((1, 2, 5), (np.int8(2), 10**6)),
    "weight_kind": (("frequency", "precision"), ()),
    "max_features": ((None, 1, 3), (0, np.int8(2), 10**6)),
    "groups": ((None,), ((0, 0, 1), (0, 0, 1, 1, 2, 2, 3, 3), ("a", "b", "a"))),
    "always_select": ((None, (0,), (1, 2)), ((), (2, 2), (-1,), (10**6,), (0, 1, 2, 3, 4, 5, 6, 7))),
    "positive": (_BOTH, (np.bool_(True),)),
    "multi_output": (("joint", "independent"), ()),
    "cv": ((None, 2, 3), (1, 10**6, np.int8(3))),
    "scoring": ((None, "r2", "neg_mean_absolute_error"), ("accuracy", "max_error")),
    "one_se": (_BOTH, (np.bool_(True),)),
    "n_jobs": ((None, 1, 2), (-1, np.int8(1))),
    "n_select": ((None, 1, 2), (np.int8(2), 10**6)),
    "max_false": ((1.0, 5.0), (1e-300, 1e300)),
    "n_pairs": ((2, 3), (1, np.int8(3))),
    "assumption": (("unimodal", "worst-case"), ()),
    "estimator": ((None,), ()),
    "sparsity": ((0.0, 0.5, 0.9), (1e-300, 0.999999, np.float32(0.5))),
    "fraction": ((0.2, 0.5), (0.1, 0.999999, np.float32(0.5))),
    "rewind_to": ((None, "initial", 0, 1, 0.1), (2, np.int8(1), np.float32(0.5), 0.999999)),
    "scope": (("global", "layer"), (np.str_("layer"),)),
    "dropout": ((0.0, 0.2, 0.5), (0.999999, np.float32(0.5))),
    "layers": (("auto", (3,), (4, 2)), ([3], (skamem.RestrictedBoltzmannMachine(2, max_iter=2), 2))),
    "algebra": (("hrr", "fhrr", "map"), (np.str_("map"),)),
    "n_traces": ((1, 2, 3), (np.int8(3), 50)),
    "features": (
        (None, RBFSampler(n_components=20, random_state=0)),
        (FunctionTransformer(), RBFSampler(n_components=1, random_state=0)),
    ),
    "shrinkage": (("auto", None, 0.1), (0, 1, 1e-300, np.float32(0.5))),
    "unitary": (_BOTH, (np.bool_(True),)),
    "rbm": ((skamem.RestrictedBoltzmannMachine(max_iter=2), None), ()),
    "dictionary": ((None,), (((1.0, 0.0, 0.0), (0.0, 1.0, 1.0)), ((0.0, 0.0, 0.0),), ((nan, 1.0, 0.0),))),
    "check_stored": (_BOTH, (np.bool_(False),)),
    "learning_rate": (("auto", 0.01, 0.1), (1e-300, 1e3, np.float32(0.1))),
    "n_chains": (("auto", 1, 10), (np.int8(10),)),
    "n_gibbs_steps": ((1, 3), (np.int8(2),)),
    "n_temperatures": ((2, 3), (np.int8(3),)),
    "n_hidden": ((0, 1, 3), (np.int8(2),)),
    "visible": (("binary", "gaussian"), ()),
    "hidden": (("binary", "gaussian"), ()),
    "sampler": (("pcd", "cd", "pt"), ()),
    "centered": (_BOTH, (np.bool_(True),)),
    "sigma": (("auto", 1.0), (1e-300, 1e300, (1.0, 2.0, 3.0))),
    "n_neurons": ((5, 20, 100), (1, np.int8(30))),
    "p": (("auto", 0.1, 0.5), (0, 1, 1e-300, np.float32(0.5))),
    "n_rounds": ((1, 2, 10), (np.int8(3), 100)),
    "max_weight": ((None, 1.0, 2.0, 5.0), (1, 1e300, np.float32(2))),
    "homeostasis": (_BOTH, (np.bool_(True),)),
    "cyclic": (_BOTH, (np.bool_(False),)),
    "order": ((1, 2, 3), (np.int8(2), 30)),
    "tolerance": ((0.0, 0.05, 0.2), (np.float32(0.1), 1e300)),
    "n_stages": ((1, 2, 3), (np.int8(2),)),
    "deep": (_BOTH, (np.bool_(True),)),
    "max_cycles": ((0, 1, 10), (np.int8(3),)),
    "monitor": ((None, "pseudo_likelihood", "log_likelihood"), ()),
    "n_codes": ((1, 3, (2, 4), (4, 4), (2, 3, 5)), (np.int8(3), [2, 3], (1, 1, 1, 1), 1000)),
    "image_shape": ((None,), ((2, 4), (1, 3), [8, 1], (2, 2, 2), (10**9, 10**9))),
    "patch_size": ((None,), (1, (1, 2), np.int8(1), 10**6)),
    "merge": ((None, 1, 2), ((2,), (None,), (1, None), np.int8(2), 10**6)),
    "n_init": ((1, 2), (np.int8(2),)),
}
BY_NAME |= {
    "n_units": (("auto", 64, 128), (1, 8, np.int8(32))),
    "flip_rate": ((0.0, 0.05, 0.2), (0.49, 1e-300, np.float32(0.1))),
    "error_rate": ((1e-12, 1e-3), (1e-300, 0.999999, np.float32(1e-6))),
    "unknown": (("raise", "halt", "recall"), (np.str_("halt"),)),
}
# Where a name means something else, or a default takes long.
BY_ESTIMATOR = {
    **{
        (name, parameter): values
        for name in ("AssemblyClassifier", "AssemblyMemory")
        for parameter, values in {
            "n_active": (("auto", 1, 2, 5), (np.int8(3), 20)),
            "beta": ((0.0, 0.05, 0.1, 1.0), (1e-300, 1e300, np.float32(0.1))),
        }.items()
    },
    ("InvariantProjection", "n_components"): (("auto", None, 1, 2), (np.int8(1), 300)),
    ("FiniteStateMemory", "memory"): (
        # No HebbianMemory: a hundred transitions take thousands of units, and seconds.
        (
            None,
            skamem.DenseMemory("exponential"),
            skamem.PseudoinverseMemory(),
            skamem.KernelMemory(),
            skamem.DenseMemory(),
        ),
        (skamem.WillshawMemory(), skamem.HopfieldNetwork(), skamem.BidirectionalMemory(), skamem.BipolarEncoder()),
    ),
    ("BoltzmannMachine", "method"): (("auto", "exact", "gibbs"), ()),
    ("BoltzmannMachine", "learning_rate"): ((0.01, 0.1), (1e-300, 1e3)),
    ("BoltzmannMachine", "n_chains"): ((1, 10), (np.int8(10),)),
    ("BoltzmannMachine", "weight_decay"): ((0.0, 0.1), (1e3,)),
    ("RestrictedBoltzmannMachine", "init"): (("random",), (((1, 0, 1),), ((1, -1, 1), (1, 1, -1)), "data", None)),
    ("CompositionalRegressor", "graph"): (
        ("binary", "learn", ((0, 1), 0), (0,)),
        ([[0, 1]], (0, (0, 0)), ("a", "b"), ((0, 99), 1), np.str_("binary")),
    ),
    ("CompositionalRegressor", "node"): (("spline", "polynomial", "kernel"), (np.str_("kernel"),)),
    ("CompositionalRegressor", "n_knots"): ((2, 3, 4), (np.int8(3), 50)),
    ("CompositionalRegressor", "n_restarts"): ((1, 2), (np.int8(2),)),
    ("CompositionalRegressor", "degree"): ((1, 2, 3), (np.int8(3), 8)),
    ("CompositionalRegressor", "alpha"): (("gcv", 0.0, 0.1), (1e-300, 1e30, np.float32(0.5), 1)),
    ("LayerwiseClassifier", "activation"): (
        ("relu", "rectified_polynomial", "polynomial", "exponential", "logcosh", "softplus"),
        (Softplus(), np.str_("logcosh")),
    ),
    ("LayerwiseClassifier", "n_units"): ((1, 5, 10), (np.int8(3),)),
    ("LayerwiseClassifier", "alpha"): (("auto", "gcv", 0.0, 0.1), (1e-300, 1e30, np.float32(0.5), 1)),
    ("LayerwiseClassifier", "max_epochs"): (("auto", 0, 3), (np.int8(3),)),
    ("LayerwiseClassifier", "batch_size"): (("auto", 10), (1, np.int8(100), 2**70)),
    ("LayerwiseClassifier", "learning_rate_init"): ((0.001, 0.03), (1e-300, 1e3, np.float32(0.01))),
    ("LayerwiseRegressor", "activation"): (
        ("relu", "rectified_polynomial", "polynomial", "exponential", "logcosh", "softplus"),
        (Softplus(), np.str_("logcosh")),
    ),
    ("LayerwiseRegressor", "n_units"): ((1, 5, 10), (np.int8(3),)),
    ("LayerwiseRegressor", "alpha"): (("auto", "gcv", 0.0, 0.1), (1e-300, 1e30, np.float32(0.5), 1)),
    ("LayerwiseRegressor", "max_epochs"): (("auto", 0, 3), (np.int8(3),)),
    ("LayerwiseRegressor", "batch_size"): (("auto", 10), (1, np.int8(100), 2**70)),
    ("LayerwiseRegressor", "learning_rate_init"): ((0.001, 0.03), (1e-300, 1e3, np.float32(0.01))),
    ("MagnitudePruning", "estimator"): (
        (
            skamem.DenseAMClassifier(5, max_iter=3, random_state=0),
            LogisticRegression(),
            skamem.LayerwiseClassifier(2, n_units=5, max_epochs=2, random_state=0),
            skamem.DenseAMClassifier(5, max_iter=3, random_state=0, solver="paper"),
            MLPClassifier((5,), max_iter=3, random_state=0),
        ),
        (RidgeClassifier(), MLPClassifier((5,), max_iter=3, solver="lbfgs"), skamem.HebbianMemory()),
    ),
    ("MagnitudePruning", "image_shape"): ((None,), ((1, 1), (2, 3), (4, 2), (2, 2, 2), [2, 2])),
    ("MagnitudePruning", "n_rounds"): ((None, 1, 2), (np.int8(3), 20)),
    ("MagnitudePruning", "scoring"): ((None, "accuracy"), ("r2", "roc_auc")),
    ("RestrictedBoltzmannMachine", "batch_size"): (("auto", 10), (1, np.int8(100))),
    ("SequenceMemory", "noise"): ((0.0, 0.1, 0.5), (1, np.float32(0.1), 1e-300)),
    ("StabilitySelection", "threshold"): ((None, 0.6, 0.9), (0.500001, 1)),
    ("WillshawMemory", "threshold"): (("match", "winners", 1, 2), (np.int8(2), 10**6)),
    ("PseudoinverseMemory", "zero_diagonal"): (("auto", False, True), (np.bool_(False),)),
    ("DenseAMClassifier", "solver"): (("adam", "paper"), ()),
    ("HierarchicalVectorQuantizer", "output"): (("codes", "top", "one-hot"), (np.str_("top"),)),
    ("HierarchicalVectorQuantizer", "groups"): (
        (None, 1, 2, ((0,), (1, 2))),
        (((0, 2), (1,)), ((0,), (0, 1, 2)), (), np.int8(2), 10**6, (("a",), ("b",))),
    ),
    ("HolographicMemory", "memory"): (
        (None, "passthrough", skamem.ModernHopfieldMemory(), skamem.HebbianMemory()),
        (skamem.KernelMemory(), skamem.WillshawMemory(), skamem.ModernHopfieldMemory(target="y")),
    ),
    ("HolographicMemory", "n_components"): ((None, 16, 20), (np.int8(9), 1, 300)),
    ("AssociativeImputer", "n_components"): (("auto", None, 5, 20), (np.int8(3), 1, 300)),
    ("AssociativeImputer", "shrinkage"): (("auto", 1e-3, 0.1, 1.0), (1e-300, np.float32(0.5), 1)),
    ("KernelMemory", "n_components"): ((None, 1, 5, 20), (np.int8(3), 300)),
    ("KernelMemory", "alpha"): (("auto", 0.0, 1e-3, 1.0), (1e-300, 1e300)),
    ("DeepBeliefClassifier", "batch_size"): (("auto", 10), (1, np.int8(100), 2**70)),
    ("DeepBeliefRegressor", "batch_size"): (("auto", 10), (1, np.int8(100), 2**70)),
    ("DeepBeliefClassifier", "learning_rate"): ((0.01, 0.1), (1e-300,)),
    ("DeepBeliefClassifier", "weight_decay"): ((0.0, 0.1), (1e3,)),
    ("DeepBeliefRegressor", "learning_rate"): ((0.01, 0.1), (1e-300,)),
    ("DeepBeliefRegressor", "weight_decay"): ((0.0, 0.1), (1e3,)),
    ("IHTSparseCoder", "effort"): (("swap", "fast"), ()),
    ("IHTSparseCoder", "n_nonzero_coefs"): ((None, 1, 2), (0, np.int8(2), 10**6)),
}
QUICK = {
    "layers": (3,),
    "rbm": skamem.RestrictedBoltzmannMachine(max_iter=2),
    "max_iter": 3,
    "n_memories": 10,
    "random_state": 0,
    "max_epochs": 20,
    "n_pairs": 2,
    "n_neurons": 20,
    "n_stages": 2,
    "n_restarts": 1,
    "n_knots": 3,
}
# Where a name means something else.
QUICK_OF = {
    "MagnitudePruning": {
        "estimator": skamem.DenseAMClassifier(5, max_iter=3, noise=0.1, weight_decay=0.1, random_state=0),
        "n_rounds": 2,
    }
}


def values_of(Estimator, name):
    """(usual, borderline, wrong) values of a parameter."""
    usual, borderline = BY_ESTIMATOR.get((Estimator.__name__, name)) or BY_NAME[name]
    return usual, borderline, WRONG[:-1] if name in COUNTS else WRONG  # such a count is right, and takes for ever


def draw_setting(rng, Estimator):
    """One parameter by chance, and a value: usual three times of four."""
    names = list(Estimator().get_params(deep=False))
    name = names[rng.integers(len(names))]
    usual, borderline, wrong = values_of(Estimator, name)
    choices = (usual, borderline or usual, wrong)[rng.choice(3, p=(0.8, 0.12, 0.08))]
    return name, choices[rng.integers(len(choices))]


def draw_settings(rng, Estimator):
    """Parameters other than the defaults, none to five of them, and what keeps fits quick."""
    return dict(draw_setting(rng, Estimator) for _ in range(rng.integers(0, 6)))


def quick(Estimator):
    """Parameters that keep a fit quick and its numbers alike, where the case does not set them."""
    names = Estimator().get_params(deep=False).keys()
    return {name: QUICK[name] for name in QUICK.keys() & names} | QUICK_OF.get(Estimator.__name__, {})
