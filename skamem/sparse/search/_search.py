"""Local search: exchange blocks, then single members, until no exchange of one member lowers the loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.sparse.objective._linalg import ZERO_LOSS, loss_reduction
from skamem.sparse.search._htp import greatest, largest

__all__ = ["Candidate", "improve", "is_small", "local_search", "working_set_of"]

# Below this many multiplications for one look at all columns, the search looks at all of them from the start.
SMALL = 5e7
# A margin below this has been seen on wrong supports often enough to look at all columns before stopping.
_SURE = 4.0
_ROUNDS = 20
_MAX_SWAPS = 500


@dataclass
class Candidate:
    """A support and what is known of it.

    Parameters
    ----------
    support : int array of shape (s,)
        Ascending.
    loss : float
        As a fraction of ‖ỹ‖².
    margin : float
        Least sacrifice over best addition gain; infinite when nothing can gain; NaN when not computed.
    swap_optimal : bool
        Whether it was verified that no exchange of one member for any other column lowers the loss.
    residual : array or None
        Of its least squares, if at hand.
    gradient : array or None
        X̃ᵀ residual, if at hand.
    """

    support: np.ndarray
    loss: float
    margin: float = np.nan
    swap_optimal: bool = False
    residual: Any = None
    gradient: Any = None

    @classmethod
    def of(cls, chain):
        """Present state of a settled `chain` over all features."""
        return cls(np.sort(chain.supports[0]), float(chain.loss[0]), float(chain.margins()[0]), chain.is_certified)


def is_small(problem, size):
    """Whether one look at all columns is cheap enough to skip working sets."""
    n, p = problem.design.shape
    return n * p * max(size, 1) < SMALL


def local_search(problem, start, size, *, tol, certify=None):
    """Lower the loss of `start` by splices and swaps until it is optimal under exchanges of one member.

    Large problems are searched on a working set U, the support and the columns most correlated with the residual, which
    is renewed until the support stays. A comfortable margin on U ends the search there; otherwise, and on small
    problems, all columns are looked at, and the result is certified.

    Parameters
    ----------
    problem : Problem
    start : Candidate
    size : int
        Most members; under sign constraints the start may have fewer.
    tol : float
        Least relative decrease of the loss that counts.
    certify : bool, default=None
        Whether to look at all columns; None decides by the margin.

    Returns
    -------
    candidate : Candidate
    """
    if start.loss <= ZERO_LOSS:
        return _settled_exactly(problem, start)
    if is_small(problem, size):
        return _search_everywhere(problem, start.support, size, tol, splices=True)
    candidate = _search_working_sets(problem, start, size, tol)
    if certify or (certify is None and candidate.margin < _SURE and candidate.loss > ZERO_LOSS):
        candidate = _search_everywhere(problem, candidate.support, size, tol, splices=False)
    return candidate


def _settled_exactly(problem, start):
    # Nothing is below a loss of zero, and nothing correlates with a residual of zero.
    return Candidate(start.support, start.loss, np.inf, True, start.residual, start.gradient)


def _search_everywhere(problem, support, size, tol, *, splices):
    chain = problem.chains(problem.quadratic(), size)
    improve(chain, support, tol, splices=splices)
    return Candidate.of(chain)


def _search_working_sets(problem, start, size, tol):
    n_extra = max(4 * size, 128)
    support, residual, gradient = start.support, start.residual, start.gradient
    for _ in range(_ROUNDS):
        if gradient is None:
            if residual is None:
                residual = problem.least_squares(support).residual
            gradient = problem.gradient(residual)
        working_set = working_set_of(problem, gradient, support, n_extra)
        chain = problem.chains(problem.restricted_quadratic(working_set), size)
        improve(chain, np.searchsorted(working_set, support), tol, splices=True)
        found = np.sort(working_set[chain.supports[0]])
        candidate = Candidate(found, float(chain.loss[0]), float(chain.margins()[0]))
        if np.array_equal(found, support):
            candidate.residual, candidate.gradient = residual, gradient
            return candidate
        if candidate.loss <= ZERO_LOSS:
            return candidate
        support, residual, gradient = found, None, None
    return candidate


def working_set_of(problem, gradient, support, n_extra):
    """Ascending indices of `support` and the `n_extra` other columns that correlate most with the residual."""
    inside = np.zeros(problem.n_features, dtype=bool)
    inside[support] = True
    return largest(gradient, len(support) + n_extra, inside)


def improve(chain, support, tol, *, splices):
    """Restart `chain` from `support`; splice, then swap until no swap gains more than `tol` of the loss."""
    chain.restart(support)
    if splices and chain.can_splice:
        _splice(chain, tol)
    chain.settle(_MAX_SWAPS, tol)


def _splice(chain, tol):
    """Exchange the k members of least sacrifice for the k columns of greatest gain, k from s/4 downwards by halves."""
    n_movable = int(np.sum(np.isfinite(chain.sacrifices())))
    k = min(max(chain.size // 4, 2), n_movable)
    while k >= 2 and chain.loss[0] > chain.floor[0]:
        leaving = greatest(1.0 / np.maximum(chain.sacrifices()[0], ZERO_LOSS), k)
        gains = np.maximum(chain.addition_gains()[0], 0.0)
        if np.count_nonzero(gains) < k:
            k //= 2
            continue
        entering = greatest(gains, k)
        trial = chain.supports[0].copy()
        trial[leaving] = entering
        quadratic = chain.quadratic
        loss = chain.total[0] - loss_reduction(quadratic.block(trial), quadratic.correlation[0, trial], 0.0)
        if loss < chain.loss[0] * (1 - tol) - 1e-12 * chain.total[0]:
            chain.restart(trial)
        else:
            k //= 2
