"""Further ways to a support with nonnegative coefficients: all subsets, the signs left free, and pairs.

Exchanges of single members end early under sign constraints: many changes that pay need two of them at once.
"""

import copy
import itertools

import numpy as np

from skamem.sparse.objective._linalg import DEPENDENT, TIE, nonnegative_solve
from skamem.sparse.search._forward import forward_path
from skamem.sparse.search._local import local_search

__all__ = ["nonnegative_points", "nonnegative_search", "nonnegative_subsets"]

# Numbers in the Gram matrices of subsets that are solved together.
_BATCH = 2**21
# Exchanges of two members whose exact loss is computed, of those that promise most.
_CANDIDATES = 30
_MAX_ROUNDS = 50
# Multiplications that a look at all exchanges of two members may take, however much effort is asked for.
_MOST_WORK = 2e7


def nonnegative_subsets(quadratic, size):
    """Best supports with positive coefficients of at most 0, 1, ..., `size` members, by looking at all subsets.

    Parameters
    ----------
    quadratic : DenseQuadratic
        Of its first problem, with one target.
    size : int

    Returns
    -------
    supports : list of int arrays
        Ascending; the same one again where a further member brings nothing.

    Notes
    -----
    A best support carries least-squares coefficients that are all positive, so that these subsets are all there is to
    compare. Time O(2^p); subsets with more members than nonnegative least squares on all columns keeps bring nothing.
    """
    usable = np.flatnonzero(quadratic.usable[0])
    gram, correlation = quadratic.block(usable), quadratic.correlation[0, usable, 0]
    most = int(np.count_nonzero(nonnegative_solve(gram, correlation)))
    best, explained = np.empty(0, dtype=np.intp), 0.0
    supports = [best]
    for k in range(1, size + 1):
        found = _best_of_size(gram, correlation, k, explained) if k <= most else None
        if found is not None:
            best, explained = usable[found[0]], found[1]
        supports.append(best)
    return supports


def _best_of_size(gram, correlation, k, explained):
    """Subset of k columns with positive coefficients that explains most, and how much; None if not more than that."""
    best = None
    subsets = itertools.combinations(range(len(gram)), k)
    while len(batch := np.array(list(itertools.islice(subsets, max(_BATCH // k**2, 1))), dtype=np.intp)):
        blocks, targets = gram[batch[:, :, None], batch[:, None, :]], correlation[batch]
        sound = np.linalg.eigvalsh(blocks)[:, 0] > DEPENDENT
        batch, blocks, targets = batch[sound], blocks[sound], targets[sound]
        coefs = np.linalg.solve(blocks, targets[:, :, None])[:, :, 0]
        gains = np.where(np.all(coefs > 0.0, axis=1), np.sum(coefs * targets, axis=1), -np.inf)
        greatest = gains.max(initial=-np.inf)
        if greatest > explained * (1 + TIE):
            first = int(np.argmax(gains >= greatest * (1 - TIE)))
            best, explained = (batch[first], float(gains[first])), greatest
    return best


def nonnegative_points(problem, max_size, tol):
    """Yield the best `Fit` of each size up to `max_size` by looking at all subsets."""
    shown = -1
    for support in nonnegative_subsets(problem.quadratic(), min(max_size, int(problem.usable.sum()))):
        if len(support) > shown:
            shown = len(support)
            yield next(forward_path(problem, max(shown, 1), swaps=False, tol=tol, start=support))


def nonnegative_search(problem, fit, size, plan, tol, search):
    """The better of `fit` and of what all subsets, or free signs and pairs, lead to.

    Parameters
    ----------
    problem : Problem
        With `positive`.
    fit : Fit
        Where local search led so far.
    size : int
    plan : Plan
    tol : float
    search : callable
        ``problem -> support`` that searches without the constraint.

    Returns
    -------
    fit : Fit
    """
    if plan.subsets_up_to >= problem.n_features:
        return _better(problem, fit, nonnegative_subsets(problem.quadratic(), size)[-1], size, tol)[0]
    free = copy.copy(problem)
    free.positive = False
    fit, _ = _better(problem, fit, search(free), size, tol)
    work = (size * (size + 1) // 2 + 1) * problem.n_features**2
    for _ in range(_MAX_ROUNDS if work <= min(plan.pair_work, _MOST_WORK) else 0):
        if fit.exact or fit.margin >= plan.restart_below or len(fit.support) < 2:
            break
        fit, improved = _better(problem, fit, _best_pair_exchange(problem.quadratic(), fit.support), size, tol)
        if not improved:
            break
    return fit


def _better(problem, fit, support, size, tol):
    """The better of `fit` and of local search from `support`, and whether it is the latter."""
    if support is None:
        return fit, False
    found = local_search(problem, problem.least_squares(support), size, tol=tol)
    better = found.loss < fit.loss * (1 - tol)
    return (found if better else fit), better


def _best_pair_exchange(quadratic, support):
    """Support after the best exchange of two members for two columns, of the most promising ones; None if it is worse.

    What an exchange gains without the constraint bounds what it gains with it.
    """
    gram, c = quadratic.block(np.arange(quadratic.n_columns)), quadratic.correlation[0, :, 0]
    promising = []
    for leaving in itertools.combinations(range(len(support)), 2):
        rest = np.delete(support, leaving)
        solved = np.linalg.lstsq(gram[np.ix_(rest, rest)], np.c_[c[rest], gram[rest]], rcond=None)[0]
        kept = float(solved[:, 0] @ c[rest])
        residual, E = c - gram[rest].T @ solved[:, 0], gram - gram[rest].T @ solved[:, 1:]
        gains = np.triu(_pair_gains(E, residual), 1)
        for place in np.argpartition(-gains, min(_CANDIDATES, gains.size - 1), axis=None)[:_CANDIDATES]:
            j, k = divmod(int(place), len(c))
            promising.append((kept + gains[j, k], np.sort(np.r_[rest, j, k])))
    promising.sort(key=lambda one: -one[0])
    best, explained = None, _explained(gram, c, support) * (1 + TIE)
    for bound, members in promising[: 4 * _CANDIDATES]:
        if bound <= explained:
            break
        if len(set(members)) == len(members) and (gain := _explained(gram, c, members)) > explained:
            best, explained = members, gain
    return best


def _pair_gains(E, c):
    """What each pair of columns explains of the residual, together."""
    room = np.diagonal(E)
    determinant = np.outer(room, room) - E * E
    sound = (determinant > 1e-9) & np.greater.outer(room, DEPENDENT)
    cross = np.outer(c * c, room)
    return np.where(sound, (cross + cross.T - 2 * np.outer(c, c) * E) / np.where(sound, determinant, 1.0), 0.0)


def _explained(gram, c, members):
    block = gram[np.ix_(members, members)]
    coefs = nonnegative_solve(block, c[members])
    return float(2 * coefs @ c[members] - coefs @ block @ coefs)
