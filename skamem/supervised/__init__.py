"""Classifiers and regressors built on memories."""

from skamem.supervised._memory_classifier import MemoryClassifier
from skamem.supervised.compositional._regressor import CompositionalRegressor
from skamem.supervised.dense._classifier import DenseAMClassifier
from skamem.supervised.dense._regressor import DenseAMRegressor
from skamem.supervised.layerwise._classifier import LayerwiseClassifier
from skamem.supervised.layerwise._regressor import LayerwiseRegressor
from skamem.supervised.pruning._magnitude import MagnitudePruning

__all__ = [
    "CompositionalRegressor",
    "DenseAMClassifier",
    "DenseAMRegressor",
    "LayerwiseClassifier",
    "LayerwiseRegressor",
    "MagnitudePruning",
    "MemoryClassifier",
]
