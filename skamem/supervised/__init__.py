"""Classifiers and regressors built on memories."""

from skamem.supervised._dense_classifier import DenseAMClassifier
from skamem.supervised._dense_regressor import DenseAMRegressor
from skamem.supervised._memory_classifier import MemoryClassifier

__all__ = ["DenseAMClassifier", "DenseAMRegressor", "MemoryClassifier"]
