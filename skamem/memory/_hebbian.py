"""HebbianMemory: the correlation-matrix memory, linear associator and Hopfield's network of 1982."""

from skamem.core.rules import RULES
from skamem.memory._base import symmetric_field_class
from skamem.memory._correlation import CorrelationMemory

__all__ = ["HebbianMemory"]


class HebbianMemory(CorrelationMemory):
    """Associative memory with outer-product (Hebb) weights, W = Xᵀ Y / n.

    Autoassociative (``target="self"``) it feeds its output back until the state stops changing, and repairs noisy or
    partial cues: Hopfield's network. Heteroassociative (``target="y"``) it maps patterns to associated patterns in one
    pass. With ``activation="identity"`` it is the linear associator.

    Parameters
    ----------
    target : {"self", "y"}, default="self"
        What a pattern is associated with: itself (`y` is ignored, so that pipelines may pass labels), or the row of
        `y`.
    activation : {"sign", "identity", "step"}, default="sign"
        What a unit does with its field. "sign": bipolar units, -1 or +1. "step": binary units, 0 or 1 inside as well;
        the textbook's other choice, and a much poorer memory. "identity": the field itself, one linear pass, no
        feedback. A unit whose field is exactly 0 keeps its state.
    update : {"sync", "async"}, default="sync"
        Feed back all units at once, or one after another in an order drawn in `fit` (energy then never rises when
        ``zero_diagonal=True``, and cycles cannot happen).
    n_recall_steps : int, default=100
        Feedback steps (sweeps, when asynchronous) at most; 1 is one-step recall. Heteroassociation makes one pass.
    zero_diagonal : bool, default=False
        Drop the diagonal of W in autoassociation. Kept, as in the textbook's correlation matrix, it holds units at
        their state: fewer wrong flips (1 % wrong units in one step at .32 patterns a unit, .18 without), more
        spurious states.
    binarize : float or None, default=0.0
        Values above it are on. None takes values as they are: two-valued patterns for units with a threshold, any real
        values for "identity" and for the input side of heteroassociation.
    coding : {"auto", "bipolar", "binary"}, default="auto"
        Coding of the recalled patterns; "auto" is binary if the stored patterns were 0 and 1, else bipolar.
    missing : {"free", "clamp"}, default="free"
        Whether known units may be corrected in recall ("free"), or are held at the cue while the unknown ones (NaN) are
        filled in ("clamp").
    check_stored : bool, default=True
        Ask up to 256 of the stored patterns whether recall leaves them as they are, and warn if it does not.
    random_state : int, RandomState instance or None, default=None
        Draws the order of asynchronous updates, once, in `fit`.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    correlation_ : array of shape (n_units, n_outputs)
        Xᵀ Y, exact integers for two-valued patterns, so that ties are ties on every backend. Made anew where few
        patterns of many units are held as factors.
    weights_ : array of shape (n_units, n_outputs)
        `correlation_` divided by the number of units.
    pattern_sum_ : array of shape (n_outputs,)
        Sum of the stored patterns: its sign is the majority that unresolved units take.
    n_patterns_ : int
        Patterns stored.
    total_weight_ : float
        Sum of their weights.
    coding_ : str
        Coding of recalled patterns.
    order_seed_ : int
        Seed of the update order.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of str
        Names of the units, when `fit` saw any.

    See Also
    --------
    PseudoinverseMemory : Stores any independent patterns, correlated ones too.

    Notes
    -----
    A few facts to expect. The complement -x is stored with x. With ``zero_diagonal=True`` recall breaks down at about
    .138 n random patterns; correlated patterns do so much earlier. Cost: `fit` O(n_patterns n_units²), one recall step
    O(n_samples n_units²), both matrix products, streamed within scikit-learn's ``working_memory``. For fewer patterns
    than half of the units, and more than about a million weights, the patterns are kept and not the weights: the same
    recall, to the last bit for two-valued patterns, from n_patterns n_units numbers, each step as many times n_samples.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.
    Amit, Gutfreund and Sompolinsky (1985), Physical Review Letters 55:1530, doi:10.1103/PhysRevLett.55.1530.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import HebbianMemory
    >>> patterns = np.asarray([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    >>> memory = HebbianMemory().fit(patterns)
    >>> memory.predict([[1, 1, 1, -1, -1, -1, -1, -1]])  # one unit flipped
    array([[ 1.,  1.,  1.,  1., -1., -1., -1., -1.]])
    >>> memory.predict([[1, 1, 1, 1, np.nan, np.nan, np.nan, np.nan]])  # half unknown
    array([[ 1.,  1.,  1.,  1., -1., -1., -1., -1.]])
    """

    _rule = RULES["hebbian"]

    def __init__(
        self,
        target="self",
        *,
        activation="sign",
        update="sync",
        n_recall_steps=100,
        zero_diagonal=False,
        binarize=0.0,
        coding="auto",
        missing="free",
        check_stored=True,
        random_state=None,
        backend=None,
    ):
        self.target = target
        self.activation = activation
        self.update = update
        self.n_recall_steps = n_recall_steps
        self.zero_diagonal = zero_diagonal
        self.binarize = binarize
        self.coding = coding
        self.missing = missing
        self.check_stored = check_stored
        self.random_state = random_state
        self.backend = backend

    @property
    def weights_(self):
        """`correlation_` divided by the number of units."""
        return self.correlation_ / self.n_features_in_

    @property
    def _field_scale(self):
        return self._rule.scale(self.n_features_in_)

    _field_class = property(symmetric_field_class)

    def _make_field(self):
        zero_diagonal = self.zero_diagonal and self.target == "self"
        return self._field_class(self._learnt, zero_diagonal=zero_diagonal, exact=self._exact)
