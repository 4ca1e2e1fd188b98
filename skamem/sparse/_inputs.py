"""From what the user passes to what the solver takes: X, y, weights and the options that name features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import check_array, check_consistent_length, column_or_1d, get_tags

from skamem.core import arrays
from skamem.core.validation import check_sample_weight
from skamem.sparse.objective._design import as_design

__all__ = ["Inputs", "check_always_select", "check_groups", "read_inputs", "read_samples"]


@dataclass
class Inputs:
    """Validated training data.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
    y : array of shape (n_samples, n_targets)
        Where X lives, in the design's wide type.
    is_vector : bool
        Whether y came one-dimensional.
    weights : array of shape (n_samples,) or None
        Where X lives, in the design's wide type.
    placement : Placement
        Where X lives.
    """

    design: Any
    y: Any
    is_vector: bool
    weights: Any
    placement: Any


def read_inputs(estimator, X, y, sample_weight):
    """Validate the arguments of `fit` and move them to where `estimator` computes."""
    design, placement = read_samples(estimator, X)
    y = _checked_targets(estimator, y, design.X)
    y = placement.asarray(y, design.wide)
    weights = check_sample_weight(sample_weight, design.X, placement, design.wide)
    is_vector = y.ndim == 1
    return Inputs(design, y[:, None] if is_vector else y, is_vector, weights, placement)


def read_samples(estimator, X):
    """Validated X of `fit`, as a design where `estimator` computes, and that place."""
    # NaN and infinities show in the sums of squares that the solver takes anyway; a look for them would cost a pass.
    X, placement = estimator._receive(X, reset=True, accept_sparse=("csc", "csr"), ensure_all_finite=False)
    return _placed(estimator, X, placement), placement


def _placed(estimator, X, placement):
    if not scipy.sparse.issparse(X):
        return as_design(placement.asarray(X))
    if not arrays.same_place(X, placement):
        raise ValueError(
            f"X is sparse and backend={estimator.backend!r} computes elsewhere; sparse input is supported on the host. "
            "Use backend=None, or pass X.toarray() if it fits the device."
        )
    return as_design(X)


def _checked_targets(estimator, y, X):
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: expected an array of shape "
            "(n_samples,) or (n_samples, n_targets)."
        )
    y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
    check_consistent_length(X, y)
    if get_tags(estimator).target_tags.multi_output:
        return y
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            f"y has {y.shape[1]} targets; with positive=True a shared support is for one target. Use "
            "multi_output='independent' of IHTRegressor, or fit each target."
        )
    return column_or_1d(y, warn=True)


def check_always_select(value, n_features):
    """Ascending column indices that the parameter `always_select` names."""
    index = np.asarray([] if value is None else value)
    if index.size == 0:
        return np.empty(0, dtype=np.intp)
    if index.ndim != 1 or index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= n_features:
        raise ValueError(
            f"always_select={value!r} is not a list of features; expected column indices in [0, {n_features})."
        )
    return np.unique(index)


def check_groups(value, n_features):
    """Columns of each group that the parameter `groups` labels, or None."""
    if value is None:
        return None
    labels = np.asarray(value)
    if labels.shape != (n_features,):
        raise ValueError(f"groups has shape {labels.shape}; expected ({n_features},): one label for each feature of X.")
    _, index = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(index == g) for g in range(index.max() + 1)]
