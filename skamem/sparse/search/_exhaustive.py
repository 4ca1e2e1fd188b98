"""Best subsets of every size by looking at all of them, for few features."""

import numpy as np

from skamem.sparse.objective._linalg import DEPENDENT
from skamem.sparse.search._chains import Chains

__all__ = ["best_subset", "best_subsets"]


def best_subset(problem, size):
    """The best support of at most `size` members, by looking at all: a `Fit`."""
    quadratic = problem.quadratic()
    supports, _ = best_subsets(quadratic, size)
    support = next(s for s in reversed(supports) if s is not None and len(s) <= size)
    chain = Chains(quadratic, len(support))
    chain.restart(support)
    return chain.settled_fit()


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
    p = quadratic.n_columns
    order = np.flatnonzero(quadratic.usable[0])
    E = quadratic.block(order)[None]
    c = quadratic.correlation[0, order][None]
    loss = quadratic.total[:1]
    code = np.zeros(1, dtype=np.int64)
    for bit, column in enumerate(order):
        pivot = E[:, 0, 0]
        kept = np.flatnonzero(pivot > DEPENDENT)
        row = E[kept, 0, 1:] / pivot[kept, None]
        entering = c[kept, 0]
        with_E = E[kept, 1:, 1:] - row[:, :, None] * E[kept, 0, None, 1:]
        with_c = c[kept, 1:] - row[:, :, None] * entering[:, None, :]
        with_loss = loss[kept] - np.einsum("bq,bq->b", entering, entering) / pivot[kept]
        with_code = code[kept] | (1 << bit)
        if quadratic.locked[column] and len(kept):
            E, c, loss, code = with_E, with_c, with_loss, with_code
        else:
            E = np.concatenate([E[:, 1:, 1:], with_E])
            c = np.concatenate([c[:, 1:], with_c])
            loss, code = np.concatenate([loss, with_loss]), np.concatenate([code, with_code])
        if size is not None:
            members = np.bitwise_count(code)
            possible = (members <= size) & (members + len(order) - 1 - bit >= size)
            if possible.any():  # otherwise dependent columns leave no support of this size
                E, c, loss, code = E[possible], c[possible], loss[possible], code[possible]
    return _best_of_each_size(p, order, loss, code)


def _best_of_each_size(p, order, loss, code):
    sizes = np.bitwise_count(code)
    supports, losses = [None] * (p + 1), np.full(p + 1, np.inf)
    for size in np.unique(sizes):
        among = np.flatnonzero(sizes == size)
        best = among[np.argmin(loss[among])]
        supports[size] = order[(code[best] >> np.arange(len(order))) & 1 == 1]
        losses[size] = loss[best]
    return supports, losses
