"""Sparse regression by iterative hard thresholding and exact exchanges."""

from skamem.sparse._cv import IHTRegressorCV
from skamem.sparse._regressor import IHTRegressor

__all__ = ["IHTRegressor", "IHTRegressorCV"]
