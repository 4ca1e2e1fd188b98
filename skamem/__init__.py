"""Associative memory for scikit-learn: store patterns, recall them from noisy or partial cues, classify, regress."""

from skamem._version import __version__
from skamem.memory import HebbianMemory, KernelMemory, ModernHopfieldMemory, PseudoinverseMemory
from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV, IHTSparseCoder
from skamem.supervised import DenseAMClassifier, DenseAMRegressor, MemoryClassifier

__all__ = [
    "DenseAMClassifier",
    "DenseAMRegressor",
    "HebbianMemory",
    "IHTClassifier",
    "IHTRegressor",
    "IHTRegressorCV",
    "IHTSparseCoder",
    "KernelMemory",
    "MemoryClassifier",
    "ModernHopfieldMemory",
    "PseudoinverseMemory",
    "__version__",
]
