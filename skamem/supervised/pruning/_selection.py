"""Which weights go: how many in each round, and the smallest of those that are left."""

import math

import numpy as np

__all__ = ["SCOPES", "most_sparse", "prune", "shares_kept"]

SCOPES = ("global", "layer")
"""Among which weights the smallest are looked for."""


def shares_kept(sparsity, n_rounds, fraction):
    """Shares of the weights that are left after each round, evenly spaced on a logarithmic scale.

    Parameters
    ----------
    sparsity : float in [0, 1)
        Share that has gone in the end.
    n_rounds : int or None
        Number of rounds; None takes as many as it needs for none to take more than `fraction`.
    fraction : float in (0, 1)
        Share of the weights left that a round takes, at most.

    Returns
    -------
    shares : list of float
        Falling; empty for a sparsity of 0.

    Examples
    --------
    >>> (
    ...     [round(share, 3) for share in shares_kept(0.9, 2, 0.2)],
    ...     len(shares_kept(0.9, None, 0.2)),
    ...     shares_kept(0.0, 3, 0.2),
    ... )
    ([0.316, 0.1], 11, [])
    """
    if sparsity == 0:
        return []
    if n_rounds is None:
        # Down by rounding: a sparsity of 0.36 in steps of 0.2 is two rounds.
        n_rounds = max(1, math.ceil(math.log1p(-sparsity) / math.log1p(-fraction) - 1e-9))
    return [(1.0 - sparsity) ** (i / n_rounds) for i in range(1, n_rounds)] + [1.0 - sparsity]


def most_sparse(sizes, sparsity, scope):
    """The sparsity that `prune` reaches at most, where each array keeps a weight.

    Parameters
    ----------
    sizes : list of int
        Numbers of weights of the arrays.
    sparsity : float in [0, 1)
        What is asked for.
    scope : {"global", "layer"}
        As in `prune`.

    Returns
    -------
    sparsity : float
        That asked for, unless it takes more than half a weight more than there is to take.

    Examples
    --------
    >>> most_sparse([30], 0.9, "global"), most_sparse([10], 0.999, "global")
    (0.9, 0.9)
    """
    share = 1.0 - sparsity
    wanted = [share * size for size in sizes] if scope == "layer" else [share * sum(sizes)]
    least = 1 if scope == "layer" else len(sizes)
    if all(number >= least - 0.5 for number in wanted):
        return sparsity
    return 1.0 - sum(max(least, round(number)) for number in wanted) / sum(sizes)


def prune(magnitudes, masks, share, scope):
    """Masks without the smallest of the weights that they keep.

    Parameters
    ----------
    magnitudes : dict of str to ndarray
        Of the weights; not a number counts as 0.
    masks : dict of str to bool ndarray
        Which weights are left.
    share : float in (0, 1]
        How many of all weights, those that have gone included, are to be left.
    scope : {"global", "layer"}
        Whether that is so over all arrays, or in each of them. Over all, a weight counts by its square as a share of
        the squares of those in its array that are no smaller [1]_: arrays may be of any scale.

    Returns
    -------
    masks : dict of str to bool ndarray
        Subsets of those given. At least one weight of each array stays; of equal weights the later ones go.

    References
    ----------
    .. [1] Lee, Park, Mo, Ahn and Shin (2021), Layer-adaptive sparsity for the Magnitude-based Pruning,
       arXiv:2010.07611.

    Examples
    --------
    >>> magnitudes = {"a": np.asarray([3.0, 1.0, 2.0, 2.0]), "b": np.asarray([9.0, 8.0])}
    >>> masks = {"a": np.ones(4, dtype=bool), "b": np.ones(2, dtype=bool)}
    >>> prune(magnitudes, masks, 0.5, "layer")
    {'a': array([ True, False,  True, False]), 'b': array([ True, False])}
    >>> prune(magnitudes, masks, 0.5, "global")
    {'a': array([ True, False, False, False]), 'b': array([ True,  True])}
    """
    if scope == "layer":
        return {name: _largest([magnitudes[name]], [mask], share)[0] for name, mask in masks.items()}
    found = _largest([_shares(magnitudes[name], mask) for name, mask in masks.items()], list(masks.values()), share)
    return dict(zip(masks, found, strict=True))


def _shares(magnitudes, mask):
    """Square of each weight that is left, as a share of the squares of those that are no smaller; 0 elsewhere."""
    values = np.where(mask, np.nan_to_num(magnitudes, nan=0.0, posinf=np.inf), 0.0).ravel()
    largest = values.max()
    # Largest first: squares of 1e200 overflow.
    squares = (np.minimum(values / largest, 1.0) if 0 < largest < np.inf else values == largest) ** 2.0
    order = np.argsort(-squares, kind="stable")
    shares = np.zeros(len(squares))
    shares[order] = squares[order] / np.maximum(np.cumsum(squares[order]), np.finfo(np.float64).tiny)
    return shares.reshape(mask.shape)


def _largest(magnitudes, masks, share):
    """The largest of the weights kept in some arrays, ranked together."""
    ranks, sizes = [], []
    for values, mask in zip(magnitudes, masks, strict=True):
        values = np.where(mask.ravel(), np.nan_to_num(values.ravel(), nan=0.0, posinf=np.inf), -1.0)
        values[np.argmax(values)] = np.inf  # no array dies
        ranks.append(values)
        sizes.append(mask.size)
    ranks, left = np.concatenate(ranks), int(sum(mask.sum() for mask in masks))
    n_kept = min(left, max(len(masks), round(share * len(ranks))))
    kept = np.zeros(len(ranks), dtype=bool)
    kept[np.argsort(-ranks, kind="stable")[:n_kept]] = True
    parts = np.split(kept, np.cumsum(sizes)[:-1])
    return [part.reshape(mask.shape) for part, mask in zip(parts, masks, strict=True)]
