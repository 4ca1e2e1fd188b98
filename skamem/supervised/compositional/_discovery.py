"""Which columns belong together: a graph found from data.

If f = h(g(a, b), rest), the ratio of the partial derivatives of f with respect to a and b depends on a and b alone. So
a smooth surrogate of y is fitted (kernel ridge regression, its kernel a product over columns of 1 plus a kernel without
mean, which holds main effects, pairs and so on), and for each pair the direction of its two derivatives is averaged
given the pair's values: for a pair that is a node the directions agree. The best pairs become variables, whose
gradients are along these directions, and the search goes on with half as many.
"""

import itertools

import numpy as np

from skamem.core import arrays
from skamem.core.least_squares import LinAlgError, cholesky_solve
from skamem.supervised.compositional._bases import SplineBasis
from skamem.supervised.compositional._maps import NodeMap, spread_of

__all__ = ["propose"]

_WIDTH = 1.5
_STRENGTHS, _NOISES = (0.1, 0.3, 1.0), (1e-4, 1e-3, 1e-2, 1e-1)
_CENTRES = 100
_TUNING_ROWS = 600
_BASIS = SplineBasis(4, 3)
_SMOOTHING = 1e-3
_ROWS_PER_COLUMN = 4  # a node has two inputs and at least as many coefficients
_WITHOUT_EFFECT = 0.01  # of the largest mean squared derivative


def propose(X, targets, share):
    """A balanced binary tree from derivatives.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Columns of about unit size.
    targets : array of shape (n_rows, n_outputs)
        Standardised.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1.

    Returns
    -------
    nested : tuple
        Of columns; those whose derivatives are next to nothing are left out, and the least of more columns than a
        fourth of the rows, which no tree of them could be told from.
    pairs : list of (tuple, float)
        Pairs of columns and their scores in [0, 1], the best first.
    strengths : dict of int to float
        Mean squared derivatives of the columns.
    """
    variables = [X[:, j] for j in range(X.shape[1])]
    parts = list(range(len(variables)))
    gradients = _gradients(variables, targets, share)
    sizes = [float(share @ arrays.namespace(g).sum(g * g, axis=1)) for g in gradients]
    strongest = sorted(parts, key=lambda j: -sizes[j])[: max(1, X.shape[0] // _ROWS_PER_COLUMN)]
    parts = sorted(j for j in strongest if sizes[j] > _WITHOUT_EFFECT * max(sizes)) or parts[:1]
    variables, gradients = [variables[j] for j in parts], [gradients[j] for j in parts]
    first = None
    while len(parts) > 1:
        pairs = _scores(variables, gradients, share)
        if first is None:
            first = [((parts[i], parts[j]), score) for score, i, j in pairs]
        variables, parts = _matched(variables, parts, gradients, pairs, share)
        if len(parts) > 2:
            gradients = _gradients(variables, targets, share)
        elif len(parts) == 2:
            parts = [tuple(parts)]
    nested = parts[0] if isinstance(parts[0], tuple) else (parts[0],)
    return nested, first or [], dict(enumerate(sizes))


def _scores(variables, gradients, share):
    """(score, first, second) of all pairs, the best first."""
    pairs = itertools.combinations(range(len(variables)), 2)
    return sorted(
        (
            _disagreement(variables[i], variables[j], gradients[i], gradients[j], share),
            i,
            j,
        )
        for i, j in pairs
    )


def _matched(variables, parts, gradients, pairs, share):
    """Variables and parts once the best pairs are joined that have no member in common."""
    joined, left = [], set(range(len(parts)))
    for _, i, j in pairs:
        if i in left and j in left:
            left -= {i, j}
            joined.append(
                (
                    _joined(variables[i], variables[j], gradients[i], gradients[j], share),
                    (parts[i], parts[j]),
                )
            )
    joined += [(variables[i], parts[i]) for i in sorted(left)]
    return [variable for variable, _ in joined], [part for _, part in joined]


def _gradients(variables, targets, share):
    """Partial derivatives of the surrogate, for each variable an array (n_rows, n_outputs)."""
    xp, n_rows = arrays.namespace(share), share.shape[0]
    n_few = min(n_rows, _TUNING_ROWS)
    few = arrays.placement_of(share).asarray(np.arange(n_few) * n_rows // n_few)
    some = [xp.take(values, few, axis=0) for values in variables]
    strength, noise = _tuned(some, xp.take(targets, few, axis=0), xp.take(share, few, axis=0))
    kernels = [_kernel(values, share) for values in variables]
    weights = cholesky_solve(_ridged(kernels, strength, noise, share), targets)
    found = []
    for j, (_, slope) in enumerate(kernels):
        changed = strength * slope  # no division by a factor, which may be 0
        for i, (kernel, _) in enumerate(kernels):
            changed = changed * (1.0 + strength * kernel) if i != j else changed
        found.append(changed @ weights)
    return found


def _ridged(kernels, strength, noise, share):
    """Products of the kernels, with the noise on the diagonal."""
    xp, n_rows = arrays.namespace(share), share.shape[0]
    gram = 1.0 + strength * kernels[0][0]
    for kernel, _ in kernels[1:]:
        gram = gram * (1.0 + strength * kernel)
    unit = float(xp.linalg.trace(gram)) / n_rows
    identity = xp.eye(n_rows, dtype=share.dtype, device=arrays.device(share))
    # A row of weight 2 is known twice as well.
    return gram + identity * (noise * unit * xp.mean(share) / share)[None, :]


def _tuned(variables, targets, share):
    """(strength, noise) with the least error on rows left out."""
    xp = arrays.namespace(share)
    kernels = [_kernel(values, share / xp.sum(share)) for values in variables]
    identity = xp.eye(share.shape[0], dtype=share.dtype, device=arrays.device(share))
    best = None
    for strength in _STRENGTHS:
        for noise in _NOISES:
            try:
                inverse = cholesky_solve(_ridged(kernels, strength, noise, share), identity)
            except LinAlgError:
                continue
            left_out = (inverse @ targets) / xp.linalg.diagonal(inverse)[:, None]
            error = float(share @ xp.sum(left_out * left_out, axis=1))
            if best is None or error < best[0]:
                best = error, strength, noise
    return best[1:]


def _kernel(values, share):
    """A Gaussian kernel of one variable without its mean, (n_rows, n_rows), and its slope by the first argument."""
    xp, n_rows = arrays.namespace(values), values.shape[0]
    centres = arrays.placement_of(values).asarray(np.arange(min(n_rows, _CENTRES)) * n_rows // min(n_rows, _CENTRES))
    mean = share @ values
    spread = float(xp.sqrt(share @ (values - mean) ** 2)) or 1.0
    points = (values - mean) / (_WIDTH * spread)
    some = xp.take(points, centres, axis=0)
    away = points[:, None] - points[None, :]
    full = xp.exp(-0.5 * away * away)
    between = points[:, None] - some[None, :]
    partly = xp.exp(-0.5 * between * between)
    average = xp.mean(partly, axis=1)
    whole = xp.mean(xp.take(average, centres, axis=0))
    average_slope = xp.mean(-between * partly, axis=1)
    kernel = full - average[:, None] * average[None, :] / whole
    slope = -away * full - average_slope[:, None] * average[None, :] / whole
    size = xp.mean(xp.linalg.diagonal(kernel))
    size = xp.where(size > 1e-9, size, xp.ones_like(size))
    return kernel / size, slope / (size * _WIDTH * spread)


def _pair_terms(first, second, share):
    """Spline functions of a pair of variables: their map, and (values, slopes) of each."""
    place = arrays.placement_of(share)
    bases = []
    for values in (first, second):
        mean, spread = spread_of(values, share)
        spread = spread or 1.0
        basis, slopes = _BASIS.values((values - mean) / spread)
        bases.append((basis, slopes / spread))
    return NodeMap(_BASIS, 2, place, share.dtype), bases


def _disagreement(first, second, along_first, along_second, share):
    """How much the direction of a pair's derivatives varies where the pair does not: 0 for a node, about 1 at most."""
    xp = arrays.namespace(share)
    node, bases = _pair_terms(first, second, share)
    # An axis, not an arrow: the double angle.
    squares = [xp.sum(g * g, axis=1) for g in (along_first, along_second)]
    both = squares[0] + squares[1]
    products = xp.stack(
        [
            squares[0] - squares[1],
            2.0 * xp.sum(along_first * along_second, axis=1),
            both,
        ],
        axis=1,
    )
    terms = node.terms(bases)
    weighted = terms * share[:, None]
    identity = xp.eye(node.n_terms, dtype=share.dtype, device=arrays.device(share))
    matrix = weighted.T @ terms + _SMOOTHING * node.penalty + 1e-9 * identity
    means = terms @ cholesky_solve(matrix, weighted.T @ products)
    # Twice the smaller eigenvalue of the derivatives' moments given the pair; of what is fitted, and may be below 0.
    left = arrays.clip(means[:, 2] - xp.sqrt(means[:, 0] ** 2 + means[:, 1] ** 2), min=0.0)
    sizes = [float(share @ square) for square in squares]
    return float(share @ left) / (2.0 * min(sizes) or 1.0)


def _joined(first, second, along_first, along_second, share):
    """A function of the pair whose gradient is along theirs: the smoothest of those that explain most of it."""
    xp = arrays.namespace(share)
    node, bases = _pair_terms(first, second, share)
    (one, steep_one), (other, steep_other) = bases
    rise = node.terms([(steep_one, steep_one), (other, steep_other)])
    run = node.terms([(one, steep_one), (steep_other, steep_other)])
    across, along = 0.0, 0.0
    for k in range(along_first.shape[1]):
        p, q = along_first[:, k : k + 1], along_second[:, k : k + 1]
        turned = (p * run - q * rise) * xp.sqrt(share)[:, None]
        moved = (p * rise + q * run) * xp.sqrt(share)[:, None]
        across = across + turned.T @ turned
        along = along + moved.T @ moved
    scale = float(xp.linalg.trace(along)) or 1.0
    identity = xp.eye(node.n_terms, dtype=share.dtype, device=arrays.device(share))
    total = (across + along) / scale + 1e-3 * node.penalty + 1e-7 * identity
    factor = xp.linalg.cholesky(total)
    inverse = xp.linalg.inv(factor)
    _, vectors = xp.linalg.eigh(inverse @ (along / scale) @ inverse.T)
    return node.output(inverse.T @ vectors[:, -1], bases)
