"""Classifiers and regressors built on memories."""

from skamem.supervised._dense_classifier import DenseAMClassifier
from skamem.supervised._memory_classifier import MemoryClassifier

__all__ = ["DenseAMClassifier", "MemoryClassifier"]
