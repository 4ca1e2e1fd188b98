"""Best subsets of every size by looking at all of them, for few features."""

import copy

import numpy as np

from skamem.sparse.objective._design import host
from skamem.sparse.objective._linalg import DEPENDENT, DEPENDENT_COLUMNS, SOUND
from skamem.sparse.objective._quadratic import ColumnsQuadratic
from skamem.sparse.search._supports import chain_for, is_at_its_end, reported

__all__ = ["best_subset", "best_subsets", "every_size"]


def best_subset(problem, size):
    """The best support of at most `size` members, by looking at all; of fewer where these fit exactly: a `Fit`."""
    _choose_arithmetic(problem)
    fit = _report(problem, best_subsets(problem.quadratic(), size)[0], size)
    # A column may bring nothing, to an exact fit or because it is as good as dependent on the others.
    while (fit.exact or problem.is_delicate) and len(fit.support) > problem.locked.sum():
        smaller = len(fit.support) - 1
        fewer = _report(problem, best_subsets(problem.quadratic(), smaller)[0], smaller)
        if not (fewer.exact or fewer.loss <= fit.loss) or len(fewer.support) > smaller:
            break
        fit = fewer
    return fit


def every_size(problem, max_size):
    """Yield the best `Fit` of each size up to `max_size`, as long as losses fall."""
    _choose_arithmetic(problem)
    best = None
    supports, _ = best_subsets(problem.quadratic())
    for size in range(len(supports[: max_size + 1])):
        if supports[size] is not None:
            fit = _report(problem, supports, size, settled=False)
            if best is not None and (best.exact or fit.loss >= best.loss):
                return
            best = fit
            yield fit


def _largest(supports, size):
    """Support of the largest size up to `size` that has one."""
    return next(s for s in reversed(supports[: size + 1]) if s is not None)


def _choose_arithmetic(problem):
    """Go to the columns where a Gram matrix would take some for dependent that are not."""
    usable = np.flatnonzero(problem.usable)
    if not len(usable) or np.linalg.eigvalsh(problem.quadratic().block(usable))[0] > SOUND:
        return
    distances = np.linalg.svd(host(problem.columns(usable)), compute_uv=False)
    if np.any((distances > 1e-12) & (distances < np.sqrt(SOUND))):
        problem.go_to_columns()


def _report(problem, supports, size, *, settled=True):
    """Fit of the best support of `size`, looked for again where the Gram matrix could not tell."""
    while True:
        support = _largest(supports, size)
        chain = chain_for(problem, problem.quadratic(), len(support))
        chain.restart(support)
        fit = reported(problem, chain, settled=settled)
        if not is_at_its_end(problem, chain, fit):
            return fit
        supports, _ = best_subsets(problem.quadratic(), size)


def best_subsets(quadratic, size=None):
    """Best support of each size, over all subsets of the usable columns.

    Columns are decided on one after the other, for all subsets at once. To include column j is a step of Gaussian
    elimination on the Gram matrix of the columns not decided on yet; these become fewer as subsets become more, so that
    all 2^p subsets cost about six numbers each.

    Parameters
    ----------
    quadratic : DenseQuadratic
        Of its first problem.
    size : int, default=None
        Look at this size alone.

    Returns
    -------
    supports : list of (int array or None)
        One for each size 0 .. p; None where no subset of independent columns has that size.
    losses : array of shape (p + 1,)
        Infinite where there is no support.

    Notes
    -----
    Time and memory O(2^p).

    References
    ----------
    Furnival and Wilson (1974), Technometrics 16:499, doi:10.1080/00401706.1974.10489231 (elimination over subsets).
    """
    order = np.flatnonzero(quadratic.usable[0])
    state = (_Factors if isinstance(quadratic, ColumnsQuadratic) else _Grams)(quadratic, order)
    code = np.zeros(1, dtype=np.int64)
    for bit, column in enumerate(order):
        kept = state.independent()
        always = quadratic.locked[column] and len(kept)
        state = state.include(kept) if always else state.branch(kept)
        included = code[kept] | (1 << bit)
        code = included if always else np.concatenate([code, included])
        if size is not None:
            members = np.bitwise_count(code)
            possible = (members <= size) & (members + len(order) - 1 - bit >= size)
            if possible.any():  # otherwise dependent columns leave no support of this size
                state, code = state.take(possible), code[possible]
    return _best_of_each_size(quadratic.n_columns, order, state.loss(), code)


class _Grams:
    """For many subsets of the columns decided on: Gram matrix and correlations of the others, less what these explain.

    To include the first of the others is a step of Gaussian elimination, to exclude it drops its row and column.
    """

    def __init__(self, quadratic, order):
        self.E = quadratic.block(order)[None]
        self.c = quadratic.correlation[0, order][None]
        self.rest = quadratic.total[:1]

    @classmethod
    def _of(cls, E, c, rest):
        state = cls.__new__(cls)
        state.E, state.c, state.rest = E, c, rest
        return state

    def independent(self):
        """Subsets that the first of the others is independent of."""
        return np.flatnonzero(self.E[:, 0, 0] > DEPENDENT)

    def include(self, kept):
        """The subsets `kept` and that column."""
        return self._of(*self._eliminated(kept))

    def branch(self, kept):
        """All subsets without it, then the subsets `kept` and that column."""
        without = self.E[:, 1:, 1:], self.c[:, 1:], self.rest
        return self._of(*map(np.concatenate, zip(without, self._eliminated(kept), strict=True)))

    def _eliminated(self, kept):
        E, c, rest = self.E, self.c, self.rest
        if len(kept) < len(rest):  # most often all are independent: no copies
            E, c, rest = E[kept], c[kept], rest[kept]
        pivot, entering = E[:, 0, 0], c[:, 0]
        row = E[:, 0, 1:] / pivot[:, None]
        E = E[:, 1:, 1:] - row[:, :, None] * E[:, 0, None, 1:]
        c = c[:, 1:] - row[:, :, None] * entering[:, None, :]
        return E, c, rest - np.einsum("bq,bq->b", entering, entering) / pivot

    def take(self, mask):
        return self._of(self.E[mask], self.c[mask], self.rest[mask])

    def loss(self):
        """What each subset leaves of the target."""
        return self.rest


class _Factors:
    """The same from a triangular factor of the columns, targets last: p times the work, and twice the digits."""

    def __init__(self, quadratic, order):
        columns, p = quadratic.columns[:, order], len(order)
        ridge = np.sqrt(quadratic.alpha) * np.eye(p)
        target = np.vstack([quadratic.target, np.zeros((p, quadratic.target.shape[1]))])
        self.rest = np.linalg.qr(np.hstack([np.vstack([columns, ridge]), target]), mode="r")[None]
        self.n_targets = quadratic.target.shape[1]
        self.resolution = max(DEPENDENT_COLUMNS, quadratic.resolution)

    def _of(self, rest):
        state = copy.copy(self)
        state.rest = rest
        return state

    def independent(self):
        """Subsets that the first of the others is independent of."""
        return np.flatnonzero(np.einsum("br,br->b", self.rest[:, :, 0], self.rest[:, :, 0]) > self.resolution)

    def include(self, kept):
        """The subsets `kept` and that column."""
        first, others = self.rest[kept, :, 0], self.rest[kept, :, 1:]
        first = first / np.linalg.norm(first, axis=1, keepdims=True)
        return self._of(others - first[:, :, None] * (first[:, None, :] @ others))

    def branch(self, kept):
        """All subsets without it, then the subsets `kept` and that column."""
        return self._of(np.concatenate([self.rest[:, :, 1:], self.include(kept).rest]))

    def take(self, mask):
        return self._of(self.rest[mask])

    def loss(self):
        """What each subset leaves of the target."""
        return np.einsum("brq,brq->b", self.rest, self.rest)


def _best_of_each_size(p, order, loss, code):
    sizes = np.bitwise_count(code)
    supports, losses = [None] * (p + 1), np.full(p + 1, np.inf)
    for size in np.unique(sizes):
        among = np.flatnonzero(sizes == size)
        best = among[np.argmin(loss[among])]
        supports[size] = order[(code[best] >> np.arange(len(order))) & 1 == 1]
        losses[size] = loss[best]
    return supports, losses
