"""The best supports of one size, not only the best: what else explains y about as well."""

import itertools

import numpy as np

from skamem.sparse.objective._linalg import DEPENDENT
from skamem.sparse.search._chains import Chains

__all__ = ["alternatives"]

# Numbers in the Gram matrices of subsets that are solved together.
_BATCH = 2**21


def alternatives(problem, fit, n_best, *, subsets_up_to):
    """Supports of the size of `fit`, itself among them, by ascending loss.

    Parameters
    ----------
    problem : Problem
        Without sign constraints.
    fit : Fit
    n_best : int
        Most supports.
    subsets_up_to : int
        Features up to which all supports are compared; with more, those that differ from that of `fit` in one member.

    Returns
    -------
    supports : list of int arrays
        Ascending.
    losses : array
        Objectives, as fractions of ‖ỹ‖².
    """
    every = problem.n_features <= subsets_up_to
    supports, losses = (_all if every else _neighbours)(problem, fit)
    order = np.argsort(losses, kind="stable")[:n_best]
    return [np.sort(supports[k]) for k in order], losses[order]


def _all(problem, fit):
    quadratic = problem.quadratic()
    gram = quadratic.block(np.arange(quadratic.n_columns))
    free = np.flatnonzero(problem.usable & ~problem.locked)
    locked, total = np.flatnonzero(problem.locked), float(quadratic.total[0])
    subsets = itertools.combinations(free, len(fit.support) - len(locked))
    supports, losses = [], []
    width = max(len(fit.support), 1)
    while some := list(itertools.islice(subsets, max(_BATCH // width**2, 1))):
        batch = np.array([[*locked, *subset] for subset in some], dtype=np.intp).reshape(len(some), -1)
        grams = gram[batch[:, :, None], batch[:, None, :]]
        targets = quadratic.correlation[0][batch]
        sound = np.linalg.eigvalsh(grams)[:, 0] > DEPENDENT if batch.shape[1] else np.ones(len(batch), dtype=bool)
        batch, targets = batch[sound], targets[sound]
        coefs = np.linalg.solve(grams[sound], targets)
        supports += list(batch)
        losses.append(total - np.sum(coefs * targets, axis=(1, 2)))
    return supports, np.maximum(np.concatenate(losses), 0.0)


def _neighbours(problem, fit):
    """`fit` and all supports that differ from it in one member; the gains are those of `Chains`."""
    size = len(fit.support)
    chain = Chains(problem.quadratic(n_rows=size), max(size, 1))
    if size:
        chain.restart(fit.support)
    members = chain.supports[0].copy()
    H, c, room = chain.projections[0], chain.residual[0].T, chain.room[0]
    root = np.sqrt(np.diagonal(chain.inverse[0]))[:, None]
    t, beta = H / root, chain.coefs[0] / root
    gains = np.sum((c[None] + beta[:, None, :] * t[:, :, None]) ** 2, axis=2)
    gains = gains / np.maximum(room + t * t, DEPENDENT) - np.sum(beta * beta, axis=1)[:, None]
    possible = (room > DEPENDENT) & ~problem.locked[members][:, None]
    slots, columns = np.nonzero(np.broadcast_to(possible, gains.shape))
    supports = [members]
    for slot, column in zip(slots, columns, strict=True):
        supports.append(members.copy())
        supports[-1][slot] = column
    return supports, np.maximum(np.r_[fit.loss, chain.loss[0] - gains[slots, columns]], 0.0)
