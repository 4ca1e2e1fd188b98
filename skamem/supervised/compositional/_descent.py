"""Fitting all nodes together: Levenberg and Marquardt's method, with the last node eliminated.

Given the nodes below it the last one is linear, so every trial solves for it in closed form (variable projection); the
step of the others is that of Gauss and Newton on what it leaves.

The output of an inner node enters its parent centred and scaled, ``u = (v - mean(v)) / spread(v)``. That is part of the
function which is differentiated, so no step can leave the range on which the parent's map has its knots, and shift and
scale of coefficients, which change nothing, are no directions of descent.
"""

import math
from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.core.least_squares import LinAlgError, cholesky_solve, moments
from skamem.core.rows import row_blocks
from skamem.supervised.compositional._maps import EDGE, MOMENT, NodeMap, spread_of

__all__ = ["Problem", "State", "descend", "solve_penalised"]

_FIRST_DAMPING, _LEAST_DAMPING = 1e-2, 1e-8
_RAISED, _LOWERED, _MOST_TRIALS = 5.0, 0.2, 8
_JITTER = 1e-12
_MOST_RAISES = 40
_NO_ANSWER = 1e-24  # a mean square of sensitivities that is rounding
_ULPS = 8.0
_EXACT = 1e-24  # of the variance: what is left is rounding


@dataclass
class State:
    """Where a fit stands.

    Parameters
    ----------
    coefs : list of array of shape (n_terms,)
        Of all nodes but the last, such that their outputs have mean 0 and spread 1.
    outputs : list of array of shape (n_rows,)
        Of these nodes.
    bases : list of (values, slopes)
        Functions of these outputs.
    top : array of shape (n_terms, n_outputs)
        Coefficients of the last node.
    residuals : array of shape (n_rows, n_outputs)
    loss : float
        Weighted mean of the squared residuals, summed over outputs.
    objective : float
        With the penalty.
    damping : float
        Of the next step.
    """

    coefs: list
    outputs: list
    bases: list
    top: Any
    residuals: Any
    loss: float
    objective: float
    damping: float


class Problem:
    """Rows, targets and a graph; what a fit asks about them.

    Parameters
    ----------
    graph : Graph
    basis : object
        Of the nodes' maps.
    X : array of shape (n_rows, n_features)
        Scaled columns.
    targets : array of shape (n_rows, n_outputs)
        Standardised.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1.
    """

    def __init__(self, graph, basis, X, targets, share):
        self.graph, self.basis, self.X, self.targets, self.share = graph, basis, X, targets, share
        self.xp, place = arrays.namespace(X), arrays.placement_of(X)
        kinds = {m: NodeMap(basis, m, place, X.dtype) for m in {len(node) for node in graph.inputs}}
        self.maps = [kinds[len(node)] for node in graph.inputs]
        self.leaves = {j: basis.values(X[:, j]) for j in graph.columns}
        self.n_rows_effective = 1.0 / float(share @ share)

    def subset(self, index):
        """The problem of some rows."""
        take, place = self.xp.take, arrays.placement_of(self.X)
        index = place.asarray(index)
        X, targets, share = (take(part, index, axis=0) for part in (self.X, self.targets, self.share))
        return Problem(self.graph, self.basis, X, targets, share / self.xp.sum(share))

    def inputs_of(self, number, bases):
        """(values, slopes) of the inputs of a node; `bases` are those of nodes before it."""
        return [self.leaves[i] if kind == "column" else bases[i] for kind, i in self.graph.inputs[number]]

    def normalised(self, number, coef, bases):
        """(coefficients, output) of an inner node, centred and scaled; of one that does not vary, zeros."""
        xp, inputs, node = self.xp, self.inputs_of(number, bases), self.maps[number]
        output = node.output(coef, inputs)
        # Where all inputs are constant what is left of an output is rounding, which must not be blown up to unit size.
        rounding = _ULPS * xp.finfo(output.dtype).eps * float(xp.sum(xp.abs(coef)))
        mean, spread = spread_of(output, self.share, rounding)
        if not spread > 0.0:
            return xp.zeros_like(coef), xp.zeros_like(output)
        return (coef - mean * node.one) / spread, (output - mean) / spread

    def _terms(self, number, bases, rows):
        inputs = [(values[rows, :], slopes[rows, :]) for values, slopes in self.inputs_of(number, bases)]
        return self.maps[number].terms(inputs)

    def moments_of(self, number, bases, targets):
        """(Gram matrix of a node's terms, their products with `targets`), weighted means over the rows."""
        xp, gram, cross = self.xp, 0.0, 0.0
        for rows in row_blocks(self.X.shape[0], 32 * self.maps[number].n_terms):
            terms, root = self._terms(number, bases, rows), self.xp.sqrt(self.share[rows])[:, None]
            weighted = terms * root
            gram = gram + weighted.T @ weighted
            cross = cross + weighted.T @ (root * targets[rows, :])
        return xp.asarray(gram), xp.asarray(cross)

    def state(self, coefs, alpha, damping=_FIRST_DAMPING):
        """The state with these coefficients of inner nodes, and the last node fitted."""
        xp, kept, outputs, bases = self.xp, [], [], []
        for number, coef in enumerate(coefs):
            coef, output = self.normalised(number, coef, bases)
            kept.append(coef)
            outputs.append(output)
            bases.append(self.basis.values(output))
        last = self.maps[-1]
        gram, cross = self.moments_of(-1, bases, self.targets)
        top = solve_penalised(gram, cross, alpha, last.penalty)
        inputs = self.inputs_of(-1, bases)
        answers = xp.stack([last.output(top[:, k], inputs) for k in range(top.shape[1])], axis=1)
        residuals = self.targets - answers
        loss = float(self.share @ xp.sum(residuals * residuals, axis=1))
        rough = sum(float(coef @ (node.penalty @ coef)) for node, coef in zip(self.maps, kept, strict=False))
        rough += float(xp.sum(top * (last.penalty @ top)))
        return State(kept, outputs, bases, top, residuals, loss, loss + alpha * rough, damping)

    def sensitivities(self, state):
        """For each inner node, (n_rows, n_outputs): how the answers change with its output."""
        xp, last = self.xp, len(self.graph) - 1
        found = [None] * len(self.graph)
        for number in reversed(range(last + 1)):
            inputs = self.inputs_of(number, state.bases)
            if number == last:
                each = [self.maps[-1].slopes(state.top[:, k], inputs) for k in range(state.top.shape[1])]
                steep = [xp.stack(slopes, axis=1) for slopes in zip(*each, strict=True)]
            else:
                slopes = self.maps[number].slopes(state.coefs[number], inputs)
                steep = [slope[:, None] * found[number] for slope in slopes]
            for (kind, i), slope in zip(self.graph.inputs[number], steep, strict=True):
                if kind == "node":
                    found[i] = slope if found[i] is None else found[i] + slope
        return found[:last]

    def linearised(self, state, alpha):
        """The Gauss-Newton equations at a state, as `System`."""
        xp, n_outputs, inner = self.xp, self.targets.shape[1], range(len(self.graph) - 1)
        steep = self.sensitivities(state)
        bent = [self.share * xp.sign(u) * xp.abs(u) ** (MOMENT - 1) for u in state.outputs]
        means, powers = [0.0] * len(inner), [0.0] * len(inner)
        gram = right_side = last_gram = 0.0
        mixed = [0.0] * n_outputs
        for rows in row_blocks(self.X.shape[0], 24 * sum(node.n_terms for node in self.maps)):
            root = xp.sqrt(self.share[rows])
            terms = [self._terms(number, state.bases, rows) for number in inner]
            last = self._terms(-1, state.bases, rows) * root[:, None]
            last_gram = last_gram + last.T @ last
            for i in inner:
                means[i] = means[i] + self.share[rows] @ terms[i]
                powers[i] = powers[i] + bent[i][rows] @ terms[i]
            for k in range(n_outputs):
                moved = xp.concat([terms[i] * (steep[i][rows, k] * root)[:, None] for i in inner], axis=1)
                gram = gram + moved.T @ moved
                mixed[k] = mixed[k] + moved.T @ last
                right_side = right_side + moved.T @ (root * state.residuals[rows, k])
        gauges = []
        for i in inner:
            spread = EDGE**MOMENT * (powers[i] - xp.sum(bent[i]) * means[i])
            gauges.append((self.maps[i].one, means[i], state.coefs[i], spread))
        penalties = [self.maps[i].penalty @ state.coefs[i] for i in inner]
        right_side = right_side - alpha * xp.concat(penalties)
        return System(self.maps, gram, right_side, mixed, last_gram, gauges, alpha)

    def freedom(self, state, alpha):
        """Effective number of parameters, of the linearised model: the trace of its hat matrix."""
        n_outputs = self.targets.shape[1]
        if len(self.graph) == 1:
            gram, _ = self.moments_of(-1, state.bases, self.targets)
            return n_outputs * _freedom(gram, alpha, self.maps[-1].penalty)
        return self.linearised(state, alpha).freedom()


def _without_gauge(matrix, gauges):
    """`matrix` @ T, where T takes changes of coefficients to those that stay once mean and spread are made good."""
    xp, parts, first = arrays.namespace(matrix), [], 0
    for one, mean, coef, spread in gauges:
        part = matrix[:, first : first + one.shape[0]]
        part = part - (part @ one)[:, None] * mean[None, :] - (part @ coef)[:, None] * spread[None, :]
        parts.append(part)
        first += one.shape[0]
    return xp.concat(parts, axis=1)


class System:
    """Gauss-Newton equations of the inner nodes, the last one eliminated.

    Parameters
    ----------
    maps : list of NodeMap
        Of all nodes.
    gram : array of shape (n, n)
        Products of the answers' changes with the coefficients of inner nodes.
    right_side : array of shape (n,)
        Half of the way down.
    mixed : list of array of shape (n, n_last)
        For each output, products of these changes with the terms of the last node.
    last_gram : array of shape (n_last, n_last)
        Products of these terms.
    gauges : list of tuple
        What changes of a node's coefficients are made good by centring and scaling its output.
    alpha : float
        Penalty.
    """

    def __init__(self, maps, gram, right_side, mixed, last_gram, gauges, alpha):
        xp = arrays.namespace(gram)
        self.alpha, self.sizes = alpha, [gauge[0].shape[0] for gauge in gauges]
        self.last_gram, self.last_penalty = last_gram, maps[-1].penalty
        self.right_side = _without_gauge(right_side[None, :], gauges)[0, :]
        self.mixed = [_without_gauge(part.T, gauges).T for part in mixed]
        self.gram = _without_gauge(_without_gauge(gram, gauges).T, gauges)
        blocks, first = xp.zeros_like(gram), 0
        for node, gauge, size in zip(maps, gauges, self.sizes, strict=False):
            part = _without_gauge(_without_gauge(node.penalty, [gauge]).T, [gauge])
            blocks[first : first + size, first : first + size] = part
            first += size
        self.penalty = blocks
        self.solved = [solve_penalised(last_gram, part.T, alpha, self.last_penalty) for part in self.mixed]
        taken = sum(part @ solved for part, solved in zip(self.mixed, self.solved, strict=True))
        self.matrix = self.gram - taken + alpha * blocks
        self.diagonal = self._mean_diagonal()

    def _mean_diagonal(self):
        xp, first, found = arrays.namespace(self.gram), 0, []
        diagonal = xp.linalg.diagonal(self.gram)
        overall = float(xp.mean(diagonal))
        if not overall > _NO_ANSWER:  # the answers depend on no inner node: any damping will do that is of their size
            return xp.ones_like(diagonal)
        for size in self.sizes:
            mean = float(xp.mean(diagonal[first : first + size]))
            # A node that nothing answers to yet would be moved without bound.
            found.append(xp.full_like(diagonal[first : first + size], max(mean, 1e-3 * overall, 1e-30)))
            first += size
        return xp.concat(found)

    def _damped(self, damping):
        xp = arrays.namespace(self.gram)
        n = self.gram.shape[0]
        identity = xp.eye(n, dtype=self.gram.dtype, device=arrays.device(self.gram))
        return self.matrix + identity * ((damping + _JITTER) * self.diagonal)[None, :]

    def step(self, damping):
        """The step, one array for each inner node; raises LinAlgError where the damping is too small."""
        found, first, parts = cholesky_solve(self._damped(damping), self.right_side[:, None])[:, 0], 0, []
        for size in self.sizes:
            parts.append(found[first : first + size])
            first += size
        return parts

    def freedom(self):
        """Trace of the hat matrix of all coefficients, the last node's of every output included.

        Infinite where the equations are not finite or not positive definite under any damping.
        """
        xp, alpha = arrays.namespace(self.gram), self.alpha
        n_outputs = len(self.mixed)
        identity = xp.eye(self.gram.shape[0], dtype=self.gram.dtype, device=arrays.device(self.gram))
        if not bool(xp.all(xp.isfinite(self.matrix))):
            return math.inf
        for raised in range(_MOST_RAISES):
            try:
                inverse = cholesky_solve(self._damped(_LEAST_DAMPING * 10.0**raised), identity)
                break
            except LinAlgError:
                continue
        else:
            return math.inf
        # tr (G + A)^-1 G over both blocks, from the inverse by blocks; A is alpha times the penalty.
        total = float(xp.sum(inverse * (self.matrix - alpha * self.penalty)))
        total += n_outputs * _freedom(self.last_gram, alpha, self.last_penalty)
        for solved in self.solved:
            total -= alpha * float(xp.sum((solved @ inverse) * (self.last_penalty @ solved)))
        return total


def _freedom(gram, alpha, penalty):
    xp = arrays.namespace(gram)
    return float(xp.linalg.trace(solve_penalised(gram, gram, alpha, penalty)))


def solve_penalised(gram, right_side, alpha, penalty):
    """(gram + alpha penalty)⁻¹ `right_side`; the shortest solution where that is singular; LinAlgError for NaN."""
    matrix, xp = gram + alpha * penalty if alpha else gram, arrays.namespace(gram)
    try:
        return cholesky_solve(matrix, right_side)
    except LinAlgError:
        if not bool(xp.all(xp.isfinite(matrix))):
            raise
        return moments(matrix, right_side)


def descend(problem, coefs, alpha, max_iter, tol):
    """Yield the states of a descent, the first that of `coefs`; each has a smaller objective than the one before.

    Parameters
    ----------
    problem : Problem
    coefs : list of array
        Of the inner nodes.
    alpha : float
        Penalty.
    max_iter : int
        Most steps.
    tol : float
        Share of the objective by which a step must lower it for another to follow.

    Yields
    ------
    state : State
    """
    state = problem.state(coefs, alpha)
    yield state
    for _ in range(max_iter if coefs else 0):
        if not state.objective > _EXACT:
            return
        system, new = problem.linearised(state, alpha), None
        damping = state.damping
        for _trial in range(_MOST_TRIALS):
            try:
                step = system.step(damping)
                trial = problem.state([c + s for c, s in zip(state.coefs, step, strict=True)], alpha)
            except LinAlgError:
                damping *= _RAISED
                continue
            if trial.objective < state.objective:
                new = trial
                break
            damping *= _RAISED
        if new is None:
            return
        new.damping = max(_LOWERED * damping, _LEAST_DAMPING)
        fell = state.objective - new.objective
        enough = fell > tol * state.objective
        state = new
        yield state
        if not enough:
            return
