"""Scatter of rows within groups and in total: sums that merge, and the directions that vary least within groups."""

import numpy as np
from scipy import special

from skamem.core import arrays
from skamem.core import scatter as sums_of_rows

__all__ = [
    "effective_rows",
    "grouped_scatter",
    "invariant_directions",
    "merged",
    "n_rows_of",
    "placed",
    "rank_of",
    "shrinkage_of",
    "varies",
]

_N_NODES = 32  # of a mean over quantiles
_TINY = 1e-300
_MOST = (
    0.1  # no sphere hides a variance of a tenth of the mean; on pixels, products of them, scaled or not, never far off
)
_NOISE = 64  # rounding of a mean, in units of the last place: a column that varies less is constant


def grouped_scatter(X, groups, labels, weight, unit=1.0):
    """Counts, means and scatter of a block of rows.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        In the floating type to add up in.
    groups : int ndarray of shape (n_rows,)
        Which of `labels` each row has, on the host.
    labels : ndarray of shape (n_groups,)
        Sorted, on the host; each has a row.
    weight : array of shape (n_rows,) or None
        Positive.
    unit : float, default=1.0
        What the rows were divided by, a power of two.

    Returns
    -------
    scatter : dict
        ``labels``; ``weights``, ``means`` and ``spreads`` of the groups, the last a sum of squares a feature about the
        group's mean; ``weight``, a float, and ``mean`` of all rows; ``within`` and ``total``, sums of squares and
        products about the means of the groups and about that of all; ``unit``, in which all these are;
        ``heaviest``, the largest weight of a row or 1, whichever is less.
        Cost O(n_rows n_features (n_groups + n_features)).
    """
    xp, place = arrays.namespace(X), arrays.placement_of(X)
    member = place.asarray(np.arange(len(labels))[:, None] == groups)
    member = xp.astype(member, X.dtype)
    if weight is not None:
        member = member * weight
    weights = xp.sum(member, axis=1)
    share = member / weights[:, None]
    # Twice, about a row first and then about what is left, so that a far origin costs no digits.
    origin = X[:1, :]
    means = share @ (X - origin)
    index = place.asarray(groups)
    within = (X - origin) - xp.take(means, index, axis=0)
    left = share @ within
    means, within = means + left, within - xp.take(left, index, axis=0)
    spreads = member @ within**2
    whole = float(xp.sum(weights))
    middle = (weights / whole) @ means
    between = xp.sqrt(weights)[:, None] * (means - middle)
    within = within if weight is None else xp.sqrt(weight)[:, None] * within
    within = xp.matrix_transpose(within) @ within
    return {
        "labels": labels, "weights": weights, "means": means + origin, "spreads": spreads, "weight": whole,
        "mean": middle + origin[0, :], "within": within, "total": within + xp.matrix_transpose(between) @ between,
        "unit": unit, "heaviest": 1.0 if weight is None else min(1.0, float(xp.max(weight))),
    }  # fmt: skip


def merged(one, other):
    """The `grouped_scatter` of the rows of both, to rounding; see `skamem.core.scatter.merged`."""
    unit = max(one["unit"], other["unit"])
    one, other = (
        sums_of_rows.in_unit(part, unit, linear=("mean", "means"), squared=("spreads", "within", "total"))
        for part in (one, other)
    )
    xp, place = arrays.namespace(one["total"]), arrays.placement_of(one["total"])
    labels = np.union1d(one["labels"], other["labels"])
    n_groups = len(labels)
    tables = []
    for part in (one, other):
        # A row of zeros stands for the groups that the part lacks.
        source = np.full(n_groups, len(part["labels"]))
        source[np.searchsorted(labels, part["labels"])] = np.arange(len(part["labels"]))
        source = place.asarray(source)
        none = xp.zeros_like(part["mean"])[None, :]
        tables.append([
            xp.take(xp.concat([part["weights"], none[0, :1]]), source),
            *(xp.take(xp.concat([part[name], none]), source, axis=0) for name in ("means", "spreads")),
        ])  # fmt: skip
    (weights, means, spreads), (new_weights, new_means, new_spreads) = tables
    sums = weights + new_weights
    shift = xp.where(((weights > 0) & (new_weights > 0))[:, None], new_means - means, xp.zeros_like(means))
    pull = weights * (new_weights / sums)
    apart = pull[:, None] * shift**2
    shared = place.asarray(np.flatnonzero(np.isin(labels, one["labels"]) & np.isin(labels, other["labels"])))
    moved = xp.take(xp.sqrt(pull)[:, None] * shift, shared, axis=0)
    return sums_of_rows.merged(one, other) | {
        "labels": labels,
        "weights": sums,
        "means": xp.where((weights > 0)[:, None], means, new_means) + (new_weights / sums)[:, None] * shift,
        "spreads": spreads + new_spreads + apart,
        "within": one["within"] + other["within"] + xp.matrix_transpose(moved) @ moved,
        "heaviest": max(one["heaviest"], other["heaviest"]),
    }  # fmt: skip


def placed(scatter, placement, dtype):
    """The same sums where `placement` says, as `dtype`; labels stay on the host."""
    on_host = ("labels", "weight", "unit", "heaviest")
    return {name: value if name in on_host else placement.asarray(value, dtype) for name, value in scatter.items()}


def n_rows_of(scatter):
    """How many rows the weights stand for.

    A weight is a number of rows. If none is as much as one, weights are relative: the heaviest row counts as one.
    """
    return scatter["weight"] / scatter["heaviest"]


def varies(sums, scatter):
    """Mask of the columns whose sums of squares are more than rounding."""
    xp = arrays.namespace(sums)
    squares = scatter["weight"] * scatter["mean"] ** 2 + xp.linalg.diagonal(scatter["total"])
    return sums > (_NOISE * xp.finfo(sums.dtype).eps) ** 2 * squares


def effective_rows(scatter):
    """How many independent Gaussian rows would know the scatter within groups as well as these do.

    Variances of a feature differ from group to group more than they would by chance where the groups' own scatters
    differ, as those of different images under the same movements do, or where tails are heavy. Then groups, not rows,
    are what is independent: S = Σ S_i has the variance Σ (S_i - w_i S)², of which only the diagonal is known here,
    beside the 2 s² / n of n Gaussian rows.
    """
    xp = arrays.namespace(scatter["spreads"])
    size = xp.max(scatter["spreads"])
    spreads = scatter["spreads"] / size
    share = scatter["weights"] / scatter["weight"]
    mean = xp.sum(spreads, axis=0)
    variance = float(xp.sum((spreads - share[:, None] * mean) ** 2))
    return 2 * float(xp.sum(mean**2)) / variance if variance > 0 else float("inf")


def shrinkage_of(scatter):
    """Share of a sphere that `invariant_directions` should mix into the scatter within groups.

    That of Ledoit and Wolf (2004), J. Multivar. Anal. 88:365, with the error of the scatter that of `effective_rows`
    Gaussian rows: (tr S² + tr² S) / n. It depends on sums alone, so that it is the same however rows come. Theirs is
    the least squared error, to which directions of little variance, those looked for, matter least: where many features
    vary alike it would bury them. So there is a most.
    """
    xp = arrays.namespace(scatter["within"])
    n_features = _n_varying(scatter)
    S = scatter["within"] / xp.max(xp.linalg.diagonal(scatter["within"]))
    squares, trace = float(xp.sum(S**2)), float(xp.sum(xp.linalg.diagonal(S)))
    distance = squares - trace**2 / n_features
    error = (squares + trace**2) / effective_rows(scatter)
    return min(_MOST, error / distance) if distance > 1e-9 * squares else 0.0  # a sphere as it is


def _n_varying(scatter):
    xp = arrays.namespace(scatter["total"])
    return max(1, int(xp.sum(xp.astype(varies(xp.linalg.diagonal(scatter["total"]), scatter), xp.int64))))


def invariant_directions(scatter, shrinkage):
    """Directions in order of the share that the scatter within groups has of the total.

    Parameters
    ----------
    scatter : dict
        As `grouped_scatter` gives it, of at least 2 groups, with rows that differ within one.
    shrinkage : float
        Share in [0, 1] of a sphere of the same trace in the scatter within groups; 0 for none.

    Returns
    -------
    shares : array of shape (n_directions,)
        Ascending, in [0, 1].
    directions : array of shape (n_directions, n_features)
        Rows, along each of which the total variance is 1; at most as many as groups less 1.
    """
    xp = arrays.namespace(scatter["total"])
    varying = varies(xp.linalg.diagonal(scatter["total"]), scatter)
    within, total = (scatter[name] / scatter["weight"] for name in ("within", "total"))
    deviations = xp.sqrt(xp.linalg.diagonal(total))
    # Without a sphere units do not matter: so that rounding knows none either, all columns get the same one.
    units = deviations if shrinkage == 0 else xp.ones_like(deviations) * xp.max(deviations)
    units = xp.where(varying, units, xp.ones_like(units))
    scale = xp.where(varying, 1 / units, xp.zeros_like(units))
    within, total = (matrix * scale[:, None] * scale[None, :] for matrix in (within, total))
    sphere = (
        xp.sum(xp.linalg.diagonal(within))
        / _n_varying(scatter)
        * xp.eye(within.shape[0], dtype=within.dtype, device=arrays.device(within))
    )
    pull = shrinkage * (sphere - within)
    shares, V = _pencil(within + pull, total + pull)
    V = _settled(shares, V)
    variances = xp.sum(V * (total @ V), axis=0)
    n_kept = min(len(scatter["labels"]) - 1, _n_varying(scatter), V.shape[1])
    kept = xp.nonzero(variances[:n_kept] > xp.finfo(V.dtype).eps * V.shape[0] * xp.max(variances))[0]
    V = xp.take(V / xp.sqrt(xp.where(variances > 0, variances, xp.ones_like(variances))), kept, axis=1)
    return xp.take(shares, kept), _oriented(xp.matrix_transpose(V * scale[:, None]), xp)


def _pencil(A, B):
    """Eigenvalues, clipped to [0, 1], and eigenvectors of A v = λ B v, where B is not singular."""
    xp = arrays.namespace(A)
    values, U = xp.linalg.eigh(B)
    kept = xp.nonzero(values > B.shape[0] * xp.finfo(B.dtype).eps * values[-1])[0]
    U = xp.take(U, kept, axis=1) / xp.sqrt(xp.take(values, kept))
    reduced = xp.matrix_transpose(U) @ A @ U
    shares, Q = xp.linalg.eigh((reduced + xp.matrix_transpose(reduced)) / 2)
    return arrays.clip(shares, min=0.0, max=1.0), U @ Q


def _settled(shares, V):
    """Eigenvectors of the share 0, of which any combination is one, in the order that the least sphere would give them.

    There are several where features are as many as rows, or rows of an identity agree in some.
    """
    xp = arrays.namespace(V)
    n_free = int(xp.sum(xp.astype(shares < 1e-2 * xp.finfo(V.dtype).eps ** 0.5, xp.int64)))
    if n_free < 2:
        return V
    free = V[:, :n_free]
    _, Q = xp.linalg.eigh(xp.matrix_transpose(free) @ free)
    return xp.concat([free @ Q, V[:, n_free:]], axis=1)


def _oriented(directions, xp):
    """Rows with their largest entry positive: eigenvectors have no sign."""
    largest = xp.argmax(xp.abs(directions), axis=1)
    columns = xp.arange(directions.shape[1], device=arrays.device(directions))
    entry = xp.sum(xp.where(columns == largest[:, None], directions, xp.zeros_like(directions)), axis=1)
    return directions * xp.where(entry < 0, -xp.ones_like(entry), xp.ones_like(entry))[:, None]


def rank_of(shares, *, weight, n_groups):
    """How many directions to keep, by their ascending `shares`, so that squared distances tell groups apart best.

    In k directions of unit variance two rows of one group are 2 L z² apart, with L = Σ λ over the k and z Gaussian, if
    what moves rows within groups moves them in all directions at once. Between two rows of two groups, which moved
    likewise, lie another 2 Σ (1 - λ) u² of as many independent u, near 2 (1 - L/k) χ²_k. The k is taken for which the
    second is most often the larger; of those for which it is but once in a thousand, the largest.
    """
    shares = arrays.to_numpy(shares).astype(float)
    free = max(weight - n_groups, 1e-9 * weight)  # as many rows as groups are spent on the means
    counts = np.arange(1.0, len(shares) + 1)[:, None, None]
    moved = np.cumsum(np.minimum(shares * (weight / free), 1.0))[:, None, None]
    # A difference of two squared Gaussians is twice the product of two: the mean over one of them and over χ² remains.
    levels = (np.arange(_N_NODES) + 0.5) / _N_NODES
    chi_squared = 2 * special.gammaincinv(counts / 2, levels[:, None])
    product = 2 * moved * special.ndtri(0.5 + levels / 2)
    apart = chi_squared * (1 - moved / counts)
    errors = np.mean(special.ndtr(-apart / np.maximum(product, _TINY)), axis=(1, 2))
    certain = np.flatnonzero(errors <= 1e-3)
    return 1 + int(certain[-1] if certain.size else np.argmin(errors))
