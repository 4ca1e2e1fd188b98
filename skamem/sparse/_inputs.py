"""From what the user passes to what the solver takes: X, y, weights and the options that name features."""

import numbers
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit, KFold, PredefinedSplit, check_cv
from sklearn.utils import check_array, check_consistent_length, column_or_1d, get_tags

from skamem.core import arrays
from skamem.core.columns import is_sound, unmasked
from skamem.core.validation import check_sample_weight
from skamem.core.warn import warn
from skamem.sparse.objective._design import as_design
from skamem.sparse.search._groups import count_selections

__all__ = [
    "Inputs",
    "check_n_targets",
    "check_room",
    "counting",
    "read_inputs",
    "read_rows",
    "read_samples",
    "read_splits",
]

# Magnitude of y up to which sums of squares stay finite.
_LARGEST = 1e150
# What an estimator's iterator of splits gave: it gives it once, and the estimator may be fitted again, after a failed
# fit too.
_GIVEN: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


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
        Where X lives; of rows that stand for others, where those did.
    like : array
        Has the type that fitted arrays get.
    stands_for : Condensed or None
        What the rows of the design stand for, if not for themselves.
    """

    design: Any
    y: Any
    is_vector: bool
    weights: Any
    placement: Any
    like: Any
    stands_for: Any = None


def read_inputs(estimator, X, y, sample_weight):
    """Validate the arguments of `fit` and move them to where `estimator` computes."""
    design, placement = read_samples(estimator, X)
    y, is_vector = _read_targets(estimator, y, design.X, placement, design.wide)
    weights = check_sample_weight(sample_weight, design.X, placement, design.wide)
    return Inputs(design, y, is_vector, weights, placement, like=design.X)


def read_rows(estimator, X, y, sample_weight, *, method):
    """Validated rows that are only summed up: X where the user had it, the rest where `estimator` computes.

    Parameters
    ----------
    estimator : SparseLinearModel
    X, y, sample_weight : array-likes
    method : str or None
        Name of the public method; None where the rows are the first.

    Returns
    -------
    rows : tuple
        X, y of shape (n_samples, n_targets), weights or None, placement, and whether y came one-dimensional.
    """
    X, placement = _read_samples(estimator, X, reset=method is None, method=method)
    wide = arrays.widest_float(placement.asarray(np.zeros(0), arrays.float_dtype(X, placement.xp)))
    y, is_vector = _read_targets(estimator, y, X, placement, wide)
    return X, y, check_sample_weight(sample_weight, X, placement, wide), placement, is_vector


def read_samples(estimator, X):
    """Validated X of `fit`, as a design where `estimator` computes, and that place."""
    X, placement = _read_samples(estimator, X, reset=True)
    return as_design(X if scipy.sparse.issparse(X) else placement.asarray(X)), placement


def _read_samples(estimator, X, *, reset, method=None):
    # NaN and infinities show in the sums of squares that the solver takes anyway; a look for them would cost a pass.
    X, placement = estimator._receive(
        X, reset=reset, method=method, accept_sparse=("csc", "csr"), ensure_all_finite=False
    )
    if scipy.sparse.issparse(X) and not arrays.same_place(X, placement):
        raise ValueError(
            f"X is sparse and backend={estimator.backend!r} computes elsewhere; sparse input is supported on the host. "
            "Use backend=None, or pass X.toarray() if it fits the device."
        )
    return X, placement


def _read_targets(estimator, y, X, placement, dtype):
    """Targets of shape (n_samples, n_targets) on the placement, and whether they came one-dimensional."""
    y = placement.asarray(_checked_targets(estimator, y, X), dtype)
    xp = placement.xp
    largest = float(xp.max(xp.abs(y))) if y.shape[0] else 0.0
    if largest > _LARGEST:
        raise ValueError(
            f"y has values of {largest:.3g}, whose squares overflow double precision; expected magnitudes below "
            f"{_LARGEST:g}. Rescale it."
        )
    is_vector = y.ndim == 1
    return (y[:, None] if is_vector else y), is_vector


def _checked_targets(estimator, y, X):
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: expected an array of shape "
            "(n_samples,) or (n_samples, n_targets)."
        )
    if not is_sound(y, ndim=1):
        y = check_array(unmasked(y), ensure_2d=False, dtype="numeric", input_name="y")
    check_consistent_length(X, y)
    if y.ndim == 1 or get_tags(estimator).target_tags.multi_output:
        return y
    check_n_targets(estimator, y.shape[1])
    return column_or_1d(y, warn=True)


def check_n_targets(estimator, n_targets):
    """Raise ValueError for more targets than the settings of `estimator` are for."""
    if n_targets > 1 and not get_tags(estimator).target_tags.multi_output:
        raise ValueError(
            f"y has {n_targets} targets; with positive=True a shared support is for one target. Use "
            "multi_output='independent' of IHTRegressor, or fit each target."
        )


def counting(weights, *, precisions):
    """Weights that sum to the number of samples that a likelihood counts; see `Problem.n_counted`."""
    if weights is None:
        return None
    xp = arrays.namespace(weights)
    total, n_rows = float(xp.sum(weights)), int(xp.sum(xp.astype(weights > 0, xp.int64)))
    return weights * (n_rows / total) if precisions or total < n_rows else weights


def check_room(problem, groups, *, size, max_features):
    """Raise ValueError if `always_select` has more members than fit; warn of members that the others span.

    Parameters
    ----------
    problem : Problem
    groups : list of int arrays or None
        Columns of each group.
    size : int or None
        The parameter `n_nonzero_coefs`.
    max_features : int or None
        That parameter.
    """
    asked = problem.locked.copy()
    asked[problem.dependent] = True
    needed = count_selections(asked, groups)
    bounds = {"n_nonzero_coefs": size, "max_features": max_features}
    bounds = [(bound, f"{name}={bound}", f"raise {name}") for name, bound in bounds.items() if bound is not None]
    if groups is None:
        room = problem.room
        bounds.append((room, f"the {room} that n_samples={problem.n_rows} leave room for", "add samples"))
    for bound, found, remedy in bounds:
        if needed > bound:
            raise ValueError(
                f"always_select needs {needed} selections, more than {found}; they count among them. Shorten the "
                f"list, or {remedy}."
            )
    if len(problem.dependent):
        warn(
            f"always_select names features {problem.dependent.tolist()}, which are combinations of its other members; "
            "they are left out, since their coefficients would mean nothing. Take them off the list."
        )


def read_splits(estimator, y, weights):
    """Training and held-out samples that the parameter `cv` names, without samples of weight zero.

    Parameters
    ----------
    estimator : object
        With a parameter `cv`: int, splitter, iterable or None.
    y : array of shape (n_samples,)
        Host.
    weights : array of shape (n_samples,) or None
        Host.

    Returns
    -------
    splits : list of (int array, int array)

    Raises
    ------
    ValueError
        When no split has a sample on both sides.

    Notes
    -----
    A sample of weight zero is absent: scikit-learn's splitters divide the others. Splits that are given as indices
    lose it, and a split that loses one side is left out.
    """
    cv = _reusable(estimator)
    present = np.ones(len(y), dtype=bool) if weights is None else weights > 0
    rows = np.flatnonzero(present)
    divides = cv is None or isinstance(cv, numbers.Integral | BaseCrossValidator | BaseShuffleSplit)
    among = rows if divides and not isinstance(cv, PredefinedSplit) else np.arange(len(y))
    splits = []
    splitter = check_cv(cv)
    _check_folds(splitter, len(among), "5 folds by default" if cv is None else f"{cv!r}")
    for train, test in splitter.split(np.empty((len(among), 0)), y[among]):
        train, test = among[train], among[test]
        splits.append((train[present[train]], test[present[test]]))
    splits = [split for split in splits if all(map(len, split))]
    if not splits:
        raise ValueError(
            f"cv={cv!r} gives no split that has samples of positive weight on both sides; expected at least one. Check "
            "cv and sample_weight."
        )
    return splits


def _check_folds(splitter, n_samples, found):
    """Raise ValueError where there are fewer samples than folds; splitters other than k folds say so themselves."""
    if not isinstance(splitter, KFold) or splitter.n_splits <= n_samples:
        return
    remedy = f"Lower cv to at most {n_samples}, add samples" if n_samples > 1 else "Add samples"
    raise ValueError(
        f"cv ({found}) needs a sample for each of its {splitter.n_splits} folds, and n_samples={n_samples} of positive "
        f"weight; expected n_samples >= {splitter.n_splits}. {remedy}, or choose the size without folds: IHTRegressor."
    )


def _reusable(estimator):
    if not hasattr(estimator.cv, "__next__"):
        return estimator.cv
    if _GIVEN.get(estimator, [None])[0] is not estimator.cv:
        _GIVEN[estimator] = estimator.cv, list(estimator.cv)
    return _GIVEN[estimator][1]
