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
    nested, pairs, strengths = propose(whole.X, whole.targets, whole.share)
    scores = _Scores(whole)
    tell(f"Proposed {nested}: error {scores.of(nested):.3e}")
    nested = _pruned(nested, scores, strengths)
    tell(f"Without columns of no effect {nested}: error {scores.of(nested):.3e}")
    for _ in range(_MOST_MOVES):
        move = _better(nested, scores)
        if move is None:
            break
        nested = _pruned(move, scores, strengths)
        tell(f"Moved to {nested}: error {scores.of(nested):.3e}")
    return Found(nested, _sure(nested, scores, tell), scores.trees(), pairs)


class _Scores:
    """Cross-validated errors of trees, each fitted once: two orders of the same parts are one tree.

    Parameters
    ----------
    whole : Problem
        Of any graph, with the rows.
    """

    def __init__(self, whole):
        self._data = whole.X, whole.targets, whole.share
        self._basis, self._finer = (as_fine_as_rows_allow(each, 2, whole.X.shape[0]) for each in (_BASIS, _FINER))
        self.of_mean = float(whole.share @ whole.xp.sum(whole.targets**2, axis=1))
        self._known, self._careful = {}, {}

    def of(self, tree):
        """The error of a quick fit, or of a careful one if there was one."""
        key = _unordered(tree)
        if key not in self._known:
            self._known[key] = quick_score(Problem(Graph.of(tree), self._basis, *self._data)), tree
        return self._known[key][0]

    def careful(self, tree):
        """The error of the best of several starts."""
        key = _unordered(tree)
        if key not in self._careful:
            problem = Problem(Graph.of(tree), self._finer, *self._data)
            fit = best_fit(problem, "gcv", _STARTS, _STEPS, _TOL, np.random.RandomState(0))
            self._careful[key] = self._known[key] = min(self.of(tree), fit.score), tree
        return self._careful[key][0]

    def trees(self):
        """(tree, error) of all that were fitted, the best first."""
        return sorted(((tree, error) for error, tree in self._known.values()), key=lambda pair: pair[1])


def _pruned(tree, scores, strengths):
    """The tree without columns that it does as well without, those of the least derivatives first.

    As well as the best seen on the way: losses that are small one by one must not add up.
    """
    least = scores.of(tree)

    def tried(left_out):
        nonlocal least
        smaller = _without(tree, set(left_out))
        least = min(least, scores.of(smaller))
        return smaller if scores.of(smaller) <= _as_well(least) * least else tree

    n_tried = max(1, len(_columns(tree)) // 2)  # a half at once, then fewer: most columns may be of no effect
    while n_tried and len(_columns(tree)) > 1:
        before, tree = tree, tried(sorted(_columns(tree), key=strengths.get)[:n_tried])
        n_tried = n_tried // 2 if tree is before else min(n_tried, len(_columns(tree)) // 2)
    for column in sorted(_columns(tree), key=strengths.get)[1:_MOST_PRUNED]:
        if len(_columns(tree)) > 1:
            tree = tried([column])
    return tree


def _better(nested, scores):
    """The most promising move that holds under a closer look, or None."""
    moves = [move for move in neighbours(nested) if scores.of(move) < _BETTER * scores.of(nested)]
    for move in sorted(moves, key=scores.of)[:_MOST_CANDIDATES]:
        if scores.careful(move) < _BETTER * scores.careful(nested):
            return move
    return None


def _sure(nested, scores, tell):
    """How sure the tree is: it and its closest rivals are fitted with care, and compared."""
    rivals = sorted(neighbours(nested), key=scores.of)
    close = [tree for tree in rivals[:_MOST_RIVALS] if scores.of(tree) < _CLOSE * scores.of(nested)]
    for tree in [nested, *close] if close else []:  # one start or two may have left the better one in a poor minimum
        scores.careful(tree)
    if not rivals and len(_columns(nested)) > 1:
        rivals = [_without(nested, {column}) for column in _columns(nested)]
    rival = min([scores.of_mean, *map(scores.of, rivals)])
    columns = set(_columns(nested))
    larger = min((error for tree, error in scores.trees() if set(_columns(tree)) > columns), default=None)
    tell(f"Error {scores.of(nested):.3e}, of its best rival {rival:.3e}")
    return _confidence(scores.of(nested), rival, larger)


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
