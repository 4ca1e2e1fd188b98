"""Classifiers and regressors built on memories."""

from skamem.supervised._memory_classifier import MemoryClassifier
from skamem.supervised.dense._classifier import DenseAMClassifier
from skamem.supervised.dense._regressor import DenseAMRegressor
from skamem.supervised.layerwise._classifier import LayerwiseClassifier
from skamem.supervised.layerwise._regressor import LayerwiseRegressor

__all__ = ["DenseAMClassifier", "DenseAMRegressor", "LayerwiseClassifier", "LayerwiseRegressor", "MemoryClassifier"]
