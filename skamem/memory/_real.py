"""What memories of real-valued patterns share: patterns and cues with unknown entries in, recall and score out."""

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

from sklearn.utils.metaestimators import available_if

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.dynamics import Recall, settle
from skamem.core.parameters import BOOLEAN, Kind, RandomState
from skamem.core.rows import Rows, rows_within
from skamem.memory._door import CueBlock, Memory, is_autoassociative, one_pass
from skamem.memory._imputation import imputed, imputed_names, indices

__all__ = ["RealMemory", "split_known"]

_CUES = 1024  # cues that are recalled at a time


class RealMemory(Memory):
    """Abstract base of memories of real-valued patterns, in which NaN is an unknown entry."""

    _parameters: ClassVar[dict[str, Kind]] = {
        "add_indicator": BOOLEAN,
        "keep_empty_features": BOOLEAN,
        "random_state": RandomState(),
    }

    # ------------------------------------------------------------------ what a subclass provides

    @abstractmethod
    def _learn(self, X, known, Y, weight):
        """Set the fitted attributes from patterns (unknown entries 0); mask, targets and weights may be None."""

    @abstractmethod
    def _respond(self, states, known, lacking):
        """One pass from states (unknown entries at the mean) to what the memory answers; overflow warns of nothing.

        `known` is None once all entries have a value; `lacking` are the entries that are looked for when the others
        are clamped.
        """

    def _bounded(self, answers, states):
        """Answers to be fed back; for a memory whose answers could grow without end, kept within bounds."""
        return answers

    _cue_bytes = 0
    """Bytes of work arrays that a cue needs beside its states."""

    def _make_field(self):
        return _Response(self)

    # ------------------------------------------------------------------ storing

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Store patterns, forgetting those stored before.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units), or csr matrix when ``target="y"``
            Patterns, one a row; stored dense. NaN marks an unknown entry.
        y : array-like of shape (n_patterns, n_outputs), default=None
            Associated real-valued patterns when ``target="y"``; ignored when ``target="self"``.
        sample_weight : array-like of shape (n_patterns,), default=None
            How often each pattern counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted memory.

        Raises
        ------
        ValueError
            For infinite entries, missing or 1-D `y` under ``target="y"``, and bad weights. A failed call changes
            nothing.
        """
        X, known, Y, weight = self._receive_patterns(X, y, sample_weight, reset=True)
        for _ in fit_tasks(self, [0], name="store", n_tasks=1, X=X, y=Y, attributes=dict):
            self._learn(X, known, Y, weight)
        return self

    def _receive_patterns(self, X, y, sample_weight, *, reset):
        """Validated copies on the placement: patterns with unknown entries at 0, their mask, targets, weights."""
        X, Y, placement = self._receive_stored(X, y, reset=reset)
        xp = placement.xp
        dtype = arrays.float_dtype(X, xp) if reset else getattr(self, self._anchor).dtype
        Y = placement.asarray(Y, dtype)
        weight = validation.check_sample_weight(sample_weight, X, placement, dtype)
        values = placement.asarray(X, dtype)
        if weight is not None and not bool(xp.all(weight > 0)):
            kept = xp.nonzero(weight > 0)[0]
            values, weight = xp.take(values, kept, axis=0), xp.take(weight, kept)
            Y = None if Y is None else xp.take(Y, kept, axis=0)
        values, known = split_known(values)
        # What is stored must not change with the caller's arrays.
        return arrays.copy(values) if known is None else values, known, None if Y is None else arrays.copy(Y), weight

    @property
    def _takes_sparse(self):
        return self.target == "y"

    def _note_missing(self, X, known):
        """Set what imputation needs to know: the units that are never, and those that are not always, known."""
        xp = arrays.namespace(X)
        nothing = xp.zeros_like(X[0, :], dtype=xp.bool)
        self.never_known_ = nothing if known is None else ~xp.any(known, axis=0)
        self.with_gaps_ = nothing if known is None else ~xp.all(known, axis=0)

    # ------------------------------------------------------------------ recalling

    @available_if(is_autoassociative)
    def transform(self, X):
        """Recall inside a pipeline, in the shape of an imputer; autoassociative memories only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Cues. NaN marks an unknown entry.

        Returns
        -------
        patterns : array of shape (n_samples, n_columns)
            Recalled patterns, as `predict` gives; units that no stored pattern knows are dropped, or 0 when
            ``keep_empty_features=True``. With ``add_indicator=True`` the columns of the indicator follow.
        """
        states, missing = self._map(
            X, "transform", lambda block: (self._recall_block(block.states, block.known).states, _missing(block))
        )
        if self.keep_empty_features:
            place = arrays.placement_of(states)
            states = place.xp.where(place.asarray(self.never_known_), place.xp.zeros_like(states), states)
        return imputed(states, missing, **self._imputation())

    def _imputation(self):
        """Indices of the units that `transform` drops, and of those that it indicates; None for none."""
        return {
            "empty": None if self.keep_empty_features else indices(self.never_known_),
            "indicated": indices(self.with_gaps_) if self.add_indicator else None,
        }

    def field(self, X):
        """What one pass recalls, before known entries are clamped.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units), or csr matrix when ``target="y"``
            Cues. NaN marks an unknown entry.

        Returns
        -------
        field : array of shape (n_samples, n_outputs)
            What the memory answers, before any of it is fed back.
        """
        with arrays.overflow_expected():
            return self._map(X, "field", lambda block: self._respond(self._start(block), block.known, None))

    def _agreement(self, truth, recalled):
        place = arrays.placement_of(recalled)
        xp = place.xp
        truth, known = split_known(truth)
        truth = place.asarray(truth, recalled.dtype)
        counted = xp.ones_like(recalled) if known is None else place.asarray(known, recalled.dtype)
        count = xp.sum(counted, axis=0)
        mean = xp.sum(counted * truth, axis=0) / xp.where(count > 0, count, xp.ones_like(count))
        residual = float(xp.sum(counted * (truth - recalled) ** 2))
        total = float(xp.sum(counted * (truth - mean) ** 2))
        if total == 0.0:
            return 1.0 if residual == 0.0 else 0.0
        return 1.0 - residual / total

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        names : ndarray of str
            Those of the units, then those of the indicator; numbered ones for heteroassociation.
        """
        names = super().get_feature_names_out(input_features)
        return names if self.target == "y" else imputed_names(names, **self._imputation())

    # ------------------------------------------------------------------ how recall is done

    def _read(self, X, placement):
        """Yield blocks that have complete cues only, or cues with gaps only.

        What a cue is answered must not depend on those beside it, and complete ones are not to pay for the others.
        """
        xp = placement.xp
        row_bytes = 64 * (X.shape[1] + self._n_features_out) + self._cue_bytes
        length = rows_within(row_bytes, at_most=_CUES)
        waiting, n_waiting = [], 0
        for rows, block in Rows(X, placement, getattr(self, self._anchor).dtype).blocks(row_bytes, at_most=_CUES):
            positions = xp.arange(rows.start, rows.stop, device=arrays.device(block))
            gaps = xp.any(xp.isnan(block), axis=1)
            if not bool(xp.any(gaps)):
                yield CueBlock(placement, positions, block, None)
                continue
            complete, partial = xp.nonzero(~gaps)[0], xp.nonzero(gaps)[0]
            if complete.shape[0]:
                yield CueBlock(placement, xp.take(positions, complete), xp.take(block, complete, axis=0), None)
            waiting.append((xp.take(positions, partial), xp.take(block, partial, axis=0)))
            n_waiting += partial.shape[0]
            if n_waiting >= length:
                yield CueBlock(placement, *_joined_cues(waiting, xp))
                waiting, n_waiting = [], 0
        if waiting:
            yield CueBlock(placement, *_joined_cues(waiting, xp))

    def _start(self, block):
        """Where recall starts: unknown entries at the mean."""
        return self._filled(block.states, block.known)

    def _filled(self, values, known):
        return values if known is None else arrays.namespace(values).where(known, values, self.centre_)

    def _told(self, X, method, tell):
        return self._map(X, method, lambda block: tell(self._recall_block(block.states, block.known)))

    def _recall_block(self, values, known):
        """`Recall` of one block of cues."""
        xp = arrays.namespace(values)
        start = self._filled(values, known)
        if self.target == "y":
            with arrays.overflow_expected():
                recall = one_pass(self._respond(start, known, None))
            unresolved = xp.zeros_like(recall.states, dtype=xp.bool)
        else:
            with arrays.overflow_expected():  # once, and not in every step
                recall = self._feed_back(start, known)
            unresolved = self._unresolved(values, known)
            if known is not None:
                # Where nothing is known nothing can be looked up: the mean, whatever the steps.
                blank = ~xp.any(known, axis=1)
                recall = replace(recall, states=xp.where(blank[:, None], self.centre_, recall.states))
        return Recall(recall.states, recall.n_steps, recall.converged, recall.cycle_length, unresolved)

    def _unresolved(self, values, known):
        xp = arrays.namespace(values)
        if known is None:
            return xp.zeros_like(values, dtype=xp.bool)
        return ~known & (~xp.any(known, axis=1)[:, None] | self.never_known_[None, :])

    def _feed_back(self, start, known):
        """Recurrent recall, up to ``n_recall_steps`` updates. A row that moves by no more than rounding is done."""
        xp = arrays.namespace(start)
        eps, held = xp.finfo(start.dtype).eps, None
        if self.missing == "clamp":
            held = xp.ones_like(start, dtype=xp.bool) if known is None else known
            if known is None:
                return one_pass(start)

        def update(states, held, known=None):
            new = self._bounded(self._respond(states, known, None if held is None else ~held), states)
            new = new if held is None else xp.where(held, states, new)
            return xp.where(_has_moved(states, new, self.centre_, eps)[:, None], new, states)

        if known is None:
            return _finite(settle(update, start, n_steps=self.n_recall_steps, clamped=held), xp)
        # Entries that are unknown at first have a value from the second step on.
        states = update(start, held, known)
        if self.n_recall_steps == 1:
            fixed = xp.all(states == start, axis=1)
            cycle = xp.astype(fixed, xp.int64)
            return _finite(Recall(states, xp.ones_like(cycle), fixed, cycle, None), xp)
        later = settle(update, states, n_steps=self.n_recall_steps - 1, clamped=held)
        return _finite(replace(later, n_steps=later.n_steps + 1), xp)


class _Response:
    """One pass of a memory from complete cues, as a field: real values, of which none counts as 0.

    Parameters
    ----------
    memory : RealMemory
        Fitted.
    """

    tolerance = 0.0

    def __init__(self, memory):
        self._memory = memory

    def __call__(self, states):
        """What the memory answers to states of shape (n_samples, n_units)."""
        with arrays.overflow_expected():
            return self._memory._respond(states, None, None)


def split_known(values):
    """Values with unknown entries at 0, and the mask of known ones; None when all are known."""
    xp = arrays.namespace(values)
    unknown = xp.isnan(values)
    if not bool(xp.any(unknown)):
        return values, None
    return xp.where(unknown, xp.zeros_like(values), values), ~unknown


def _missing(block):
    """Mask of the entries that were unknown in some cues."""
    xp = block.placement.xp
    return xp.zeros_like(block.states, dtype=xp.bool) if block.known is None else ~block.known


def _joined_cues(parts, xp):
    """Positions, values and known entries of cues that waited."""
    positions, values = (xp.concat(part, axis=0) for part in zip(*parts, strict=True))
    return positions, *split_known(values)


def _has_moved(states, new, centre, eps):
    """Whether each row moved by more than rounding. What is not a number has moved."""
    xp = arrays.namespace(states)
    # In units of the largest entry: squares of very large or small numbers are none.
    largest = xp.max(xp.maximum(xp.abs(states), xp.abs(new)), axis=1, keepdims=True)
    unit = xp.where(largest > 0, largest, 1.0)
    steps, deviations, sizes = (new - states) / unit, (new - centre) / unit, new / unit
    rounding = eps**1.5 * deviations**2 + (4 * eps) ** 2 * sizes**2
    return ~(xp.sum(steps**2, axis=1) <= xp.sum(rounding, axis=1))


def _finite(recall, xp):
    """The same, a row with entries that are no numbers not converged."""
    good = xp.all(xp.isfinite(recall.states), axis=1)
    return replace(
        recall,
        converged=recall.converged & good,
        cycle_length=xp.where(good, recall.cycle_length, xp.zeros_like(recall.cycle_length)),
    )
