"""Ways out of poor minima: nodes that answer by a folded function of what they should answer.

What averages over the other columns say about a node g is often an even function of g, g² say. Its lines of constant
value are right, but where g and -g differ nothing above can tell them apart, and no descent unfolds it. Of all
functions that are constant along these lines the smoothest is monotone across them, whatever the folded one does, as
the lowest vibration of a string has one node. So the maps of some nodes at a time are exchanged for the smoothest with
the same lines, and a descent goes on from there.
"""

import itertools

from skamem.core import arrays
from skamem.supervised.compositional._descent import solve_penalised
from skamem.supervised.compositional._start import LITTLE

__all__ = ["unfolded"]

_SHARES = (0.1, 0.2, 0.5)  # of the nodes that are exchanged at a time
_STIFFNESS = (0.003, 0.03, 0.3)  # what smoothness counts beside the lines, which are known more or less well
_ROUGHNESS = 1e-3
_JITTER = 1e-9
_SECOND = 0.3  # how often the second smoothest is taken: where lines have several parts the first tells these apart


def unfolded(problem, state, random_state):
    """Coefficients of the inner nodes, some of which vary smoothly across the lines along which they are constant.

    Parameters
    ----------
    problem : Problem
    state : State
        Of this problem.
    random_state : numpy.random.RandomState
        Chooses the nodes.

    Returns
    -------
    coefs : list of array
        Nodes that are not chosen answer what they did, as far as their new inputs let them.
    """
    stiffness = _STIFFNESS[random_state.randint(len(_STIFFNESS))]
    share = _SHARES[random_state.randint(len(_SHARES))]
    chosen = random_state.random_sample(len(state.outputs)) < share
    chosen[random_state.randint(len(chosen))] = True
    coefs, bases = [], []
    for number, wanted in enumerate(state.outputs):
        gram, cross = problem.moments_of(number, bases, wanted[:, None])
        coef = solve_penalised(gram, cross, LITTLE, problem.maps[number].penalty)[:, 0]
        if chosen[number]:
            rank = 1 + int(random_state.random_sample() < _SECOND)
            coef = _smoothest(problem, number, bases, coef, gram, stiffness)[:, -rank]
        coef, output = problem.normalised(number, coef, bases)
        coefs.append(coef)
        bases.append(problem.basis.values(output))
    return coefs


def _smoothest(problem, number, bases, coef, gram, stiffness):
    """Coefficients of functions that vary little along the lines of constant value of the map `coef`, the best last.

    They have the largest variance for what they cost: the square of the part of their gradient along these lines, and
    a little of that of the whole gradient.
    """
    xp, node, root = problem.xp, problem.maps[number], problem.xp.sqrt(problem.share)[:, None]
    inputs = problem.inputs_of(number, bases)
    steep = [
        node.terms([(slopes if i == k else values, slopes) for i, (values, slopes) in enumerate(inputs)])
        for k in range(len(inputs))
    ]
    gradient = [part @ coef for part in steep]
    size = float(sum(problem.share @ (part * part) for part in gradient)) or 1.0
    cost = _ROUGHNESS * node.penalty
    for part in steep:
        cost = cost + stiffness * ((root * part).T @ (root * part))
    for a, b in itertools.combinations(range(len(inputs)), 2):
        along = root * (steep[a] * gradient[b][:, None] - steep[b] * gradient[a][:, None])
        cost = cost + along.T @ along / size
    unit = float(xp.linalg.trace(cost)) / node.n_terms
    one = node.one / float(node.one @ node.one) ** 0.5
    identity = xp.eye(node.n_terms, dtype=cost.dtype, device=arrays.device(cost))
    cost = cost + unit * (_JITTER * identity + one[:, None] * one[None, :])
    means = gram @ node.one
    inverse = xp.linalg.inv(xp.linalg.cholesky(cost))
    _, vectors = xp.linalg.eigh(inverse @ (gram - means[:, None] * means[None, :]) @ inverse.T)
    return inverse.T @ vectors
