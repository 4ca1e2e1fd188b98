"""Classifiers and regressors built on memories."""

from skamem.supervised._memory_classifier import MemoryClassifier
from skamem.supervised.dense._classifier import DenseAMClassifier
from skamem.supervised.dense._regressor import DenseAMRegressor

__all__ = ["DenseAMClassifier", "DenseAMRegressor", "MemoryClassifier"]
