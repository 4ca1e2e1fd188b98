"""A right call of every public function, so that each argument in turn can be made wrong."""

import importlib
import inspect

import numpy as np

from skamem import DenseAMClassifier, HebbianMemory
from skamem.datasets import make_patterns

MODULES = ("skamem.analysis", "skamem.datasets", "skamem.metrics", "skamem.model_selection", "skamem.sparse")
# Left out: what starts hundreds of processes, draws on a terminal, or goes on to other functions.
APART = {"n_jobs", "progress", "options"}
# Here a very large number is right, and takes for ever.
COUNTS = {
    "n_patterns",
    "n_units",
    "n_probes",
    "n_seeds",
    "n_steps",
    "n_restarts",
    "n_samples",
    "n_repeats",
    "n_copies",
    "eps",
}


def public_functions():
    """Pairs (name, function) of what the modules of functions offer, with arguments that have names."""
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function) and not inspect.getfullargspec(function).varargs:
                yield f"{module.__name__}.{name}", function


def right_arguments():
    """Keyword arguments that each function takes, by its own name."""
    patterns = make_patterns(2, 30, random_state=0)
    memory = HebbianMemory().fit(patterns)
    X = np.random.default_rng(0).standard_normal((20, 3))
    y = np.arange(20) % 2
    classifier = DenseAMClassifier(5, max_iter=2, random_state=0).fit(X, y)
    few = {"random_state": 0, "n_jobs": None}
    landscape = HebbianMemory(zero_diagonal=True).fit(patterns)
    return {
        "attack": {"classifier": classifier, "X": X, "y": y, "eps": 0.1, "n_steps": 2, "random_state": 0},
        "attraction_index": {"memory": memory, "X": patterns, "n_probes": 5, "random_state": 0},
        "attractors": {"memory": memory, "probes": patterns, "tolerance": 0.0, "n_jobs": None},
        "basin_map": {"memory": memory, "X": patterns, "pattern": 0, "flips": [[0, 1], [0, 1]], "n_probes": 5, **few},
        "basin_profile": {"memory": memory, "X": patterns, "distances": [0, 1], "n_probes": 5, **few},
        "bit_error_probability": {"n_units": 100, "n_patterns": 10},
        "capacity": {"n_units": 100, "criterion": "bit_error"},
        "capacity_curve": {"memory": HebbianMemory(), "n_units": 20, "n_patterns": [1, 2], "n_seeds": 2, **few},
        "cdma_bit_error": {"n_units": 31, "n_users": 4},
        "crosstalk": {"X": patterns},
        "decisive_memories": {"classifier": classifier, "X": X},
        "energy_path": {"memory": landscape, "cues": patterns, "n_steps": 2},
        "holographic_accuracy": {"n_units": 100, "n_pairs": 5, "n_candidates": 10, "algebra": "hrr"},
        "linear_orbit": {"weights": np.eye(3), "start": np.ones(3), "n_steps": 3},
        "retrieval_overlap": {"load": 0.1},
        "spurious_states": {"memory": memory, "X": patterns, "n_probes": 20, **few},
        "transfer_table": {"classifiers": {"one": classifier}, "X": X, "y": y, "eps": 0.1},
        "votes_per_memory": {"classifier": classifier},
        "wilson_interval": {"n_successes": 3, "n_trials": 10},
        "corrupt": {"X": patterns, "random_state": 0},
        "load_letters": {},
        "make_transformed": {"images": np.eye(6)[None], "shift": 1, "n_copies": 2, "random_state": 0},
        "make_patterns": {"n_patterns": 3, "n_units": 12, "random_state": 0},
        "stream_transformed": {"images": np.eye(6)[None], "shift": 1, "n_copies": 2, "random_state": 0},
        "exact_recall_score": {"y_true": patterns, "y_pred": patterns},
        "overlap_score": {"y_true": patterns, "y_pred": patterns},
        "unit_accuracy": {"y_true": patterns, "y_pred": patterns},
        "make_denoising_scorer": {},
        "restricted_isometry": {"X": X, "s": 2, "n_samples": 20, "random_state": 0},
    }
