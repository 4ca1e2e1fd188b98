"""Learning a hierarchy of codebooks: k-means from the top down, then descent in the distortion of the whole.

The last level's codes stand for rows; each of them is a tuple of codes below, down to the centres of parts. So the sums
and weights of the rows of each top code are all that the rest needs to know: every table and every centre is improved
by them alone, exactly, and one pass over the rows gives both the distortion and the sums for the next step.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from skamem.core import arrays
from skamem.core.magnitudes import power_of_two
from skamem.core.rows import row_blocks
from skamem.preprocessing._hierarchy import Hierarchy, len_of

__all__ = ["Descent", "first_hierarchy", "standardised"]

_MANY_ROWS = 10_000  # from here on k-means takes mini-batches
_MOST_SWEEPS = 20  # over tables and centres, for one pass over the rows


def standardised(X, weights):
    """Rows less their mean, over a power of two that makes them of magnitude about 1.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Finite.
    weights : ndarray of shape (n_rows,)
        Positive.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
        A copy.
    mean : ndarray of shape (n_features,)
        float64, in the units of `X`.
    scale : float
        The power of two.
    """
    unit = _power(np.max(np.abs(X), initial=0.0), X.dtype)
    X = X / X.dtype.type(unit)  # first: the sum, and the difference, of large numbers may be too large
    blocks = row_blocks(len(X), 16 * X.shape[1])
    mean = sum(weights[rows] @ X[rows].astype(np.float64) for rows in blocks) / weights.sum()
    X -= mean.astype(X.dtype)
    spread = _power(np.max(np.abs(X), initial=0.0), X.dtype)
    X /= X.dtype.type(spread)
    mean = mean.astype(X.dtype).astype(np.float64) * unit
    return X, mean, max(unit * spread, float(np.finfo(X.dtype).tiny))


def _power(magnitude, dtype):
    """The largest power of two that is no larger; 1 for 0."""
    return max(power_of_two(float(magnitude)), float(np.finfo(dtype).tiny))


def first_hierarchy(X, weights, parts, nodes, n_codes, *, n_init, seed):
    """Hierarchy by k-means of the rows, then of its centres, cut into the nodes below, and so down to the parts.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Distinct rows, centred and of magnitude about 1.
    weights : ndarray of shape (n_rows,)
        Positive.
    parts, nodes : list
        As in `Hierarchy`.
    n_codes : list of int
        Most codes of each node, by level, the parts first. Fewer where there is less to tell apart.
    n_init : int
        Starts of each k-means.
    seed : int
        The same for all of them, so that no result depends on the order of the parts.

    Returns
    -------
    hierarchy : Hierarchy
        On the host.
    """
    columns, tables = Hierarchy(parts, [], nodes).columns, []
    options = {"n_init": n_init, "seed": seed}
    found = [_clustered(X[:, mine], weights, n_codes[-1], **options) for mine in columns[-1]]
    for level in range(len(nodes), 0, -1):
        tables.insert(0, [])
        below = {}
        for node, (centres, _, totals) in zip(range(len(columns[level])), found, strict=True):
            codes = []
            for child in nodes[level - 1][node]:
                inside = np.searchsorted(columns[level][node], columns[level - 1][child])
                below[child] = _clustered(centres[:, inside], totals, n_codes[level - 1], **options)
                codes.append(below[child][1])
            tables[0].append(np.stack(codes, axis=1))
        found = [below[child] for child in range(len(columns[level - 1]))]
    return Hierarchy(parts, [centres for centres, _, _ in found], nodes, tables)


def _clustered(X, weights, n_clusters, *, n_init, seed):
    """Centres, the number of each row's centre, and the weight of each centre's rows; exact for few distinct rows."""
    if _has_few_distinct(X, n_clusters):
        rows, codes = np.unique(X, axis=0, return_inverse=True)
        rows, codes = rows.astype(np.float64), codes.reshape(-1)
    else:
        kind = KMeans if len(X) < _MANY_ROWS else MiniBatchKMeans
        means = kind(n_clusters, n_init=n_init, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of rows that differ by rounding only
            means.fit(X, sample_weight=weights)
        rows, codes = means.cluster_centers_.astype(np.float64), means.labels_
    return rows, codes, np.bincount(codes, weights, minlength=len(rows))


def _has_few_distinct(X, at_most):
    """Whether there are no more distinct rows than `at_most`; usually a look at a few says no."""
    distinct, step = X[:0], max(1024, 2 * at_most)
    for start in range(0, len(X), step):
        distinct = np.unique(np.concatenate([distinct, X[start : start + step]]), axis=0)
        if len(distinct) > at_most:
            return False
    return True


@dataclass(frozen=True)
class Sums:
    """Of the rows of each code of a node: their weights, and their weighted sums and means by column."""

    weights: np.ndarray
    totals: np.ndarray

    @property
    def means(self):
        """Of codes without rows: 0."""
        return self.totals / np.where(self.weights > 0, self.weights, 1.0)[:, None]

    def pooled(self, codes, n_codes):
        """Sums by the codes that these codes stand for."""
        pool = _one_hot(codes, np.ones(len(codes)), n_codes)
        return Sums(pool @ self.weights, pool @ self.totals)

    def of(self, columns):
        """The same, of some of the columns."""
        return Sums(self.weights, self.totals[:, columns])


def _one_hot(codes, weights, n_codes):
    """Matrix that adds up weighted rows by their codes."""
    return scipy.sparse.csr_array((weights, (codes, np.arange(len(codes)))), shape=(n_codes, len(codes)))


class Descent:
    """Coordinate descent in the distortion: rows to top codes, tables, centres. No step makes it larger.

    Parameters
    ----------
    hierarchy : Hierarchy
        Where to start, on the host.
    X : ndarray of shape (n_rows, n_features)
        Distinct rows, centred and of magnitude about 1.
    weights : ndarray of shape (n_rows,)
        Positive.

    Attributes
    ----------
    hierarchy : Hierarchy
        The best so far.
    distortion : float
        Its weighted mean of squared distances.
    """

    def __init__(self, hierarchy, X, weights):
        self.X, self.weights = X, weights / weights.sum()
        self.hierarchy = hierarchy
        self.distortion, self._sums, self._worst = self._look(hierarchy)

    def step(self):
        """Improve everything once; whether the distortion fell."""
        hierarchy = self._improved()
        distortion, sums, worst = self._look(hierarchy)
        if not distortion < self.distortion:
            return False
        self.hierarchy, self.distortion, self._sums, self._worst = hierarchy, distortion, sums, worst
        return True

    def _look(self, hierarchy):
        """Code all rows: the distortion, the sums of the rows of each top code, and which rows fare worst."""
        books = [book.astype(self.X.dtype) for book in hierarchy.codebooks]
        coder = Hierarchy(hierarchy.parts, books, hierarchy.nodes, hierarchy.tables)
        columns, n_codes = hierarchy.columns[-1], hierarchy.n_codes
        losses = np.empty((len(self.X), len(columns)))
        sums = [[np.zeros(n), np.zeros((n, len(mine)))] for n, mine in zip(n_codes, columns, strict=True)]
        at_most = hierarchy.rows_at_once(arrays.namespace(self.X))
        for rows in row_blocks(len(self.X), hierarchy.row_bytes, at_most=at_most):
            X, weights = self.X[rows], self.weights[rows]
            codes = coder.encode(X)
            squares = (X - hierarchy.decode(hierarchy.part_codes(codes))) ** 2
            for node, mine in enumerate(columns):
                losses[rows, node] = weights * squares[:, mine].sum(axis=1)
                pool = _one_hot(codes[:, node], weights, n_codes[node])
                sums[node][0] += pool.sum(axis=1)
                sums[node][1] += pool @ X[:, mine]
        worst = [_largest(losses[:, node], n_codes[node]) for node in range(len(columns))]
        return float(losses.sum()), [Sums(*pair) for pair in sums], worst

    def _improved(self):
        """Tables and centres that are best for the sums of the rows of each top code."""
        old = self.hierarchy
        codebooks, tables = [*old.codebooks], [[table.copy() for table in level] for level in old.tables]
        now = Hierarchy(old.parts, codebooks, old.nodes, tables)
        for node, worst in enumerate(self._worst):
            idle = np.flatnonzero(self._sums[node].weights == 0)[: len(worst)]
            _represent(now, len(old.nodes), node, idle, self.X[worst[: len(idle)]][:, old.columns[-1][node]])
        for _ in range(_MOST_SWEEPS):
            if not self._sweep(now):
                break
        return Hierarchy(old.parts, codebooks, old.nodes, tables)

    def _sweep(self, now):
        """Improve tables from the top down, then centres, in place; whether a table changed."""
        sums, changed = self._sums, False
        for level in range(len(now.nodes), 0, -1):
            below = [None] * len(now.columns[level - 1])
            for node, of_node in enumerate(sums):
                for place, child in enumerate(now.nodes[level - 1][node]):
                    inside = np.searchsorted(now.columns[level][node], now.columns[level - 1][child])
                    part = of_node.of(inside)
                    book, codes = _values(now, level - 1, child), now.tables[level - 1][node][:, place]
                    changed |= _reassigned(codes, part, book)
                    below[child] = part.pooled(codes, len(book))
                    changed |= _use_idle(now, level - 1, child, part, codes, below[child])
            sums = below
        for part, of_part in enumerate(sums):
            used = of_part.weights > 0
            now.codebooks[part] = np.where(used[:, None], of_part.means, now.codebooks[part])
        return changed


def _largest(losses, count):
    """Rows of the largest losses, no more than `count`, those without loss left out."""
    count = min(count, len(losses))
    rows = np.argpartition(-losses, count - 1)[:count]
    rows = rows[np.argsort(-losses[rows], kind="stable")]
    return rows[losses[rows] > 0]


def _values(hierarchy, level, node):
    """What the codes of a node stand for: (n_codes, n_columns), columns ascending."""
    if level == 0:
        return hierarchy.codebooks[node]
    table, children = hierarchy.tables[level - 1][node], hierarchy.nodes[level - 1][node]
    values = np.empty((len_of(table), len(hierarchy.columns[level][node])))
    for place, child in enumerate(children):
        inside = np.searchsorted(hierarchy.columns[level][node], hierarchy.columns[level - 1][child])
        values[:, inside] = _values(hierarchy, level - 1, child)[table[:, place]]
    return values


def _nearest(X, book):
    """Number of the nearest row of a book."""
    return np.argmin(np.sum(book**2, axis=1) - 2.0 * (X @ book.T), axis=1)


def _reassigned(codes, sums, book):
    """Point each code that has rows to the nearest of a book, in place, if that is nearer; whether any moved."""
    means = sums.means
    best = _nearest(means, book)
    gain = np.sum((means - book[codes]) ** 2, axis=1) - np.sum((means - book[best]) ** 2, axis=1)
    moved = (sums.weights > 0) & (gain > 1e-14)  # beyond rounding, so that sweeps end
    codes[moved] = best[moved]
    return bool(np.any(moved))


def _use_idle(hierarchy, level, node, sums, codes, pooled):
    """Let codes that no code above uses stand for what is represented worst; whether there were any.

    It costs nothing, since nobody used them, and the next sweep takes them up.
    """
    idle = np.flatnonzero(pooled.weights == 0)
    if not len(idle):
        return False
    means = sums.means
    losses = sums.weights * np.sum((means - _values(hierarchy, level, node)[codes]) ** 2, axis=1)
    worst = _largest(np.where(losses > 1e-14, losses, 0.0), len(idle))
    _represent(hierarchy, level, node, idle[: len(worst)], means[worst])
    return len(worst) > 0


def _represent(hierarchy, level, node, codes, values):
    """Make codes of a node stand for values of its columns, in place, as closely as the codes below it can."""
    if level == 0:
        hierarchy.codebooks[node] = hierarchy.codebooks[node].copy()
        hierarchy.codebooks[node][codes] = values
        return
    for place, child in enumerate(hierarchy.nodes[level - 1][node]):
        inside = np.searchsorted(hierarchy.columns[level][node], hierarchy.columns[level - 1][child])
        hierarchy.tables[level - 1][node][codes, place] = _nearest(
            values[:, inside], _values(hierarchy, level - 1, child)
        )
