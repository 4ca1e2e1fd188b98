"""From starts to a fit: penalties that fall, restarts, and the choice of the penalty by cross-validation."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skamem.supervised.compositional._descent import Problem, descend
from skamem.supervised.compositional._distilling import distilled
from skamem.supervised.compositional._start import carried, start
from skamem.supervised.compositional._wide import trained

__all__ = ["Fit", "best_fit", "gcv_score", "quick_score"]

_STAGES = (1e-2, 1e-3, 1e-4)
"""Penalties through which every start goes down: with the first, maps are nearly straight, and minima are few."""

_LARGEST, _SMALLEST = 1e3, 1e-7
_STEP = 10.0
_STAGE_STEPS = 15
_STAGE_TOL = 1e-3
_PRICE = 1.4  # of a parameter in cross-validation, since a search has flattered the fit; Kim and Gu (2004)
_LEAST_LEFT = 0.1
_MOST_START_ROWS = 2000
_GOOD = 0.05  # of the variance; that a poor minimum is reached twice proves nothing
_SAME = 0.05  # starts whose objectives differ by less of them have come to the same minimum
_FEW = 3.0  # rows for each coefficient; with fewer, maps bend to the noise before the nodes have found their places
_COARSE = 3  # knots of the maps that find these places first
_POOR = 2  # starts with all knots that may end poorly before fewer knots are tried
_MANY = 10  # nodes; of so many some begin wrongly in almost every start
_CHEAP = 2  # starts with fewer knots
_ASKED = 2  # times that wide trees are asked, about other rows
_A_TREE = 4  # starts that are worth a wide tree
_CLEAN = 1e-2  # of the variance; who leaves less need not try again
_REFINED = 2  # starts, of different minima, whose maps are then given all knots
_FAR = 1.5  # a second minimum by so much above the best is none


@dataclass
class Fit:
    """A fit, and how it came about.

    Parameters
    ----------
    state : State
    alpha : float
        Penalty.
    score : float
        Of generalised cross-validation.
    curve : list of float
        Penalised loss at the beginning and after each step of the last descent.
    tried : list of (float, float)
        Penalties and their scores.
    n_iter : int
        Steps of all descents.
    """

    state: Any
    alpha: float
    score: float
    curve: list = field(default_factory=list)
    tried: list = field(default_factory=list)
    n_iter: int = 0


def gcv_score(problem, state, alpha):
    """Generalised cross-validation, loss / (1 - 1.4 freedom / n)²; infinite where too little freedom is left."""
    n_values = problem.n_rows_effective * problem.targets.shape[1]
    left = 1.0 - _PRICE * (problem.freedom(state, alpha) + problem.targets.shape[1]) / n_values
    return state.loss / left**2 if left > _LEAST_LEFT else math.inf


def _run(problem, coefs, alpha, max_iter, tol):
    states = list(descend(problem, coefs, alpha, max_iter, tol))
    return states[-1], [state.objective for state in states]


def _stage(problem, coefs, alpha, max_iter):
    state, curve = _run(problem, coefs, alpha, min(max_iter, _STAGE_STEPS), _STAGE_TOL)
    return Fit(state, alpha, gcv_score(problem, state, alpha), curve, n_iter=len(curve) - 1)


def _down(problem, coefs, alphas, max_iter):
    """Fits for penalties that fall, each from the one before."""
    fits = []
    for alpha in alphas:
        fits.append(_stage(problem, coefs, alpha, max_iter))
        coefs = fits[-1].state.coefs
    return fits


def _continued(problem, fits, max_iter):
    """`fits`, with further penalties in the direction in which the score falls."""
    fits = sorted(fits, key=lambda fit: -fit.alpha)
    while True:
        best = min(range(len(fits)), key=lambda i: (fits[i].score, i))
        if best == 0 and fits[0].alpha * _STEP <= _LARGEST * 1.01:
            fits.insert(0, _stage(problem, fits[0].state.coefs, fits[0].alpha * _STEP, max_iter))
        elif best == len(fits) - 1 and fits[-1].alpha / _STEP >= _SMALLEST * 0.99:
            fits.append(_stage(problem, fits[-1].state.coefs, fits[-1].alpha / _STEP, max_iter))
        else:
            return fits, fits[best]


def best_fit(problem, alpha, n_restarts, max_iter, tol, random_state, tell=lambda text: None, watched=iter):
    """Fit a graph: starts, penalties, and a last descent to convergence.

    Parameters
    ----------
    problem : Problem
    alpha : float or "gcv"
        Penalty; "gcv" chooses it.
    n_restarts : int
        Most starts, from at most 2000 rows; the first is deterministic, and no further one is made once enough of
        them have come to the same. Where rows are few and two have ended poorly, the others have fewer knots at first.
        Of many nodes two starts have fewer knots, and then, unless next to nothing is left, each four of the restarts
        are worth a start from a wide tree.
    max_iter : int
        Most steps of a descent.
    tol : float
        Share of the objective that counts as nothing.
    random_state : RandomState
        Mixes the other starts.
    tell : callable
        Gets a line for every start, and for the choice.
    watched : callable
        Passes on the states of the last descent, all or the first of them.

    Returns
    -------
    fit : Fit
    """
    stages = _STAGES if alpha == "gcv" else (*(a for a in _STAGES if a > alpha), alpha)
    merit = _merit if alpha == "gcv" else _objective
    n_rows, whole = problem.X.shape[0], problem
    if n_rows > _MOST_START_ROWS and len(problem.graph) > 1:  # which minimum is best shows on fewer
        problem = problem.subset(np.arange(_MOST_START_ROWS) * n_rows // _MOST_START_ROWS)
    coarse, told = _coarse(problem), (random_state, tell)
    wary = n_restarts if coarse is None else min(n_restarts, _POOR if len(problem.graph) < _MANY else 0)
    attempts = _attempts(problem, stages, wary, max_iter, *told)
    tries, refined = attempts, []
    if n_restarts > wary and min(map(_objective, attempts), default=_GOOD) >= _GOOD:
        many = len(problem.graph) >= _MANY
        n_starts = min(n_restarts - wary, _CHEAP) if many else n_restarts - wary
        found = _attempts(coarse, stages, n_starts, max_iter, *told)
        refined = _refined(whole, coarse, found, stages, max_iter, tell)
        if many:
            refined += _distilled(whole, stages, n_restarts // _A_TREE, refined, max_iter, *told)
        tries = attempts + found
    elif n_restarts > wary and not _settled(attempts):
        attempts += _attempts(problem, stages, n_restarts - wary, max_iter, *told, known=attempts)
    chosen = min(attempts + refined, key=merit)
    if problem is not whole and all(chosen is not one for one in refined):
        best = min(chosen, key=lambda fit: fit.score) if alpha == "gcv" else chosen[-1]
        chosen = [_stage(whole, best.state.coefs, best.alpha, max_iter)]
    problem = whole
    if alpha == "gcv":
        fits, best = _continued(problem, chosen, max_iter)
    else:
        fits, best = chosen, chosen[-1]
    states = list(watched(descend(problem, best.state.coefs, best.alpha, max_iter, tol)))
    state, curve = states[-1], [state.objective for state in states]
    tell(f"Chosen: loss {state.loss:.3e} with alpha={best.alpha:.0e}")
    n_iter = sum(fit.n_iter for fits_of_one in [*tries, *refined] for fit in fits_of_one)
    n_iter += sum(fit.n_iter for fit in fits if all(fit is not known for known in chosen)) + len(curve) - 1
    tried = [(fit.alpha, fit.score) for fit in fits]
    return Fit(state, best.alpha, gcv_score(problem, state, best.alpha), curve, tried, n_iter)


def _attempts(problem, stages, n_starts, max_iter, random_state, tell, known=()):
    """Fits for falling penalties, of each start beyond the `known` attempts."""
    attempts = []
    for number in range(len(known), len(known) + (n_starts if len(problem.graph) > 1 else 1)):
        coefs = start(problem, random_state if number else None)
        attempts.append(_down(problem, coefs, stages, max_iter))
        last = attempts[-1][-1]
        tell(f"Start {number + 1}: loss {last.state.loss:.3e} with alpha={last.alpha:.0e}")
        if _settled([*known, *attempts]):
            break
    return attempts


def _distilled(problem, stages, n_trees, known, max_iter, random_state, tell):
    """Fits of starts from the mean of more and more wide trees, until two agree or one leaves next to nothing."""
    found, trees = [], []
    for number in range(n_trees):
        if _agreed([*known, *found]):
            break
        trees.append(trained(problem, random_state))
        asked = (problem.state(distilled(problem, trees, random_state), stages[-1]) for _ in range(_ASKED))
        best = min(asked, key=lambda state: state.objective)
        found.append(_down(problem, best.coefs, stages[-2:], max_iter))
        last = found[-1][-1]
        tell(f"Wide tree {number + 1}: loss {last.state.loss:.3e} with alpha={last.alpha:.0e}")
    return found


def _agreed(fits):
    scores = sorted(map(_merit, fits))
    return bool(scores) and (scores[0] < _CLEAN or (len(scores) > 1 and scores[1] <= (1.0 + _SAME) * scores[0]))


def _settled(attempts):
    """Whether enough attempts have come to the same."""
    reached = sorted(map(_objective, attempts))
    same = sum(value <= (1.0 + _SAME) * reached[0] for value in reached)
    return same >= (2 if reached[0] < _GOOD else 4)


def _with_basis(problem, basis):
    return Problem(problem.graph, basis, problem.X, problem.targets, problem.share)


def _coarse(problem):
    """The problem with fewer knots, where its rows are few for all of them, else None."""
    n_terms = sum(node.n_terms for node in problem.maps)
    if len(problem.graph) == 1 or problem.basis.n_knots <= _COARSE or problem.n_rows_effective >= _FEW * n_terms:
        return None
    return _with_basis(problem, replace(problem.basis, n_knots=_COARSE))


def _refined(whole, coarse, attempts, stages, max_iter, tell):
    """Fits with all rows and knots, from the best attempts that differ."""
    found, last = [], 0.0
    on_all = _with_basis(whole, coarse.basis)
    for attempt in sorted(attempts, key=_objective):
        if len(found) == _REFINED or (found and _objective(attempt) > _FAR * last):
            break
        if _objective(attempt) <= (1.0 + _SAME) * last:
            continue
        last = _objective(attempt)
        coefs = carried(on_all.state(attempt[-1].state.coefs, stages[-1]), whole)
        found.append(_down(whole, coefs, stages[-1:], max_iter))
        tell(f"All knots: loss {found[-1][-1].state.loss:.3e} with alpha={found[-1][-1].alpha:.0e}")
    return found


def _merit(fits):
    return min(fit.score for fit in fits)


def _objective(fits):
    return fits[-1].state.objective


def quick_score(problem):
    """Cross-validated error of a graph after one start or two and few steps, to compare graphs by.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    score : float
        In units of the targets' variance; infinite where the graph has too many parameters for the rows.
    """
    score = _merit(_smoothed(problem, start(problem, None)))
    if score < _GOOD:
        return score
    return min(score, _merit(_smoothed(problem, start(problem, np.random.RandomState(0)))))


def _smoothed(problem, coefs):
    """Fits for penalties that fall, then for larger ones while these do better: noise asks for them."""
    fits = _down(problem, coefs, _STAGES, _STAGE_STEPS)
    while fits[0].score == _merit(fits) and fits[0].alpha * _STEP <= _LARGEST * 1.01:
        fits.insert(0, _stage(problem, fits[0].state.coefs, fits[0].alpha * _STEP, _STAGE_STEPS))
    return fits
