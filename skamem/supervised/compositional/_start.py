"""Where descents start: what averages over the other columns say about a node.

If y = h(g(a, b), rest), the mean of y w(rest) given a and b is a function of g alone, for every w. So the functions of
a and b that best explain such products, found for many w at once by a singular value decomposition, begin the node; its
output then stands for a and b in the nodes above.
"""

import numpy as np

from skamem.core import arrays
from skamem.supervised.compositional._descent import solve_penalised

__all__ = ["LITTLE", "carried", "start"]

_SMOOTHING = 1e-2
_DEGREE = 3
_DEPENDENT = 1e-8
_N_DIRECTIONS = 3
_MOST_ROWS = 10_000
LITTLE = 1e-6  # penalty of what is carried over: it is smooth already


def start(problem, random_state):
    """Coefficients of the inner nodes, from the leading directions or, given a `random_state`, mixtures of them.

    Parameters
    ----------
    problem : Problem
    random_state : numpy.random.RandomState or None
        None takes the leading direction of each node.

    Returns
    -------
    coefs : list of array
    """
    n_rows = problem.X.shape[0]
    if n_rows > _MOST_ROWS:
        problem = problem.subset(np.arange(_MOST_ROWS) * n_rows // _MOST_ROWS)
    coefs, outputs, bases = [], [], []
    for number in range(len(problem.graph) - 1):
        coef = _direction(problem, number, outputs, bases, random_state)
        coef, output = problem.normalised(number, coef, bases)
        coefs.append(coef)
        outputs.append(output)
        bases.append(problem.basis.values(output))
    return coefs


def carried(state, problem):
    """Coefficients of the inner nodes for another basis, such that they compute what they do in a state.

    Parameters
    ----------
    state : State
        Of a problem with the same graph and rows, and a coarser basis.
    problem : Problem

    Returns
    -------
    coefs : list of array
    """
    coefs, bases = [], []
    for number, wanted in enumerate(state.outputs):
        gram, cross = problem.moments_of(number, bases, wanted[:, None])
        coef = solve_penalised(gram, cross, LITTLE, problem.maps[number].penalty)[:, 0]
        coef, output = problem.normalised(number, coef, bases)
        coefs.append(coef)
        bases.append(problem.basis.values(output))
    return coefs


def _direction(problem, number, outputs, bases, random_state):
    xp, share, node = problem.xp, problem.share, problem.maps[number]
    others = _others(problem, number, outputs)
    targets = [problem.targets[:, k : k + 1] * others for k in range(problem.targets.shape[1])]
    targets = xp.concat(targets, axis=1)
    targets = targets - share @ targets
    gram, cross = problem.moments_of(number, bases, targets)
    found = solve_penalised(gram, cross, _SMOOTHING, node.penalty)
    means = gram @ node.one  # the terms' means, since the constant is one of their combinations
    _, vectors = xp.linalg.eigh(found.T @ ((gram - means[:, None] * means[None, :]) @ found))
    n_directions = min(_N_DIRECTIONS, vectors.shape[1])
    if random_state is None:
        mixture = np.eye(n_directions)[0]
    else:  # as much of each as it explains
        mixture = random_state.standard_normal(n_directions)
    mixture = arrays.placement_of(gram).asarray(mixture[::-1].copy(), gram.dtype)
    return (found @ vectors[:, -n_directions:]) @ mixture


def _others(problem, number, outputs):
    """1 and polynomials of what else there is: inputs of nodes not yet known, as far as these are known."""
    xp, graph, share = problem.xp, problem.graph, problem.share
    features = [xp.ones_like(share)[:, None]]
    for other in range(number + 1, len(graph)):
        known = [
            problem.X[:, i] if kind == "column" else outputs[i]
            for kind, i in graph.inputs[other]
            if kind == "column" or i < number
        ]
        known = [values for values in known if float(xp.max(values) - xp.min(values)) > 0.0]
        if known:
            features.append(_polynomials(known, share))
    return xp.concat(features, axis=1)


def _polynomials(inputs, share):
    """Orthonormal polynomials, without the constant."""
    xp = arrays.namespace(share)
    inputs = [arrays.clip(values, min=-2.0, max=2.0) for values in inputs]
    terms = [(0, xp.ones_like(share))]
    for values in inputs:
        terms = [(d + e, term * values**e) for d, term in terms for e in range(_DEGREE + 1 - d)]
    terms.sort(key=lambda pair: pair[0])
    matrix = xp.stack([term for _, term in terms[1:]], axis=1)
    root = xp.sqrt(share)[:, None]
    matrix = matrix - share @ matrix
    left, sizes, _ = xp.linalg.svd(matrix * root, full_matrices=False)
    # Powers of a column of two values, or more polynomials than rows, depend on each other: what is left is rounding.
    n_kept = int(xp.sum(xp.astype(sizes > _DEPENDENT * sizes[0], xp.int64)))
    return left[:, :n_kept] / root
