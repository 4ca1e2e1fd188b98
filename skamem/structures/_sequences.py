"""SequenceMemory: each stored pattern leads to the next."""

import numbers
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.coding import perfect_recall
from skamem.core.parameters import BOOLEAN, COUNT, Interval, RandomState
from skamem.core.rows import row_blocks
from skamem.core.warn import warn
from skamem.datasets import corrupt
from skamem.structures._engines import levels_of, readable
from skamem.structures._reading import completed, parts_of, rows_at, stacked
from skamem.structures._recall import recall_of
from skamem.structures._sequence_store import PAIR_MEMORY, SequenceStore
from skamem.structures._succession import Succession, distinct, keys_of
from skamem.structures._tracking import StoredPatterns
from skamem.structures._walks import Walks

__all__ = ["SequenceMemory"]

_LEAST_SEARCHED = 1000  # steps in which a final cycle is looked for, unless there are many patterns


class SequenceMemory(SequenceStore):
    """Memory of sequences: any memory of pairs associates each pattern with the one that follows it.

    Given a cue it recalls what comes next, and from there the rest. A fragment, or a spoiled pattern, of a cyclic
    sequence runs into the stored cycle; a sequence whose patterns come again in other company needs an `order` above 1,
    by which it is the last patterns together that lead to the next.

    Parameters
    ----------
    memory : estimator, default=None
        A heteroassociative memory, one with ``target="y"``. It is cloned, and its ``target`` is set. None is
        ``DenseMemory("exponential")``, which holds sequences far longer than the number of units.
    cyclic : bool, default=True
        Whether the first pattern of a sequence follows the last. Otherwise nothing does, and where recall goes on
        from a last pattern is up to the memory.
    order : int, default=1
        How many patterns, the last one included, decide on the next. Before the beginning of an open sequence they are
        unknown.
    noise : float, default=0.1
        Share of the units in [0, 1] that `score` flips in its cues.
    tolerance : float, default=0.05
        How far, >= 0, a recalled state may be from a pattern and still count as that pattern, the limit included. For
        two-valued patterns the share of units that are wrong, however many patterns are stored; if fewer than an eighth
        of all units are on (or off), the number of wrong units over eight times the number that is on (or off) on
        average, since unrelated sparse patterns differ in few. For real values the squared distance, over twice its
        mean between two different stored patterns, so that these are 0.5 apart; a single pattern is taken for a sample
        of independent units alike.
    check_stored : bool, default=True
        Ask up to 256 of the stored patterns whether they lead to the next ones, and warn if they do not.
    random_state : int, RandomState instance or None, default=None
        Draws the seed of the noise of `score`, once, in `fit`.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; given to the memory unless None.

    Attributes
    ----------
    memory_ : estimator
        The fitted memory: from windows of `order` patterns, side by side, the oldest first, to patterns.
    patterns_ : array of shape (n_patterns, n_units)
        Stored patterns in the coding in which they are recalled; unknown units at their median.
    successor_ : int array of shape (n_patterns,)
        Row of `patterns_` that follows each one; -1 after the last of an open sequence.
    sequence_ : int array of shape (n_patterns,)
        Index of the sequence that each one is in.
    position_ : int array of shape (n_patterns,)
        Its place there.
    groups_ : list of length n_sequences
        Labels of the sequences: those of `groups`, or 0, 1, ...
    ambiguous_ : int array of shape (n_ambiguous,)
        Rows of `patterns_` at which different patterns follow the same `order` patterns.
    order_needed_ : int or None
        The least order at which there are none; None if there is no such order.
    score_seed_ : int
        Seed of the noise of `score`.
    n_features_in_ : int
        Number of units of a pattern.
    feature_names_in_ : ndarray of str
        Names of the units, when `fit` saw any.

    See Also
    --------
    HebbianMemory : With ``target="y"``, the engine of the classical theory.

    Notes
    -----
    A sequence is not a set of rows, so rows have no weights: without one of them its neighbours would follow each
    other.

    The memory is asked about each state once, in batches: recall of one cue, or of many, along a stored cycle of m
    patterns costs about one `predict` of its m rows.

    References
    ----------
    Düring, Coolen and Sherrington (1998), Phase diagram and storage capacity of sequence processing neural networks,
    Journal of Physics A 31:8607, arXiv:cond-mat/9805073.
    Chaudhry, Zavatone-Veth, Krotov and Pehlevan (2023), Long Sequence Hopfield Memory, arXiv:2306.04532.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import SequenceMemory
    >>> from skamem.datasets import corrupt, make_patterns
    >>> patterns = make_patterns(25, 100, random_state=0)
    >>> memory = SequenceMemory().fit(patterns)
    >>> cue = corrupt(patterns, "flip", 0.2, random_state=0)[3]  # one unit in five is wrong
    >>> bool((memory.predict([cue]) == patterns[4]).all())
    True
    >>> recall = memory.recall_sequence(cue, 50)
    >>> recall.visited[:5], int(recall.cycle_length)
    (array([-1,  4,  5,  6,  7]), 25)
    """

    _stays_home = ("patterns_", "successor_", "sequence_", "position_", "ambiguous_")
    _parameters: ClassVar = {
        "memory": PAIR_MEMORY | None,
        "cyclic": BOOLEAN,
        "order": COUNT,
        "noise": Interval(Real, low=0, high=1),
        "tolerance": Interval(Real, low=0),
        "check_stored": BOOLEAN,
        "random_state": RandomState(),
    }

    def __init__(
        self,
        memory=None,
        *,
        cyclic=True,
        order=1,
        noise=0.1,
        tolerance=0.05,
        check_stored=True,
        random_state=None,
        backend=None,
    ):
        self.memory = memory
        self.cyclic = cyclic
        self.order = order
        self.noise = noise
        self.tolerance = tolerance
        self.check_stored = check_stored
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ recalling

    def predict(self, X):
        """Recall the pattern that follows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units) or (n_samples, order * n_units)
            What comes before, a cue a row: the last pattern, those before it being unknown; or the last `order`
            patterns side by side, the oldest first. NaN marks an unknown unit.

        Returns
        -------
        patterns : array of shape (n_samples, n_units)
            What follows, in the coding of the stored patterns; dtype of `X` if that is floating, else float64.

        Examples
        --------
        >>> import numpy as np
        >>> from skamem import SequenceMemory
        >>> a, b, c, d = np.eye(4)
        >>> memory = SequenceMemory(order=2).fit([[a, b, c], [d, b, a]])  # what follows b depends on what was before
        >>> memory.predict([np.concatenate([a, b]), np.concatenate([d, b])])
        array([[0., 0., 1., 0.],
               [1., 0., 0., 0.]])
        """
        check_is_fitted(self)
        return self._answer(self._receive_windows(X, "predict")[0])

    def _receive_windows(self, X, method, *, single=False):
        """Validated cues: patterns, or windows of them unless they are `single`; and a placement."""
        width, order = self.n_features_in_, self._order
        if not single and order > 1 and arrays.shape_of(X)[1:] == (order * width,):
            return self._receive_outputs(
                X, order * width, method=method, unit="unit of a window", ensure_all_finite="allow-nan"
            )
        return self._receive(X, reset=False, method=method, ensure_all_finite="allow-nan")

    def _answer(self, cues):
        """What the memory answers to validated cues, in blocks where they must be made wider."""
        missing = self.memory_.n_features_in_ - cues.shape[1]
        if not missing:
            return self.memory_.predict(cues)
        xp, found = arrays.namespace(cues), []
        for rows in row_blocks(cues.shape[0], 64 * self.memory_.n_features_in_):
            block = cues[rows, :]
            before = xp.full((block.shape[0], missing), xp.nan, dtype=block.dtype, device=arrays.device(block))
            found.append(self.memory_.predict(xp.concat([before, block], axis=1)))
        return xp.concat(found, axis=0)

    def recall_sequence(self, cue, n_steps=None, *, max_steps=None):
        """Follow a cue step by step, and on to the cycle that it ends in.

        Parameters
        ----------
        cue : array-like of shape (n_units,), (n_cues, n_units) or (n_cues, n_patterns, n_units), or list of 2-D arrays
            One pattern; a pattern a row; or fragments, several patterns one after the other, in a list or 3-D. With
            ``order`` above 1 a row may also be a window, as in `predict`. NaN marks an unknown unit: in a later pattern
            of a fragment it takes the value that the earlier ones lead to.
        n_steps : int, default=None
            Steps of the trajectory, >= 0; None is as many as the longest sequence has patterns.
        max_steps : int, default=None
            Steps, at least `n_steps`, within which the final cycle is looked for. It is found for certain if
            ``2 * max(cycle_length, entry_time) + cycle_length <= max_steps``. None is 1000, or four times the number of
            stored patterns if that is more.

        Returns
        -------
        recall : SequenceRecall
            With ``states``, ``visited``, ``cycle``, ``cycle_length``, ``entry_time``, ``sequence``, ``label``,
            ``position`` and ``stored_share``; one entry a cue, no axis of cues for a single pattern.

        Raises
        ------
        ValueError
            For cues of another width, or infinite entries.

        Notes
        -----
        What the final cycle is made of does not matter: one that holds nothing that was stored is reported as it is,
        with ``sequence`` -1. Real values count as one state where they differ by rounding, about eps^(3/4) of the
        largest stored value. A state that overflows stays.

        Cost: a row of `predict` for each distinct state that is met. Cues are walked in blocks within scikit-learn's
        ``working_memory``.
        """
        check_is_fitted(self)
        low, steps = 0, {"n_steps": n_steps, "max_steps": max_steps}
        for name, value in steps.items():
            if value is not None:
                low = validation.check_number(name, value, kind=numbers.Integral, low=low)
        successor, sequence, position = self._rows
        n_steps = int(position.max()) + 1 if n_steps is None else int(n_steps)
        limit = max(n_steps, _LEAST_SEARCHED, 4 * len(position)) if max_steps is None else int(max_steps)
        limit = max(n_steps, limit)
        cues, placement, is_single = self._receive_cues(cue)
        # The graph of states is kept on the host; the memory is asked, and patterns are compared, where the cues are.
        place, patterns = arrays.placement_of(cues), arrays.to_numpy(self.patterns_)
        cues = arrays.to_numpy(self._coded(cues))
        patterns = patterns.astype(np.result_type(patterns, cues), copy=False)

        stored = StoredPatterns.measured(place.asarray(patterns), levels_of(self.memory_))

        def ask(windows):
            values = place.asarray(np.reshape(windows, (len(windows), -1)))
            with arrays.overflow_expected():
                return arrays.to_numpy(self.memory_.predict(readable(self.memory_, values)))

        def nearest(states):
            return arrays.to_numpy(stored.nearest(place.asarray(states), self.tolerance))

        walks = Walks(ask, nearest, patterns, (Succession(successor), sequence, position), self._order)
        found = walks.follow(cues.astype(patterns.dtype, copy=False), n_steps, limit)
        return recall_of(found, placement, self.groups_, is_single)

    def _receive_cues(self, cue):
        """Validated cues (n_cues, n_patterns, n_units) where the user had them, a placement, and whether it is one."""
        parts = parts_of(cue)
        if parts is not None:
            received = [self._receive_windows(part, "recall_sequence", single=True) for part in parts]
            return stacked([part for part, _ in received]), received[0][1], False
        is_single = len(arrays.shape_of(cue)) == 1
        if is_single and hasattr(cue, "to_frame"):  # a row of a data frame, with the names of its columns
            cue = cue.to_frame().T
        elif is_single:
            cue = cue[None, :] if arrays.is_array(cue) else np.asarray(cue)[None, :]
        cues, placement = self._receive_windows(cue, "recall_sequence")
        xp = arrays.namespace(cues)
        return xp.reshape(cues, (cues.shape[0], -1, self.n_features_in_)), placement, is_single

    def _coded(self, cues):
        """Cues as a memory with a threshold reads them; others as they are."""
        if getattr(self.memory_, "binarize", None) is None:
            return cues
        xp = arrays.namespace(cues)
        rows = xp.reshape(cues, (-1, cues.shape[2]))
        return xp.reshape(perfect_recall(self.memory_, rows, rows), cues.shape)

    # ------------------------------------------------------------------ scoring

    def score(self, X, y=None, groups=None):
        """Fraction of right successors from spoiled cues: what the memory is for.

        Each pattern of a sequence that another one follows is a cue, with those before it when ``order`` is above 1; a
        share `noise` of its units is flipped, the same ones at every call.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units), or list of such
            Sequences as in `fit`; as a rule those that were stored.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_patterns,), default=None
            The sequence of each row, as in `fit`.

        Returns
        -------
        score : float
            In [0, 1]; a successor is right if it is within `tolerance`.

        Notes
        -----
        To choose parameters use ``GridSearchCV(..., cv=StoredPatternsSplit())``, so that the sequences that are scored
        are those that were stored. Folds of rows take patterns out of the midst of sequences, and ask for what never
        was stored: there is a warning when none of the patterns was.
        """
        check_is_fitted(self)
        X, _, numbers = self._receive_sequences(X, groups, [], "score")
        succession, _ = Succession.of_groups(numbers, self.cyclic)
        steps = succession.steps
        if not len(steps):
            raise ValueError(
                "X has no step to score: every sequence is open and has 1 sample; expected sequences of at least two "
                "patterns."
            )
        coded = perfect_recall(self.memory_, completed(X), completed(X))
        _, stored = distinct(arrays.to_numpy(self.patterns_))
        if stored.keys().isdisjoint(keys_of(arrays.to_numpy(coded).astype(arrays.to_numpy(self.patterns_).dtype))):
            warn(
                "score(X) was given no pattern that is stored, so it says little of the memory: expected the sequences "
                "that were fitted. In a search use cv=skamem.model_selection.StoredPatternsSplit()."
            )
        cues = rows_at(X, succession.windows(self._order)[steps])
        cues = corrupt(cues, "flip", self.noise, random_state=self.score_seed_) if self.noise else cues
        truth = rows_at(coded, succession.successor[steps][:, None])
        return float(np.mean(self._are_right(self._answer(cues), truth)))
