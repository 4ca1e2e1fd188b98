"""Exchanges of two members at a time: the way out where single exchanges see nothing, on very correlated columns."""

import itertools

import numpy as np

from skamem.sparse.objective._linalg import DEPENDENT
from skamem.sparse.search._budgets import PAIR_FEATURES
from skamem.sparse.search._chains import Chains

__all__ = ["grow_by_pair", "improve_by_pairs", "pair_work"]

# Exchanges of two members after which the search for more ends.
_MAX_ROUNDS = 50


def pair_work(problem, size):
    """Multiplications of one look at all exchanges of two members; infinite where they are not to be looked at."""
    p = problem.n_features
    if problem.positive or p > PAIR_FEATURES:
        return np.inf
    return (size * (size + 1) // 2 + 1) * p * p


def improve_by_pairs(problem, support, tol):
    """Replace up to two members by two columns, always by the best such exchange, until none lowers the loss.

    With R the members removed and B = S - R the rest, the residual Gram matrix after B is

        E_R = E + H_Rᵀ (K_RR)⁻¹ H_R,    E = G - G_Sᵀ H,

    and adding columns j and k to B takes away

        (c_j² E_kk - 2 c_j c_k E_jk + c_k² E_jj) / (E_jj E_kk - E_jk²),

    c being the correlations after B. All pairs (j, k) are looked at for every R of at most two members.

    Parameters
    ----------
    problem : Problem
    support : int array of shape (s,)
    tol : float
        Least relative decrease of the loss that counts.

    Returns
    -------
    fit : Fit
        Optimal under exchanges of one and of two members.

    Notes
    -----
    Cost O(s² p²) a round.
    """
    quadratic = problem.quadratic(n_rows=problem.n_features)
    chain = Chains(quadratic, len(support))
    chain.restart(support)
    chain.settle(tol)
    for _ in range(_MAX_ROUNDS):
        if chain.size == 0 or chain.loss[0] <= chain.floor[0]:
            break
        removed, added = _best_exchange(quadratic, chain, tol)
        if removed is None:
            break
        before, earlier = float(chain.loss[0]), chain.supports[0].copy()
        members = np.append(np.delete(chain.supports[0], removed), added)
        chain.restart(members)
        chain.settle(tol)
        # Of nearly dependent columns the promised gain may be rounding.
        if not chain.loss[0] < before * (1 - tol):
            chain.restart(earlier)
            break
    return chain.settled_fit()


def grow_by_pair(problem, support):
    """Add the two columns that gain most together, then remove the two members least missed.

    Two correlated columns whose coefficients nearly cancel gain little one by one, and much together.

    Parameters
    ----------
    problem : Problem
    support : int array of shape (s,)

    Returns
    -------
    support : int array of shape (s,) or None
        None where no pair gains anything.

    Notes
    -----
    Cost O(p²), and O(n p²) once for the Gram matrix.
    """
    quadratic = problem.quadratic(n_rows=problem.n_features)
    chain = Chains(quadratic, len(support) + 2)
    chain.restart(support)
    gram = quadratic.rows(np.zeros(quadratic.n_columns, dtype=np.intp), np.arange(quadratic.n_columns))
    E = gram - quadratic.support_rows(chain.supports)[0].T @ chain.projections[0]
    free = np.flatnonzero(chain.room[0] > DEPENDENT)
    pair, _ = _best_pair(E[np.ix_(free, free)], chain.residual[0].T[free], 0.0)
    if pair is None:
        return None
    for column in free[pair]:
        if chain.room[0, column] <= DEPENDENT:  # on the support and the first of the pair
            return None
        chain.add(np.array([column]))
    for _ in pair:
        chain.remove(np.array([int(np.argmin(chain.sacrifices()[0]))]))
    return np.sort(chain.supports[0])


def _best_exchange(quadratic, chain, tol):
    """Slots of the members to remove and columns to add, in the exchange with the greatest gain; or None, None."""
    rows = quadratic.support_rows(chain.supports)[0]
    H, K, w = chain.projections[0], chain.inverse[0], chain.coefs[0]
    gram = quadratic.rows(np.zeros(quadratic.n_columns, dtype=np.intp), np.arange(quadratic.n_columns))
    E = gram - rows.T @ H
    correlation = chain.residual[0].T
    best, found = tol * chain.loss[0] + 1e-12 * chain.total[0], (None, None)
    movable = np.flatnonzero(~quadratic.locked[chain.supports[0]])
    for removed in itertools.combinations(movable, min(2, len(movable))) if len(movable) else ():
        R = list(removed)
        weight = np.linalg.inv(K[np.ix_(R, R)])
        lost = float(np.sum(w[R] * (weight @ w[R])))
        residual_gram = E + H[R].T @ (weight @ H[R])
        c = correlation + H[R].T @ (weight @ w[R])
        pair, gain = (
            _best_pair(residual_gram, c, lost + best) if len(R) == 2 else _best_one(residual_gram, c, lost + best)
        )
        if pair is not None:
            best, found = gain - lost, (R, pair)
    return found


def _best_one(E, c, needed):
    room = np.diagonal(E)
    sound = room > DEPENDENT
    gains = np.where(sound, np.sum(c * c, axis=1) / np.where(sound, room, 1.0), 0.0)
    j = int(np.argmax(gains))
    return (np.array([j]), float(gains[j])) if gains[j] > needed else (None, None)


def _best_pair(E, c, needed):
    """Pair of columns with the greatest joint gain, if that exceeds `needed`."""
    room = np.diagonal(E)
    products = c @ c.T
    cross = np.outer(np.diagonal(products), room)
    numerator = cross + cross.T - 2.0 * products * E
    scale = np.outer(room, room)
    determinant = scale - E * E
    # Division only where it can matter; nearly dependent pairs are left out.
    j, k = np.nonzero((numerator > needed * determinant) & (determinant > 1e-9 * np.maximum(scale, 1e-12)))
    if not len(j):
        return None, None
    gains = numerator[j, k] / determinant[j, k]
    i = int(np.argmax(gains))
    return np.array([j[i], k[i]]), float(gains[i])
