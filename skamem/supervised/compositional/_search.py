"""The search for a graph: from a proposal to the neighbouring tree that fits best, until none fits better."""

from dataclasses import dataclass

import numpy as np

from skamem.supervised.compositional._bases import SplineBasis, as_fine_as_rows_allow
from skamem.supervised.compositional._descent import Problem
from skamem.supervised.compositional._discovery import propose
from skamem.supervised.compositional._graph import Graph
from skamem.supervised.compositional._smoothing import best_fit, quick_score

__all__ = ["Found", "find_tree", "neighbours"]

_MOST_ROWS = 2000
_BASIS, _FINER = SplineBasis(4, 3), SplineBasis(6, 3)
_STARTS, _STEPS, _TOL = 3, 20, 1e-3
_MOST_CANDIDATES = 2
_MOST_MOVES = 10
_MOST_RIVALS, _CLOSE = 3, 2.0  # trees that are looked at closely when they do nearly as well, and how nearly
_MOST_PRUNED = 3  # columns tried one by one: if these are needed, those of larger derivatives are
_AS_WELL = 1.02  # a column without effect may seem to help by so much
_AS_WELL_CLEAN, _CLEAN = 1.05, 0.05  # or so much, where so little is left that short descents end further apart
_BETTER = 0.6  # smaller gains are within what the choice among many trees flatters


@dataclass(frozen=True)
class Found:
    """A tree, and how sure it is.

    Parameters
    ----------
    nested : tuple
        Of columns.
    confidence : float
        1 - its cross-validated error / that of the best rival: 0 for no better, near 1 for much better. Rivals are its
        neighbours, where there are none the tree without its weakest column, and the mean. Less where more columns do
        a little better, down to 0.
    trees : list of (tuple, float)
        Trees that were fitted and their cross-validated errors in units of the variance, the best first.
    pairs : list of (tuple, float)
        Pairs of columns and how much the directions of their derivatives disagree, the best first.
    """

    nested: tuple
    confidence: float
    trees: list
    pairs: list


def find_tree(X, targets, share, tell):
    """Find a binary tree.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Scaled columns.
    targets : array of shape (n_rows, n_outputs)
        Standardised.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1.
    tell : callable
        Gets a line for every move.

    Returns
    -------
    found : Found
    """
    whole = Problem(Graph(((("column", 0),),)), _BASIS, X, targets, share)
    n_rows = X.shape[0]
    if n_rows > _MOST_ROWS:
        whole = whole.subset(np.arange(_MOST_ROWS) * n_rows // _MOST_ROWS)
    data = whole.X, whole.targets, whole.share
    basis, finer = (as_fine_as_rows_allow(each, 2, data[0].shape[0]) for each in (_BASIS, _FINER))
    nested, pairs, strengths = propose(*data)
    known, careful = {}, {}

    def score(tree):
        key = _unordered(tree)
        if key not in known:
            known[key] = quick_score(Problem(Graph.of(tree), basis, *data)), tree
        return known[key][0]

    def careful_score(tree):
        key = _unordered(tree)
        if key not in careful:
            problem = Problem(Graph.of(tree), finer, *data)
            fit = best_fit(problem, "gcv", _STARTS, _STEPS, _TOL, np.random.RandomState(0))
            careful[key] = known[key] = min(score(tree), fit.score), tree
        return careful[key][0]

    def pruned(tree):
        """The tree without columns that it does as well without, those of the least derivatives first.

        As well as the best seen on the way: losses that are small one by one must not add up.
        """
        least = score(tree)

        def tried(left_out):
            nonlocal least
            smaller = _without(tree, set(left_out))
            least = min(least, score(smaller))
            return smaller if score(smaller) <= _as_well(least) * least else tree

        n_tried = max(1, len(_columns(tree)) // 2)  # a half at once, then fewer: most columns may be of no effect
        while n_tried and len(_columns(tree)) > 1:
            before, tree = tree, tried(sorted(_columns(tree), key=strengths.get)[:n_tried])
            n_tried = n_tried // 2 if tree is before else min(n_tried, len(_columns(tree)) // 2)
        for column in sorted(_columns(tree), key=strengths.get)[1:_MOST_PRUNED]:
            if len(_columns(tree)) > 1:
                tree = tried([column])
        return tree

    def better():
        """The most promising move that holds under a closer look."""
        moves = sorted((move for move in neighbours(nested) if score(move) < _BETTER * score(nested)), key=score)
        for move in moves[:_MOST_CANDIDATES]:
            if careful_score(move) < _BETTER * careful_score(nested):
                return move
        return None

    tell(f"Proposed {nested}: error {score(nested):.3e}")
    nested = pruned(nested)
    tell(f"Without columns of no effect {nested}: error {score(nested):.3e}")
    for _ in range(_MOST_MOVES):
        move = better()
        if move is None:
            break
        nested = pruned(move)
        tell(f"Moved to {nested}: error {score(nested):.3e}")
    rivals = sorted(neighbours(nested), key=score)
    close = [tree for tree in rivals[:_MOST_RIVALS] if score(tree) < _CLOSE * score(nested)]
    for tree in [nested, *close] if close else []:  # one start or two may have left the better one in a poor minimum
        careful_score(tree)
    if not rivals and len(_columns(nested)) > 1:
        rivals = [_without(nested, {column}) for column in _columns(nested)]
    of_mean = float(whole.share @ whole.xp.sum(whole.targets**2, axis=1))
    rival = min([of_mean, *map(score, rivals)])
    larger = min((value for value, tree in known.values() if set(_columns(tree)) > set(_columns(nested))), default=None)
    tell(f"Error {score(nested):.3e}, of its best rival {rival:.3e}")
    trees = sorted(((tree, value) for value, tree in known.values()), key=lambda pair: pair[1])
    return Found(nested, _confidence(score(nested), rival, larger), trees, pairs)


def _confidence(error, rival, larger):
    """How sure a tree is, from its error, that of its best rival, and that of the best tree of more columns, if any.

    More columns that do better by what pruning lets pass leave no confidence; that do no better, all.
    """
    sure = max(0.0, 1.0 - error / rival) if rival > 0.0 else 0.0
    if larger is None or larger >= error:
        return sure
    least = 1.0 / _as_well(larger)
    return sure * max(0.0, (larger / error - least) / (1.0 - least))


def _as_well(error):
    """How much larger an error may be that counts as no larger than this one."""
    return _AS_WELL_CLEAN if error < _CLEAN else _AS_WELL


def _unordered(tree):
    return frozenset(map(_unordered, tree)) if isinstance(tree, tuple) else tree


def _columns(tree):
    """Columns of a tree, from left to right."""
    return [column for part in tree for column in _columns(part)] if isinstance(tree, tuple) else [tree]


def _without(tree, left_out):
    """The tree without some of its columns, not all; a node with one input left is that input."""

    def rest(part):
        if not isinstance(part, tuple):
            return None if part in left_out else part
        inputs = [kept for kept in map(rest, part) if kept is not None]
        return tuple(inputs) if len(inputs) > 1 else (inputs or [None])[0]

    kept = rest(tree)
    return kept if isinstance(kept, tuple) else (kept,)


def neighbours(tree):
    """Trees that differ by one exchange of a part with the sister of the node that it belongs to, or with a cousin.

    Parameters
    ----------
    tree : nested tuples
        Binary.

    Yields
    ------
    tree : nested tuples

    Examples
    --------
    >>> list(neighbours(((0, 1), 2)))
    [((2, 1), 0), ((0, 2), 1)]
    """
    if not isinstance(tree, tuple) or len(tree) < 2:
        return
    for first, second in (tree, tree[::-1]):
        if isinstance(first, tuple):
            a, b = first
            yield (second, b), a
            yield (a, second), b
    if isinstance(tree[0], tuple) and isinstance(tree[1], tuple):
        (a, b), (c, d) = tree
        yield (a, c), (b, d)
        yield (a, d), (b, c)
    for part in neighbours(tree[0]):
        yield part, tree[1]
    for part in neighbours(tree[1]):
        yield tree[0], part
