"""Rows of X and y known by their sums: what merges, and a small data set that has the same sums.

Least squares on any support, and all that the search asks beside it, depend on lengths and angles of columns alone. So
a root of the scatter, no more rows than columns, stands for however many rows there were, and everything that works on
rows works on it. What a scatter holds are squares, half of the digits of distances: that is all that is lost.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.linalg import lapack, solve_triangular
from sklearn.utils import assert_all_finite

from skamem.core import arrays
from skamem.core.reduction import PairwiseReduction
from skamem.core.rows import Rows, row_blocks
from skamem.core.scatter import column_units, merged, scatter_of
from skamem.sparse.objective._design import host
from skamem.sparse.objective._linalg import EPS

__all__ = ["Condensed", "condensed", "kept_of_problem", "merged_sums", "sums_of", "sums_of_kept", "sums_of_moments"]

# Rows of a block: enough that to merge its sums costs little beside them, and few enough for memory.
_ROWS = 2048
_ROWS_PER_COLUMN = 16
# A column that varies by less than this, relative to its size, is constant: its mean was rounded.
_NOISE = 64 * EPS
# In units of their rounding, what is left of squares out of which the mean was taken that tells no longer anything.
_CANCELLED = 1e3
# Squares of a column's mean above this multiple of its scatter are not taken out of sums of squares, but out of rows.
_FAR = 1e4
# Relative difference of numbers that should be equal, by which moments do not belong together.
_INCONSISTENT = 1e-5


@dataclass
class Condensed:
    """A small data set for which fits without an intercept are those of all rows.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Host.
    y : array of shape (n_rows, n_targets)
        Host.
    mean_x : array of shape (n_features,)
        What was taken out of X, for an intercept.
    mean_y : array of shape (n_targets,)
    n_rows : float
        Rows that it stands for.
    weight : float
        Sum of their weights.
    rounding : float
        Relative rounding of the sums.
    fit_intercept : bool
        Whether means were taken out.
    """

    X: np.ndarray
    y: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray
    n_rows: float
    weight: float
    rounding: float
    fit_intercept: bool

    @property
    def loss_rounding(self):
        """Loss that may be left of an exact fit, as a fraction of that without features."""
        return 16 * self.rounding

    @property
    def distance_rounding(self):
        """Distance between equal columns of unit length."""
        return 16 * self.rounding**0.5


def sums_of(X, y, weight, placement, *, is_vector):
    """Sums of rows, in blocks.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_samples, n_features)
        Not yet known to be finite.
    y : array of shape (n_samples, n_targets)
        Where `placement` says, in the type to add up in.
    weight : array of shape (n_samples,) or None
        Likewise; rows of weight 0 are absent.
    placement : Placement
    is_vector : bool
        Whether y came one-dimensional.

    Returns
    -------
    sums : dict
        As `skamem.core.scatter.scatter_of` has them, of the columns of X and y side by side, with ``n_rows``,
        ``n_targets``, ``is_vector``, ``rounding``, ``cancelled`` and ``knows_mean``, see `sums_of_moments`. On the
        host, which solves what they are for.
    """
    xp = placement.xp
    n_columns = X.shape[1] + y.shape[1]
    at_most = max(_ROWS, _ROWS_PER_COLUMN * n_columns)
    present = None if weight is None or bool(xp.all(weight > 0)) else xp.nonzero(weight > 0)[0]
    n_rows = X.shape[0] if present is None else present.shape[0]
    rows = Rows(X.tocsr() if scipy.sparse.issparse(X) else X, placement, y.dtype, keep_sparse=True)
    parts = PairwiseReduction(merged)
    with arrays.overflow_expected():  # of large weights, which `MomentsRegressor` refuses
        for block in row_blocks(n_rows, 8 * 4 * n_columns, at_most=at_most):
            if present is None:
                part = rows.block(block), y[block, :], None if weight is None else weight[block]
            else:
                index = present[block]
                part = rows.take(index), xp.take(y, index, axis=0), xp.take(weight, index)
            parts.add(_block_sums(*part))
        sums = {name: value if name == "weight" else host(value) for name, value in parts.result().items()}
    return sums | {
        "n_rows": float(n_rows), "n_targets": y.shape[1], "is_vector": is_vector, "rounding": EPS,
        "cancelled": 1.0, "knows_mean": True,
    }  # fmt: skip


def _block_sums(X, y, weight):
    if scipy.sparse.issparse(X):
        sums = _sparse_sums(X, y, weight)
        if sums is not None:
            return sums
        X = X.toarray()
    xp = arrays.namespace(y)
    block = xp.concat([X, y], axis=1)
    units = _units(xp.max(xp.abs(block), axis=0), X)
    if not bool(xp.all(units == 1.0)):
        block = block / units
    return scatter_of(block, weight, units)


def _units(largest, X):
    xp = arrays.namespace(largest)
    if not bool(xp.all(xp.isfinite(largest))):
        assert_all_finite(X.data if scipy.sparse.issparse(X) else X, input_name="X")
    return column_units(largest, largest.dtype)


def _sparse_sums(X, y, weight):
    """Sums from products of the entries alone; None where means are too far from 0 to be taken out afterwards."""
    magnitudes = abs(X).max(axis=0).toarray().ravel()
    units = _units(np.concatenate([magnitudes, np.abs(y).max(axis=0)]), X)
    n_features = X.shape[1]
    X, y = X @ scipy.sparse.diags_array(1 / units[:n_features]), y / units[n_features:]
    weight = np.ones(len(y)) if weight is None else weight
    of_targets = scatter_of(y, weight)
    mean_x = (X.T @ weight) / of_targets["weight"]
    xx = (X.T @ X.multiply(weight[:, None]).tocsr()).toarray() - of_targets["weight"] * np.outer(mean_x, mean_x)
    if np.any(of_targets["weight"] * mean_x**2 > _FAR * np.diagonal(xx)):
        return None
    xy = X.T @ (weight[:, None] * (y - of_targets["mean"]))
    total = np.block([[xx, xy], [xy.T, of_targets["total"]]])
    return of_targets | {"mean": np.concatenate([mean_x, of_targets["mean"]]), "total": total, "unit": units}


def kept_of_problem(problem, gram, *, is_vector):
    """What a problem on rows has found out that its sums can be made of; `gram` is its `whole_gram`. Costs nothing."""
    names = ("n_targets", "usable", "inverse_norm", "lengths", "scale", "correlation", "mean", "target_mean")
    kept = {name: getattr(problem, name) for name in (*names, "total_weight", "n_rows", "fit_intercept")}
    return kept | {"design_units": problem.design.units, "gram": gram, "is_vector": is_vector}


def sums_of_kept(kept):
    """Sums, from what `kept_of_problem` gives; sums are given back as they are.

    As `sums_of` has them, but for products of different targets, which nothing asks for.
    """
    if "gram" not in kept:
        return kept
    n_targets, usable = kept["n_targets"], kept["usable"]
    length = np.where(usable, 1 / np.where(usable, kept["inverse_norm"], 1.0), 0.0)
    mean = np.concatenate([kept["mean"], kept["target_mean"]])
    size = np.concatenate([length, kept["lengths"]])
    largest = np.maximum(np.abs(mean), size / np.sqrt(kept["total_weight"]))
    units = host(column_units(largest, np.dtype(np.float64)))
    size, lengths = np.split(size / units, [-n_targets])
    xy = size[:, None] * kept["correlation"] * (kept["scale"] / units[-n_targets:])
    total = np.block([[size[:, None] * kept["gram"] * size, xy], [xy.T, np.diag(lengths**2)]])
    return {
        "weight": kept["total_weight"], "mean": mean / units, "total": total,
        "unit": units * np.concatenate([kept["design_units"], np.ones(n_targets)]),
        "n_rows": float(kept["n_rows"]), "n_targets": n_targets, "is_vector": kept["is_vector"], "rounding": EPS,
        "cancelled": 1.0, "knows_mean": kept["fit_intercept"],
    }  # fmt: skip


def merged_sums(one, other):
    """The sums of the rows of both."""
    with arrays.overflow_expected():
        both = merged(one, other)
    return both | {
        "n_rows": one["n_rows"] + other["n_rows"],
        "n_targets": one["n_targets"],
        "is_vector": one["is_vector"],
        "rounding": max(one["rounding"], other["rounding"]),
        "cancelled": max(one["cancelled"], other["cancelled"]),
        "knows_mean": one["knows_mean"] and other["knows_mean"],
    }


def sums_of_moments(gram, Xy, yy, *, mean_x, mean_y, weight, n_rows, centered, is_vector, digits):
    """Sums from second moments of host arrays, checked against each other.

    Parameters
    ----------
    gram : array of shape (n_features, n_features)
    Xy : array of shape (n_features, n_targets)
    yy : array of shape (n_targets,)
    mean_x, mean_y : array of shape (n_features,) and (n_targets,), or None
        None where they are not known.
    weight, n_rows : float
        Sum of the weights, and rows.
    centered : bool
        Whether the moments are about the means.
    is_vector : bool
    digits : float
        Relative rounding of the type that the moments came in.

    Returns
    -------
    sums : dict
        See `sums_of`. ``rounding``: relative rounding of the moments; ``cancelled``: how much larger the squares of y
        were before its mean was taken out of them; ``knows_mean``: whether means are known.

    Raises
    ------
    ValueError
        When no rows have these moments.
    """
    squares = np.concatenate([np.diagonal(gram), yy])
    mean = np.concatenate([
        np.zeros(part) if given is None else given for part, given in ((len(gram), mean_x), (len(yy), mean_y))
    ])  # fmt: skip
    total = np.block([[(gram + gram.T) / 2, Xy], [Xy.T, np.diag(yy)]])
    if not centered:
        total = total - weight * np.outer(mean, mean)
    rest = np.diagonal(total)
    if np.any(rest < -_INCONSISTENT * np.maximum(squares, 1e-300)):
        raise ValueError(
            "gram or yy has sums of squares below n_samples times the squared means; no data have such. Check X_mean, "
            "y_mean, n_samples, and centered=True for moments about the means."
        )
    varies = rest > _CANCELLED * digits * squares
    total = np.where(varies[:, None] & varies, total, 0.0)
    n = len(gram)
    cancelled = float(np.max(squares[n:][varies[n:]] / rest[n:][varies[n:]], initial=1.0))
    # Off the diagonal of yy nothing is known, nor asked: targets are told apart by their own columns of Xy.
    return {
        "weight": weight, "mean": mean, "total": total, "unit": np.ones(len(mean)), "n_rows": n_rows,
        "n_targets": len(mean) - n, "is_vector": is_vector, "rounding": digits, "cancelled": cancelled,
        "knows_mean": mean_x is not None and mean_y is not None,
    }  # fmt: skip


def condensed(sums, *, fit_intercept, check=False):
    """A small data set with these sums.

    Parameters
    ----------
    sums : dict
    fit_intercept : bool
        Whether means are to be taken out.
    check : bool, default=False
        Whether to make sure that there are such data: of moments that somebody else took.

    Returns
    -------
    data : Condensed

    Raises
    ------
    ValueError
        When no data have such moments.

    Notes
    -----
    Rows of X: a Cholesky factor with pivots of the scatter of columns of unit length, O(n_features³) / 3. Those of y
    have what X explains of it there, and the rest in a row of each target's own.
    """
    n = sums["mean"].shape[0] - sums["n_targets"]
    mean, units = host(sums["mean"]), host(sums["unit"])
    total = host(sums["total"])
    squares = np.diagonal(total)
    size = np.sqrt(np.where(squares > _NOISE**2 * sums["weight"] * mean**2, squares, 0.0))
    if not fit_intercept:
        total = np.where((size > 0)[:, None] & (size > 0), total, 0.0) + sums["weight"] * np.outer(mean, mean)
        size = np.sqrt(np.diagonal(total))
    inverse = np.where(size > 0, 1 / np.where(size > 0, size, 1.0), 0.0)
    total = inverse[:, None] * total * inverse
    root, explained = _root(total[:n, :n], total[:n, n:])
    left = (size[n:] > 0) - np.sum(explained**2, axis=0)
    if check:
        _check_root(root, total[:n, :n], explained, total[:n, n:], left)
    X = np.zeros((len(root) + len(left), n), order="F")
    lengths = size * units
    if np.any((size > 0) & (lengths == 0)):
        raise ValueError("sample_weight is so small that features by it vanish in double precision; scale the weights.")
    X[: len(root)] = root * lengths[:n]
    y = np.concatenate([explained, np.diag(np.sqrt(np.maximum(left, 0.0)))]) * lengths[n:]
    origin = mean * units if fit_intercept else np.zeros_like(mean)
    return Condensed(
        X, y, origin[:n], origin[n:], sums["n_rows"], sums["weight"],
        sums["rounding"] * (sums["cancelled"] if fit_intercept else 1.0), fit_intercept,
    )  # fmt: skip


def _root(gram, products):
    """R of full rank with RᵀR = gram, and what it makes of `products` Rᵀ a: a. Zero columns stay zero."""
    factor, pivots, rank, _ = lapack.dpstrf(gram, lower=0)
    order = pivots - 1
    factor = np.triu(factor[:rank])
    root = np.zeros((rank, len(gram)))
    root[:, order] = factor
    if not rank:
        return root, np.zeros((0, products.shape[1]))
    return root, solve_triangular(factor[:, :rank], products[order[:rank]], trans="T", check_finite=False)


def _check_root(root, gram, explained, products, left):
    wrong = [
        ("gram is not positive semidefinite; no X has such an X'X.", np.max(np.abs(root.T @ root - gram), initial=0.0)),
        ("Xy is not in the range of gram; no X and y have both.",
         np.max(np.abs(root.T @ explained - products), initial=0.0)),
        ("yy is less than the columns of X explain of y; no data have such moments.", -np.min(left, initial=0.0)),
    ]  # fmt: skip
    for words, difference in wrong:
        if difference > _INCONSISTENT:
            raise ValueError(
                f"{words} Check that all moments are of the same rows and weights, and about the same means."
            )
