"""How memories of two-valued patterns store: patterns in, what is learnt from them, and whether they stay."""

from abc import abstractmethod
from typing import ClassVar

from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.coding import UnitCode, coding_of, coding_of_both
from skamem.core.factors import Factors
from skamem.core.merging import MergeableEstimator
from skamem.core.rows import row_blocks
from skamem.core.rules import Rule
from skamem.core.warn import warn
from skamem.exceptions import CapacityWarning
from skamem.memory._door import Memory
from skamem.memory._stream import WORK_ARRAYS, open_stream

__all__ = ["StoringMemory"]

# Stored patterns that `fit` asks whether they stay: as many as cost about this number of multiplications.
_ASKING, _FEWEST_ASKED, _MOST_ASKED = 2**28, 8, 256


class StoringMemory(MergeableEstimator, Memory):
    """Abstract base of memories of two-valued patterns, as far as they store; `_base` has how they recall."""

    @abstractmethod
    def _learn(self, stream, *, reset):
        """Set what is learnt from a `PatternStream`; with `reset`, forget what was stored."""

    @abstractmethod
    def _join(self, other, placement, *, reset):
        """Add what another memory has learnt, all but what is counted here, before it is."""

    _learning_parameters: ClassVar[tuple[str, ...]] = ("target", "activation", "binarize")

    # Under ``coding="auto"`` the `coding_of` patterns so far, None until some tell it, by name of the fitted attribute.
    _seen: ClassVar[dict[str, str | None]] = {}

    _rule: Rule | None = None
    """The `skamem.core.rules.Rule` that weights follow; None where they follow none that says how much they hold."""

    def _home(self):
        learnt = super()._home()
        return learnt.inputs if isinstance(learnt, Factors) else learnt

    check_stored = False
    """Whether `fit` asks patterns that it stored if they stay; a parameter of those memories in which they should."""

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Store patterns, forgetting those stored before.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns, one a row. Real values are thresholded at `binarize`. NaN marks an unknown unit, which is stored
            as 0: it takes part in no association.
        y : array-like of shape (n_patterns, n_outputs), default=None
            Associated patterns when ``target="y"``; ignored when ``target="self"``.
        sample_weight : array-like of shape (n_patterns,), default=None
            How often each pattern counts; >= 0, not all zero. A weight of 2 equals storing the pattern twice.

        Returns
        -------
        self : object
            The fitted memory.

        Raises
        ------
        ValueError
            For infinite entries, patterns that are not two-valued where they must be, missing or 1-D `y` under
            ``target="y"``, and bad weights. A failed call changes nothing.
        """
        return self._store(X, y, sample_weight, reset=True)

    @transactional
    def partial_fit(self, X, y=None, sample_weight=None):
        """Store more patterns beside those stored before.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns, one a row.
        y : array-like of shape (n_patterns, n_outputs), default=None
            Associated patterns when ``target="y"``; ignored when ``target="self"``.
        sample_weight : array-like of shape (n_patterns,), default=None
            How often each pattern counts.

        Returns
        -------
        self : object
            The fitted memory. Storing in pieces equals storing at once, sums of real values to rounding. Under
            ``coding="auto"`` the first patterns that are not all 1 say how recalled ones are coded.

        Raises
        ------
        ValueError
            As `fit`, and for parameters on which learning depends that `set_params` changed since. A failed call
            changes nothing.
        """
        return self._store(X, y, sample_weight, reset=not hasattr(self, "n_patterns_"))

    def _store(self, X, y, sample_weight, *, reset):
        self._begin_or_go_on(begins=reset)
        stream = self._receive_patterns(X, y, sample_weight, reset)
        if reset:
            self.coding_ = stream.target_code.coding
            self._forget_all()
        self._note_coding("coding_", stream.target_code, stream.X if stream.Y is None else stream.Y, reset=reset)
        try:
            self._learn(stream, reset=reset)
        except MemoryError as error:
            raise MemoryError(self._room_needed(stream)) from error
        self._warn_of_losses(stream)
        return self

    def _take_in(self, other, placement, *, reset):
        if reset:
            self._forget_all()
        elif other._n_features_out != self._n_features_out:
            raise ValueError(
                f"other was fitted with y of {other._n_features_out} columns; expected {self._n_features_out}, as here."
            )
        self._join_coding("coding_", other, reset=reset)
        self._join(other, placement, reset=reset)
        stored = placement.asarray(other.pattern_sum_)
        self.pattern_sum_ = stored if reset else self.pattern_sum_ + stored
        self.n_patterns_ += other.n_patterns_
        self.total_weight_ += other.total_weight_
        self._warn_of_losses()

    def _note_coding(self, name, code, values, *, reset):
        """Set the fitted attribute `name` to the coding of the first patterns that tell it: `values`, come now, may."""
        if self.coding != "auto" or code.low is None:
            return
        seen = None if reset else self._seen.get(name, getattr(self, name))
        if seen is None:
            seen = "binary" if reset and code.coding == "binary" else coding_of(values)
        self._seen = self._seen | {name: seen}
        setattr(self, name, seen or "bipolar")

    def _join_coding(self, name, other, *, reset):
        """Set the fitted attribute `name` to the coding of the patterns of both, in whatever order they come."""
        if self.coding != "auto":
            if reset:
                setattr(self, name, self.coding)
            return
        found = other._seen.get(name, getattr(other, name))
        seen = None if reset else self._seen.get(name, getattr(self, name))
        if self.binarize is None and self._codes("auto")[1].low is not None and {found, seen} == {"binary", "bipolar"}:
            raise ValueError(
                f"other has {found} patterns; expected {seen} ones, as here: with binarize=None all have one coding. "
                "Code the patterns first, or set binarize= to the threshold between off and on."
            )
        self._seen = self._seen | {name: coding_of_both(seen, found)}
        setattr(self, name, self._seen[name] or "bipolar")

    def _room_needed(self, stream):
        n_units = stream.X.shape[1]
        n_outputs = n_units if stream.Y is None else stream.Y.shape[1]
        needed = n_units * n_outputs * (4 if stream.dtype == stream.placement.xp.float32 else 8)
        return (
            f"{type(self).__name__} needs {needed / 2**30:.1f} GiB for weights of {n_units} units, and as much "
            "again to learn them. DenseMemory(degree=2) holds the same network in the size of its patterns, "
            f"{needed / n_outputs * stream.X.shape[0] / 2**30:.2g} GiB here; float32 patterns take half."
        )

    def _forget_all(self, pattern_sum=None):
        self.n_patterns_, self.total_weight_, self.pattern_sum_ = 0, 0.0, pattern_sum
        self.order_seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))

    def _receive_patterns(self, X, y, sample_weight, reset):
        X, y, placement = self._receive_stored(X, y, reset=reset)
        undecided = not reset and self._seen.get("coding_", self.coding_) is None
        codes = self._codes(self.coding if reset else "auto" if undecided else self.coding_)
        return open_stream(X, y, sample_weight, placement, *codes, owner=type(self).__name__)

    def _codes(self, coding):
        """Codes of the units that are read, and of those that are recalled."""
        low = 0.0 if self.activation == "step" else -1.0
        two_valued = UnitCode(low, self.binarize, coding)
        real = UnitCode(None, None, "bipolar")
        if self.target == "y":
            return real if self.binarize is None else two_valued, real if self.activation == "identity" else two_valued
        code = real if self.binarize is None and self.activation == "identity" else two_valued
        return code, code

    def _count(self, X, Y, sample_weight):
        """Keep what the majority of the stored patterns needs; called once a block."""
        xp = arrays.namespace(X)
        stored = X if Y is None else Y
        weighted = stored if sample_weight is None else stored * sample_weight[:, None]
        block_sum = xp.sum(weighted, axis=0)
        self.pattern_sum_ = block_sum if self.pattern_sum_ is None else self.pattern_sum_ + block_sum
        self.n_patterns_ += X.shape[0]
        self.total_weight_ += X.shape[0] if sample_weight is None else float(xp.sum(sample_weight))

    def _majority(self):
        """Value of each output unit in most of the stored patterns; on where they are split evenly."""
        xp = arrays.namespace(self.pattern_sum_)
        low = 0.0 if self.activation == "step" else -1.0
        evenly = 0.5 * (1.0 + low) * self.total_weight_
        return xp.where(self.pattern_sum_ >= evenly, xp.ones_like(self.pattern_sum_), low)

    def _warn_of_losses(self, stream=None):
        """Say when more is stored than the rule holds, and how many of the patterns just stored do not stay.

        `stream`: these patterns; None where they are not at hand.
        """
        rule, limit, n_lost, n_blank, n_asked = self._rule, None, 0, 0, 0
        feeds_back = self.target == "self" and self.activation == "sign"
        if rule is not None and rule.capacity and feeds_back:
            limit = rule.capacity(self.n_features_in_)
        over = limit is not None and self.n_patterns_ > limit
        if stream is not None and self.check_stored and feeds_back and not (rule and rule.shortfall):
            n_lost, n_blank, n_asked = self._count_lost(stream)
        if n_blank:
            warn(
                f"{n_blank} of the {n_asked} patterns that {type(self).__name__} was asked have no known unit: they "
                "tell nothing, and nothing recalls them. Leave such rows out.",
                CapacityWarning,
            )
        if not over and not n_lost:
            return
        message = f"{type(self).__name__} stores {self.n_patterns_} patterns in {self.n_features_in_} units"
        message += f", beyond the limit of about {limit:.3g}" if over else ""
        message += f"; {n_lost} of the {n_asked} that were asked are not held" if n_lost else ""
        warn(f"{message}: expect recall to fail. {self._remedy(over)}", CapacityWarning)

    def _count_lost(self, stream):
        """How many of the patterns just stored recall changes at once, and how many have no known unit.

        Third, how many were asked: a bounded number.
        """
        n_asked = max(_FEWEST_ASKED, min(_MOST_ASKED, _ASKING // (self.n_features_in_ * self._recall_width)))
        X, _, _ = stream.block(slice(None, None, -(-stream.X.shape[0] // n_asked)), getattr(self, self._anchor).dtype)
        xp, field = arrays.namespace(X), self._make_field()
        n_lost = n_blank = 0
        for rows in row_blocks(X.shape[0], WORK_ARRAYS * 8 * (X.shape[1] + self._n_features_out) + self._cue_bytes):
            states = X[rows, :]
            push = field(states)
            strength = xp.abs(push)
            stays = (strength <= field.tolerance) | (push * states >= 0)  # unknown units, 0, are not asked
            # Where nothing pushes any unit a pattern stays, as every other state does: it is not held.
            held = xp.all(stays, axis=1) & xp.any(strength > field.tolerance, axis=1)
            blank = xp.all(states == 0, axis=1)
            n_lost += int(xp.count_nonzero(~held & ~blank))
            n_blank += int(xp.count_nonzero(blank))
        return n_lost, n_blank, X.shape[0]

    _cue_bytes = 0
    """Bytes of work arrays that a cue needs beside its states."""

    @property
    def _recall_width(self):
        """Numbers that each unit of a cue is multiplied by in a recall step."""
        return self._n_features_out

    def _remedy(self, over):
        """What would hold the patterns; `over` says that they are more than the rule's capacity."""
        remedy = self._rule.remedy if self._rule is not None else ""
        return remedy(self.n_patterns_, self.n_features_in_) if callable(remedy) else remedy
