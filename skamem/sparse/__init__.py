"""Sparse regression and sparse codes by iterative hard thresholding and exact exchanges."""

from skamem.sparse._classifier import IHTClassifier
from skamem.sparse._coder import IHTSparseCoder
from skamem.sparse._cv import IHTRegressorCV
from skamem.sparse._features import group_by_prefix
from skamem.sparse._isometry import RestrictedIsometry, restricted_isometry
from skamem.sparse._regressor import IHTRegressor
from skamem.sparse._selectors import SupportSelector
from skamem.sparse._stability import StabilitySelection

__all__ = [
    "IHTClassifier",
    "IHTRegressor",
    "IHTRegressorCV",
    "IHTSparseCoder",
    "RestrictedIsometry",
    "StabilitySelection",
    "SupportSelector",
    "group_by_prefix",
    "restricted_isometry",
]
