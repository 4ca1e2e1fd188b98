"""BidirectionalMemory: pairs of patterns, each of which recalls the other."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.coding import UnitCode
from skamem.core.dynamics import Recall, alternating
from skamem.core.fields import BipartiteField, LinearField
from skamem.core.parameters import Interval, Kind
from skamem.core.rows import Rows
from skamem.memory._base import after_filling
from skamem.memory._correlation import CorrelationMemory
from skamem.memory._door import CueBlock
from skamem.memory._stream import WORK_ARRAYS, cues_at_once

__all__ = ["BidirectionalMemory", "PairRecall"]


@dataclass(frozen=True)
class PairRecall(Recall):
    """What recall of pairs gives back: a `Recall` of the associated patterns, and the cues as they were corrected.

    Parameters
    ----------
    inputs : array of shape (n_samples, n_units)
        The other half of the pair that recall ended at.
    inputs_unresolved : bool array of shape (n_samples, n_units)
        Their units that were unknown at the end and took the majority of the stored patterns.
    """

    inputs: Any
    inputs_unresolved: Any


class BidirectionalMemory(CorrelationMemory):
    """Associative memory of pairs in which each half recalls the other: Kosko's BAM, W = Xᵀ Y.

    A cue x gives y <- sgn(x W), that corrects the cue, x <- sgn(y Wᵀ), and so on to a pair that does not change any
    more. It is the Hopfield network whose units are those of both halves, with weights between the halves only, updated
    half by half.

    Parameters
    ----------
    n_recall_steps : int, default=100
        Exchanges (there and back) at most.
    binarize : float, default=0.0
        Values above it are on, in both halves.
    coding : {"auto", "bipolar", "binary"}, default="auto"
        Coding of the recalled patterns; "auto" is, for each half, binary if its stored patterns were 0 and 1, else
        bipolar.
    missing : {"free", "clamp"}, default="free"
        Whether known units of a cue may be corrected, or are held while its unknown ones (NaN) are filled in.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    correlation_ : array of shape (n_units, n_outputs)
        Xᵀ Y of bipolar states: exact integers, so that ties are ties on every backend.
    weights_ : array of shape (n_units, n_outputs)
        The same.
    input_sum_ : array of shape (n_units,)
        Sum of the stored inputs: its sign is the majority that unresolved units take.
    pattern_sum_ : array of shape (n_outputs,)
        Sum of the stored outputs.
    n_patterns_ : int
        Pairs stored.
    total_weight_ : float
        Sum of their weights.
    coding_, input_coding_ : str
        Coding of recalled outputs and inputs.
    order_seed_ : int
        Drawn from `random_state` as by all memories; recall of this one has no order.
    n_features_in_ : int
        Number of input units.
    feature_names_in_ : ndarray of str
        Names of the input units, when `fit` saw any.

    See Also
    --------
    HebbianMemory : With ``target="y"``, the same weights used once.

    Notes
    -----
    Units of one half do not push each other, so updating them at once or one after another is the same. A unit whose
    field is 0 keeps its state. The energy -x W yᵀ falls with every change, so each cue ends at a fixed pair; the
    complement of a stored pair is one, too. Cost: `fit` O(n_pairs n_units n_outputs), an exchange twice
    O(n_samples n_units n_outputs).

    References
    ----------
    Kosko (1988), IEEE Transactions on Systems, Man, and Cybernetics 18:49, doi:10.1109/21.87054.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import BidirectionalMemory
    >>> names = np.asarray([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    >>> numbers = np.asarray([[1, 1, -1], [-1, 1, 1]])
    >>> memory = BidirectionalMemory().fit(names, numbers)
    >>> memory.predict([[1, 1, 1, -1, -1, -1, -1, -1]])  # one unit flipped
    array([[ 1.,  1., -1.]])
    >>> memory.recall([[1, 1, 1, -1, -1, -1, -1, -1]]).inputs  # the cue, corrected
    array([[ 1.,  1.,  1.,  1., -1., -1., -1., -1.]])
    >>> memory.predict_inverse([[-1, np.nan, 1]])  # and the way back
    array([[ 1., -1.,  1., -1.,  1., -1.,  1., -1.]])
    """

    _parameters: ClassVar[dict[str, Kind]] = {"binarize": Interval(Real)}
    target = "y"
    activation = "sign"
    update = "sync"
    random_state = None

    def __init__(self, *, n_recall_steps=100, binarize=0.0, coding="auto", missing="free", backend=None):
        self.n_recall_steps = n_recall_steps
        self.binarize = binarize
        self.coding = coding
        self.missing = missing
        self.backend = backend

    @property
    def weights_(self):
        """Xᵀ Y."""
        return self.correlation_

    def _learn(self, stream, *, reset):
        if reset:
            self.input_sum_ = None
            self.input_coding_ = stream.code.detected(stream.X).coding
        self._note_coding("input_coding_", replace(stream.code, coding=self.input_coding_), stream.X, reset=reset)
        super()._learn(stream, reset=reset)

    def _count(self, X, Y, sample_weight):
        super()._count(X, Y, sample_weight)
        block_sum = arrays.namespace(X).sum(X if sample_weight is None else X * sample_weight[:, None], axis=0)
        self.input_sum_ = block_sum if self.input_sum_ is None else self.input_sum_ + block_sum

    def _join(self, other, placement, *, reset):
        super()._join(other, placement, reset=reset)
        self._join_coding("input_coding_", other, reset=reset)
        inputs = placement.asarray(other.input_sum_)
        self.input_sum_ = inputs if reset else self.input_sum_ + inputs

    def _holds_factors(self, n_patterns, n_units, n_outputs):
        return False  # both ways go through one matrix

    def _make_field(self):
        return LinearField(self.correlation_, exact=self._exact)

    # ------------------------------------------------------------------ recalling

    def recall(self, X):
        """Recall with the whole story: both halves, exchanges, convergence, units left unresolved.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues. NaN marks an unknown unit.

        Returns
        -------
        recall : PairRecall
            ``states`` are the associated patterns, ``inputs`` the corrected cues; ``unresolved`` and
            ``inputs_unresolved`` flag units that nothing decided. For the rest see `skamem.core.dynamics.Recall`.
        """
        return self._recall(X, "recall")

    def predict_inverse(self, Y):
        """Recall the inputs that are associated with output patterns.

        Parameters
        ----------
        Y : array-like or csr matrix of shape (n_samples, n_outputs)
            Cues: noisy or partial output patterns. NaN marks an unknown unit.

        Returns
        -------
        patterns : array of shape (n_samples, n_units)
            Recalled input patterns in their coding, dtype of `Y`.
        """
        check_is_fitted(self)
        Y, placement = self._receive_output_cues(Y, "predict_inverse")
        exchanged = _first_of(self._exchange(back=True))
        return self._gathered(self._read_outputs(Y, placement), placement, Y.shape[0], exchanged)

    def energy(self, X, Y=None):
        """Energy of pairs of states: E = -x W yᵀ.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Input halves, thresholded at `binarize`. NaN counts as 0.
        Y : array-like or csr matrix of shape (n_samples, n_outputs), default=None
            Output halves, likewise. None takes those of least energy: what one pass recalls.

        Returns
        -------
        energy : array of shape (n_samples,)
            Low where the memory is at home; never rises in recall.

        Raises
        ------
        ValueError
            When the numbers of samples differ.
        """
        if Y is None:
            return self._map(X, "energy", lambda block: -_sizes(block.states @ self.correlation_))
        check_consistent_length(X, Y)
        check_is_fitted(self)
        field = self._pair_field()
        blocks = self._read_outputs(*self._receive_output_cues(Y, "energy"))

        def energies(block):
            return field.energy(block.placement.xp.concat([block.states, next(blocks).states], axis=1))

        return self._map(X, "energy", energies)

    def _pair_field(self, *, back=False):
        """The field that recall runs on, of inputs before outputs; `back`: of outputs before inputs."""
        weights = self.correlation_
        weights = arrays.namespace(weights).matrix_transpose(weights) if back else weights
        return BipartiteField(weights, exact=self._exact)

    def _recall(self, X, method, clamped=None, dynamics=None):
        check_is_fitted(self)
        return PairRecall(*self._map(X, method, self._exchange(back=False)))

    def _states(self, X, method):
        check_is_fitted(self)
        return self._map(X, method, _first_of(self._exchange(back=False)))

    def _receive_output_cues(self, Y, method):
        """`_receive` for output halves."""
        return self._receive_outputs(Y, self._n_features_out, method=method, name="Y", **self._input_options())

    def _read_outputs(self, Y, placement):
        """`_read` for output halves."""
        code, row_bytes = UnitCode(-1.0, self.binarize, self.coding_), WORK_ARRAYS * 8 * sum(self.correlation_.shape)
        at_most = cues_at_once(row_bytes, placement.xp)
        for rows, values in Rows(Y, placement, placement.working_dtype).blocks(row_bytes, at_most=at_most):
            yield CueBlock(placement, rows, *code.encode(values, self.correlation_.dtype))

    def _exchange(self, *, back):
        """A function that runs a block of cues to and fro until they settle; `back` says that they are outputs."""
        field = self._pair_field(back=back)
        halves = [(self.coding_, self.pattern_sum_), (self.input_coding_, self.input_sum_)]
        (other_coding, other_sum), (coding, own_sum) = halves[::-1] if back else halves

        def exchanged(block):
            xp, cues = block.placement.xp, block.states
            others = xp.zeros((cues.shape[0], other_sum.shape[0]), dtype=cues.dtype, device=arrays.device(cues))
            held = None
            if self.missing == "clamp":
                given = xp.ones_like(cues, dtype=xp.bool) if block.known is None else block.known
                held = xp.concat([given, xp.zeros_like(others, dtype=xp.bool)], axis=1)
            recall = alternating(field, xp.concat([cues, others], axis=1), n_steps=self.n_recall_steps, clamped=held)
            story = (recall.n_steps, recall.converged, recall.cycle_length)
            unresolved, majority = recall.states == 0, _majority(xp.concat([own_sum, other_sum]), cues.dtype)
            states = xp.where(unresolved, majority, recall.states)
            if bool(xp.any(unresolved)):
                story = after_filling(story, xp.any(unresolved, axis=1), self._stays(field, states, held))
            (own, other), (own_unresolved, unresolved) = field.split(states), field.split(unresolved)
            own, other = (UnitCode(-1.0, None, c).decode(part) for c, part in ((coding, own), (other_coding, other)))
            return other, *story, unresolved, own, own_unresolved

        return exchanged


def _first_of(function):
    """The states of the half that is asked for, of all that an exchange tells."""
    return lambda block: function(block)[0]


def _majority(stored_sum, dtype):
    """State of each unit in most of the stored patterns; on where they are split evenly."""
    xp = arrays.namespace(stored_sum)
    return xp.astype(xp.where(stored_sum >= 0, xp.ones_like(stored_sum), -1.0), dtype)


def _sizes(values):
    """Sums of the magnitudes in each row."""
    xp = arrays.namespace(values)
    return xp.sum(xp.abs(values), axis=1)
