"""How a memory of sequences stores them: which pattern follows which, in a memory of pairs."""

import copy

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.coding import perfect_recall
from skamem.core.merging import IncrementalEstimator
from skamem.core.pairs import PairMemory, PairMemoryEstimator
from skamem.core.warn import warn
from skamem.exceptions import CapacityWarning
from skamem.memory import DenseMemory
from skamem.structures._engines import levels_of, new_engine
from skamem.structures._reading import completed, parts_of, rows_at, sequence_labels
from skamem.structures._stepping import cell_size, cells
from skamem.structures._succession import Succession, distinct
from skamem.structures._tracking import StoredPatterns

__all__ = ["PAIR_MEMORY", "SequenceStore"]

_ASKED = 256  # stored steps that `fit` asks the memory about
_NAMED = 3  # ambiguous patterns that a warning names
PAIR_MEMORY = PairMemory("predict", "patterns with those that follow")


def _learns_in_pieces(sequences):
    memory = DenseMemory() if sequences.memory is None else sequences.memory
    if hasattr(memory, "partial_fit") or not PAIR_MEMORY.accepts(memory):  # what is no memory is refused by name
        return True
    raise AttributeError(
        f"SequenceMemory has partial_fit where its memory has it; found memory={memory!r}. Use fit on all sequences, "
        "or a memory such as HebbianMemory or DenseMemory."
    )


class SequenceStore(PairMemoryEstimator, IncrementalEstimator):
    """Abstract base of `SequenceMemory`, as far as it stores; the class itself has how it recalls."""

    _learning_parameters = ("memory", "order")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # an unknown unit
        return tags

    @transactional
    def fit(self, X, y=None, groups=None):
        """Store sequences, forgetting those stored before.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units), or list of such
            One sequence, its patterns one a row in their order; or several, in a list, or told apart by `groups`. NaN
            marks an unknown unit, which takes no part in what leads on, and is recalled as its median.
        y : object, default=None
            Ignored: pipelines and searches pass labels.
        groups : array-like of shape (n_patterns,), default=None
            The sequence of each row, by any labels: the rows of a label are a sequence, in their order. For a list, one
            label a row or one a sequence; a single label for a single table is that of its only sequence.

        Returns
        -------
        self : object
            The fitted memory.

        Raises
        ------
        TypeError
            When `memory` is not heteroassociative.
        ValueError
            For bad input, and for open sequences of one pattern only, in which nothing follows. A failed call changes
            nothing.
        """
        return self._store(X, groups, reset=True)

    @available_if(_learns_in_pieces)
    @transactional
    def partial_fit(self, X, y=None, groups=None):
        """Store further sequences beside those stored before.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units), or list of such
            Whole sequences, as in `fit`; closed or open as `cyclic` is now, whatever those before are.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_patterns,), default=None
            Their labels, other ones than before.

        Returns
        -------
        self : object
            The memory. Where the memory adds up what it learns, it is that of one `fit` on all sequences.

        Raises
        ------
        ValueError
            As `fit`; for labels of sequences stored before; and when `order` or `memory` changed since learning
            began. A failed call changes nothing.
        """
        return self._store(X, groups, reset=not hasattr(self, "memory_"))

    def _store(self, X, groups, *, reset):
        taken = [] if reset else self.groups_
        X, labels, numbers = self._receive_sequences(X, groups, taken, None if reset else "partial_fit")
        self._begin_or_go_on(begins=reset)
        succession, position = Succession.of_groups(numbers, self.cyclic)
        steps = succession.steps
        if not len(steps):
            raise ValueError(
                f"{type(self).__name__}(cyclic=False) found no step to store: each of {len(labels)} sequences has 1 "
                "sample, n_samples=1; expected a sequence of at least two patterns. Use cyclic=True for a pattern that "
                "follows itself."
            )
        keys, whole = rows_at(X, succession.windows(self.order)[steps]), completed(X)
        following = rows_at(whole, succession.successor[steps][:, None])
        engine = self._new_engine() if reset else copy.copy(self.memory_)
        for _ in fit_tasks(self, [0], name="memory", n_tasks=1, X=X, attributes=dict, inner=engine):
            self.memory_ = (engine.fit if reset else engine.partial_fit)(keys, following)
        if reset:
            self.score_seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        n_before = self._remember(whole, labels, (succession.successor, numbers, position), reset=reset)
        self._warn_of_thresholds(whole, n_before)
        self._warn_of_losses(steps + n_before, keys)
        return self

    def _new_engine(self):
        return new_engine(self.memory, self.backend)

    @property
    def _order(self):
        """The order of what is stored."""
        return self.memory_.n_features_in_ // self.n_features_in_

    def _receive_sequences(self, X, groups, taken, method):
        """Validated rows where the user had them, labels of the sequences, and the sequence of each row."""
        options = {"method": method, "ensure_all_finite": "allow-nan"}
        parts = parts_of(X)
        if parts is None:
            X, _ = self._receive(X, reset=method is None, **options)
            return X, *sequence_labels(groups, [X.shape[0]], taken, type(self).__name__)
        parts = [self._receive(part, reset=method is None and not i, **options)[0] for i, part in enumerate(parts)]
        xp = arrays.namespace(*parts)
        dtype = arrays.wider_dtype(xp, *parts)
        X = xp.concat([xp.astype(part, dtype, copy=False) for part in parts], axis=0)
        return X, *sequence_labels(groups, [part.shape[0] for part in parts], taken, type(self).__name__)

    @property
    def _rows(self):
        """Successor, sequence and position of each stored pattern, on the host."""
        return tuple(map(arrays.to_numpy, (self.successor_, self.sequence_, self.position_)))

    def _remember(self, whole, labels, rows, *, reset):
        """Set what is known of the sequences, after those of before; how many patterns there were before."""
        coded, n_before = perfect_recall(self.memory_, whole, whole), 0
        if reset:
            self.patterns_, self.groups_ = arrays.copy(coded), labels
        else:
            before, n_before = self._rows, self.position_.shape[0]
            successor, numbers, position = rows
            rows = (np.where(successor < 0, -1, successor + n_before), numbers + len(self.groups_), position)
            rows = tuple(np.concatenate(both) for both in zip(before, rows, strict=True))
            xp = arrays.namespace(coded)
            self.patterns_ = xp.concat([self.patterns_, xp.astype(coded, self.patterns_.dtype)], axis=0)
            self.groups_ = self.groups_ + labels
        patterns, place = arrays.to_numpy(self.patterns_), arrays.placement_of(self.patterns_)
        self.successor_, self.sequence_, self.position_ = map(place.asarray, rows)
        pattern, _ = distinct(cells(patterns, cell_size(patterns)))
        succession = Succession(rows[0])
        self.ambiguous_ = place.asarray(succession.ambiguous(pattern, self._order))
        self.order_needed_ = succession.order_needed(pattern, int(rows[2].max()) + 1)
        return n_before

    def _are_right(self, recalled, truth):
        """Whether recalled patterns are the true ones, up to the tolerance: an ndarray of bool."""
        stored = StoredPatterns.measured(self.patterns_, levels_of(self.memory_))
        return arrays.to_numpy(stored.are_near(recalled, truth, self.tolerance))

    def _warn_of_losses(self, steps, keys):
        """Say which patterns lead to several ones, and how many of the others just stored lead elsewhere."""
        ambiguous, successor = np.intersect1d(arrays.to_numpy(self.ambiguous_), steps), self._rows[0]
        if len(ambiguous):
            self._warn_of_ambiguity(ambiguous)
        clear = np.flatnonzero(~np.isin(steps, ambiguous))
        if not self.check_stored or not len(clear):
            return
        asked = clear[:: -(-len(clear) // _ASKED)]
        following = rows_at(self.patterns_, successor[steps[asked], None])
        n_lost = int(np.sum(~self._are_right(self.memory_.predict(rows_at(keys, asked[:, None])), following)))
        if n_lost:
            warn(
                f"{type(self.memory_).__name__} stores {np.sum(successor >= 0)} steps between patterns of "
                f"{self.n_features_in_} units, and {n_lost} of the {len(asked)} that were asked lead elsewhere: expect "
                "recall to fail. The default memory, exponential recall, holds most; PseudoinverseMemory about as many "
                "as there are units.",
                CapacityWarning,
            )

    def _warn_of_thresholds(self, whole, n_before):
        """Say when patterns that differed are the same once the memory has cut them at its threshold."""
        threshold = getattr(self.memory_, "binarize", None)
        coded = arrays.to_numpy(self.patterns_)[n_before:]
        n_left = len(distinct(coded)[1]) if threshold is not None else len(coded)
        if n_left == len(coded) or n_left == (n_given := len(distinct(arrays.to_numpy(whole))[1])):
            return
        warn(
            f"{type(self.memory_).__name__}(binarize={threshold}) cuts the {n_given} different patterns of X to "
            f"{n_left}: values above binarize are on. Choose another threshold, or code real values first, with "
            "BipolarEncoder say; ModernHopfieldMemory takes them as they are.",
            CapacityWarning,
        )

    def _warn_of_ambiguity(self, rows):
        named = ", ".join(map(self._named, rows[:_NAMED].tolist()))
        more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
        remedy = f"order={self.order_needed_} tells them apart."
        if self.order_needed_ is None:
            remedy = "No order tells them apart: their past is the same. Let sequences begin with other patterns."
        warn(
            f"{type(self).__name__}(order={self._order}) stores patterns that several different ones follow: {named}"
            f"{more}. {remedy}",
            CapacityWarning,
        )

    def _named(self, row):
        _, sequence, position = self._rows
        label = self.groups_[sequence[row]]
        where = f" (sequence {label!r}, place {position[row]})" if len(self.groups_) > 1 else ""
        return f"row {row}{where}"
