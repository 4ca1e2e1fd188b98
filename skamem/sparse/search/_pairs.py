"""Exchanges of two members at a time: the way out where single exchanges see nothing, on very correlated columns."""

import itertools

import numpy as np

from skamem.sparse.search._budgets import PAIR_FEATURES
from skamem.sparse.search._supports import chain_for, is_at_its_end, reported

__all__ = ["grow_by_pair", "improve_by_pairs", "pair_work"]

# Exchanges of two members after which the search for more ends.
_MAX_ROUNDS = 50
# One less the squared cosine of two columns above which they are not as good as dependent on each other.
_SOUND_PAIR = 1e-9
# Members times pairs of columns that are looked at together: what stays in the processor's cache.
_TOGETHER = 2**16


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
    Cost O(s p²) a round, and O(s² p²) where columns depend on the members.
    """
    while True:
        chain = _exchanged(problem, support, tol)
        fit = reported(problem, chain, settled=True)
        if not is_at_its_end(problem, chain, fit):
            return fit


def _exchanged(problem, support, tol):
    """Chain that no exchange of two members improves."""
    chain = chain_for(problem, problem.quadratic(n_rows=problem.n_features), len(support))
    chain.restart(support)
    chain.settle(tol)
    for _ in range(_MAX_ROUNDS):
        if chain.size == 0 or chain.loss[0] <= chain.floor[0]:
            break
        removed, added = _best_exchange(chain, tol)
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
    return chain


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
    chain = chain_for(problem, problem.quadratic(n_rows=problem.n_features), len(support) + 2)
    chain.restart(support)
    pair, _ = _best_pair(chain.residual_gram(), chain.room[0], chain.residual[0].T, 0.0, chain.dependent)
    if pair is None:
        return None
    for column in pair:
        if chain.room[0, column] <= chain.dependent:  # on the support and the first of the pair
            return None
        chain.add(np.array([column]))
    while chain.size > len(support):
        chain.remove(np.array([int(np.argmin(chain.sacrifices()[0]))]))
    return np.sort(chain.supports[0])


def _best_exchange(chain, tol):
    """Slots of the members to remove and columns to add, in the exchange with the greatest gain; or None, None."""
    movable = np.flatnonzero(~chain.quadratic.locked[chain.supports[0]])
    E = chain.residual_gram()
    barred = (chain.room[0] <= chain.dependent) & (chain.room[0] != 0.0)  # members have no room at all
    if len(movable) > 1 and not barred.any():
        return _best_of_promising(chain, movable, E, float(chain.least_gain(tol)[0]))
    # A column that the members span may still stand for two of them.
    return _best_of_all(chain, movable, E, float(chain.least_gain(tol)[0]))


def _best_of_promising(chain, movable, E, least):
    """The best exchange of two members, by way of single members that could go.

    With columns j and k added, removing two members loses no less than removing one of them. So only members that one
    by one would be missed by less than the pair brings need be looked at two by two: most often none.
    """
    free = np.flatnonzero(chain.room[0] > chain.dependent)
    root = np.sqrt(np.diagonal(E)[free])
    c, H = chain.residual[0].T[free] / root[:, None], chain.projections[0][np.ix_(movable, free)] / root
    cosines = E[np.ix_(free, free)] / root[:, None] / root
    K, w = chain.inverse[0][np.ix_(movable, movable)], chain.coefs[0][movable]
    pairs = np.transpose(np.nonzero(np.triu(1.0 - cosines * cosines > _SOUND_PAIR, 1)))
    best, found = least, (None, None)
    step = max(1, _TOGETHER // len(movable))
    for start in range(0, len(pairs), step):
        some = pairs[start : start + step]
        exchange = _best_for(some, cosines[some[:, 0], some[:, 1]], c, H, K, w, best)
        if exchange is not None:
            best, removed, pair = exchange
            found = movable[removed].tolist(), free[some[pair]]
    return found


def _best_for(pairs, rho, c, H, K, w, least):
    """Gain, members to remove and index of the pair of columns to add, of the best exchange above `least`; or None.

    All in units of the columns' room: `rho` are the cosines of the pairs.
    """
    j, k = pairs.T
    room = 1.0 - rho * rho
    u, v = (c[j] - rho[:, None] * c[k]) / room[:, None], (c[k] - rho[:, None] * c[j]) / room[:, None]
    brought = np.einsum("pq,pq->p", c[j], u) + np.einsum("pq,pq->p", c[k], v)
    a, b = H[:, j], H[:, k]
    x, y = (a - rho * b) / room, (b - rho * a) / room
    w = w[:, None, :] - a[:, :, None] * u - b[:, :, None] * v  # coefficients with both columns added
    spread = np.diagonal(K)[:, None] + a * x + b * y
    can_go = np.einsum("ipq,ipq->ip", w, w) < (brought - least) * spread
    found = None
    for p in np.flatnonzero(np.count_nonzero(can_go, axis=0) > 1):
        m, n = np.transpose(list(itertools.combinations(np.flatnonzero(can_go[:, p]), 2)))
        across = K[m, n] + a[m, p] * x[n, p] + b[m, p] * y[n, p]
        determinant = spread[m, p] * spread[n, p] - across * across
        squares, products = np.sum(w[:, p] ** 2, axis=1), np.sum(w[m, p] * w[n, p], axis=1)
        lost = squares[m] * spread[n, p] + squares[n] * spread[m, p] - 2.0 * products * across
        sound = determinant > 0.0
        gains = np.where(sound, brought[p] - lost / np.where(sound, determinant, 1.0), 0.0)
        first = int(np.argmax(gains))
        if gains[first] > least:
            least = float(gains[first])
            found = least, [m[first], n[first]], p
    return found


def _best_of_all(chain, movable, E, least):
    """The best exchange, all columns looked at for every one or two members that may go."""
    H, K, w, correlation = chain.projections[0], chain.inverse[0], chain.coefs[0], chain.residual[0].T
    best, found = least, (None, None)
    for removed in itertools.combinations(movable, min(2, len(movable))) if len(movable) else ():
        R = list(removed)
        weight = np.linalg.inv(K[np.ix_(R, R)])
        lost = float(np.sum(w[R] * (weight @ w[R])))
        residual_gram = E + H[R].T @ (weight @ H[R])
        c = correlation + H[R].T @ (weight @ w[R])
        look = _best_pair if len(R) == 2 else _best_one
        pair, gain = look(residual_gram, np.diagonal(residual_gram), c, lost + best, chain.dependent)
        if pair is not None:
            best, found = gain - lost, (R, pair)
    return found


def _best_one(E, room, c, needed, dependent):
    sound = room > dependent
    gains = np.where(sound, np.sum(c * c, axis=1) / np.where(sound, room, 1.0), 0.0)
    j = int(np.argmax(gains))
    return (np.array([j]), float(gains[j])) if gains[j] > needed else (None, None)


def _best_pair(E, room, c, needed, dependent):
    """Pair of columns with the greatest joint gain, if that exceeds `needed`; `room` is the diagonal of E."""
    sound = room > dependent
    root = np.sqrt(np.where(sound, room, np.inf))  # in units of their room columns far and near compare
    c = c / root[:, None]
    squares = np.sum(c * c, axis=1)
    best, pair = needed, None
    step = max(1, _TOGETHER // len(E))
    first = int(np.argmax(squares))  # whose best partner leaves few of the others to be looked at more closely
    for rows in (slice(first, first + 1), *(slice(start, start + step) for start in range(0, len(E), step))):
        cosines = E[rows] / root[rows, None] / root
        numerator = squares[rows, None] + squares - 2.0 * (c[rows] @ c.T) * cosines
        determinant = np.where(sound[rows, None] & sound, 1.0 - cosines * cosines, 0.0)
        # Division only where it can matter; nearly dependent pairs are left out.
        j, k = np.nonzero((numerator > best * determinant) & (determinant > _SOUND_PAIR))
        if len(j):
            gains = numerator[j, k] / determinant[j, k]
            i = int(np.argmax(gains))
            best, pair = float(gains[i]), np.sort([rows.start + j[i], k[i]])
    return pair, best
