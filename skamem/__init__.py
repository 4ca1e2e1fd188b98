"""Associative memory for scikit-learn: store patterns, recall them from noisy or partial cues, classify, regress."""

from skamem._version import __version__
from skamem.memory import HebbianMemory, PseudoinverseMemory
from skamem.sparse import IHTRegressor, IHTRegressorCV
from skamem.supervised import DenseAMClassifier, MemoryClassifier

__all__ = [
    "DenseAMClassifier",
    "HebbianMemory",
    "IHTRegressor",
    "IHTRegressorCV",
    "MemoryClassifier",
    "PseudoinverseMemory",
    "__version__",
]
