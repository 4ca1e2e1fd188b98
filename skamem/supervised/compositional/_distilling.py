"""A start of one number a node from a wide tree: asked in many contexts it answers along a curve.

If y = h(g(A), rest), the answers to some columns A beside many choices of the rest, as a vector, depend on g alone: for
varying A they run along a curve. A node's map g is proposed in two ways. Folds of the curve do not matter to the lowest
vibration of a string laid along it, the first eigenvector of a walk from point to near point: it is monotone along the
curve (Coifman and Lafon 2006, Diffusion Maps). Where the curve meets itself, as that of sin and cos does, the smoothest
function of the node's inputs that is constant along the lines on which the answers are, tells its parts apart. The best
proposals are then fitted to the answers as compositions of their own, and so are parabolas where these fail; the nodes
above see the best of all.
"""

import itertools

import numpy as np

from skamem.core import arrays
from skamem.supervised.compositional._descent import Problem, descend, solve_penalised
from skamem.supervised.compositional._graph import Graph

__all__ = ["distilled"]

_CONTEXTS = 40
_LANDMARKS = 400
_DIRECTIONS = 4  # of the curve that are looked at
_NEAR = (0.02, 0.1, 0.5)  # of the points, those within a step: few where the curve folds, many where it is blurred
_STIFFNESS = (0.003, 0.03, 0.3)  # what smoothness counts beside the lines, which are known more or less well
_EVEN = 0.3  # of the mean square slope: where there is less, less is known of the lines
_ROUGHNESS, _JITTER = 1e-3, 1e-9
_SMOOTHING, _LITTLE = 1e-4, 1e-5  # penalties of a place along the curve, and of what the tree answers
_LEAST = 1e-6  # width of a step, beside a variance of 1: equal rows are apart by rounding
_MOST_FITTED, _MOST_DRAWN, _STEPS, _TOL = 3, 24, 20, 1e-2
_CLOSE = 0.01  # of the variance of the answers: then the node is found


def distilled(problem, trees, random_state):
    """Coefficients of the inner nodes, that do what wide trees do in the mean.

    Parameters
    ----------
    problem : Problem
    trees : list of WideTree
        Trained on the same graph.
    random_state : numpy.random.RandomState
        Draws rows to ask about, and contexts.

    Returns
    -------
    coefs : list of array
    """
    xp, place = problem.xp, arrays.placement_of(problem.X)
    index = random_state.permutation(problem.X.shape[0])
    marks, contexts = problem.subset(index[:_LANDMARKS]), xp.take(problem.X, place.asarray(index[-_CONTEXTS:]), axis=0)
    coefs, outputs = [], []
    for inputs, columns in zip(problem.graph.inputs[:-1], problem.graph.columns_below, strict=False):
        own = place.asarray(np.isin(np.arange(problem.X.shape[1]), columns))
        points = _answers(trees, marks.X, contexts, own)
        values = xp.stack([marks.X[:, i] if kind == "column" else outputs[i] for kind, i in inputs], axis=1)
        wanted = _leading(points, marks.share)
        best = _fitted(Problem(_ALONE[len(inputs)], problem.basis, values, wanted, marks.share), random_state)
        coefs.append(best.coefs[0])
        outputs.append(best.outputs[0])
    return coefs


_ALONE = {m: Graph.of((tuple(range(m)),)) for m in (1, 2, 3)}
"""A node of m inputs below one that bends its output."""


def _answers(trees, X, contexts, own):
    """Answers to the `own` columns of X in each context, (n_rows, n_contexts * n_outputs)."""
    xp, (n_rows, n_features) = arrays.namespace(X), X.shape
    shape = (n_rows, contexts.shape[0], n_features)
    rows = xp.where(own, xp.broadcast_to(X[:, None, :], shape), xp.broadcast_to(contexts[None, :, :], shape))
    rows = xp.astype(xp.reshape(rows, (-1, n_features)), xp.float32)
    answers = sum(tree.run(rows)[0] for tree in trees) / len(trees)
    return xp.reshape(xp.astype(answers, X.dtype), (n_rows, -1))


def _leading(points, share):
    """The leading principal components of points, of variance 1 together."""
    xp = arrays.namespace(points)
    left, sizes, _ = xp.linalg.svd(points - share @ points, full_matrices=False)
    points = (left * sizes)[:, :_DIRECTIONS]
    size = float(share @ xp.sum(points * points, axis=1)) ** 0.5
    return points / (size or 1.0)


def _fitted(alone, random_state):
    """The state of a node alone that comes closest to the answers."""
    gram, cross = alone.moments_of(0, [], alone.targets)
    proposed = [*_along_curve(alone, gram), *_across_lines(alone, gram, cross)]
    states = sorted((alone.state([coef], _LITTLE) for coef in proposed), key=lambda state: state.objective)
    best = None
    for start in (*states[:_MOST_FITTED], *_parabolas(alone, gram, random_state)):
        state = list(descend(alone, start.coefs, _LITTLE, _STEPS, _TOL))[-1]
        best = state if best is None or state.objective < best.objective else best
        if best.loss < _CLOSE:
            break
    return best


def _parabolas(alone, gram, random_state):
    """States of random polynomials of degree 2, where the proposals come to nothing."""
    xp, X = alone.xp, alone.X
    pairs = itertools.combinations_with_replacement(range(X.shape[1]), 2)
    monomials = xp.concat([X, *(X[:, i : i + 1] * X[:, j : j + 1] for i, j in pairs)], axis=1)
    for _ in range(_MOST_DRAWN):
        drawn = arrays.placement_of(X).asarray(random_state.standard_normal((monomials.shape[1], 1)), X.dtype)
        _, cross = alone.moments_of(0, [], monomials @ drawn)
        yield alone.state([solve_penalised(gram, cross, _LITTLE, alone.maps[0].penalty)[:, 0]], _LITTLE)


def _along_curve(alone, gram):
    """Coefficients of the place of each point along the curve on which they lie, for walks of several widths."""
    xp, points, n = alone.xp, alone.targets, alone.targets.shape[0]
    squares = xp.sum(points * points, axis=1)
    apart = arrays.clip(squares[:, None] + squares[None, :] - 2.0 * points @ points.T, min=0.0)
    ordered = xp.sort(apart, axis=1)
    for near in _NEAR:
        width = xp.sqrt(ordered[:, min(n - 1, 4 + int(near * n))]) + _LEAST
        close = xp.exp(-apart / (width[:, None] * width[None, :]))
        degree = xp.sum(close, axis=1)
        close = close / (degree[:, None] * degree[None, :])  # however dense the points lie on the curve
        root = xp.sqrt(xp.sum(close, axis=1))
        _, vectors = xp.linalg.eigh(close / (root[:, None] * root[None, :]))
        _, cross = alone.moments_of(0, [], (vectors[:, -2] / root)[:, None])
        yield solve_penalised(gram, cross, _SMOOTHING, alone.maps[0].penalty)[:, 0]


def _across_lines(alone, gram, cross):
    """Coefficients of functions that vary smoothly across the lines along which the answers stay.

    They have the largest variance for what they cost: the square of the part of their gradient along these lines, and
    a little of that of the whole gradient. Where lines have several parts the first may but tell these apart.
    """
    xp, node, share, inputs = alone.xp, alone.maps[0], alone.share, alone.inputs_of(0, [])
    coef = solve_penalised(gram, cross, _LITTLE, node.penalty)
    steep = [
        node.terms([(slopes if i == k else values, slopes) for i, (values, slopes) in enumerate(inputs)])
        for k in range(len(inputs))
    ]
    moved = [part @ coef for part in steep]
    size = sum(xp.sum(part * part, axis=1) for part in moved)
    weights = share / (size + _EVEN * float(share @ size) + _LEAST)
    fixed = _ROUGHNESS * node.penalty
    for a, b in itertools.combinations(range(len(inputs)), 2):
        for k in range(coef.shape[1]):
            along = steep[a] * moved[b][:, k : k + 1] - steep[b] * moved[a][:, k : k + 1]
            fixed = fixed + along.T @ (weights[:, None] * along)
    whole = sum(part.T @ (share[:, None] * part) for part in steep)
    means, one = gram @ node.one, node.one / float(node.one @ node.one) ** 0.5
    identity = xp.eye(node.n_terms, dtype=gram.dtype, device=arrays.device(gram))
    for stiffness in _STIFFNESS:
        cost = fixed + stiffness * whole
        unit = float(xp.linalg.trace(cost)) / node.n_terms
        cost = cost + unit * (_JITTER * identity + one[:, None] * one[None, :])
        inverse = xp.linalg.inv(xp.linalg.cholesky(cost))
        _, vectors = xp.linalg.eigh(inverse @ (gram - means[:, None] * means[None, :]) @ inverse.T)
        for rank in (1, 2):
            yield inverse.T @ vectors[:, -rank]
