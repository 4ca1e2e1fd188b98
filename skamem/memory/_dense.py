"""DenseMemory: stored patterns, and an energy steep enough to tell very many of them apart."""

from typing import ClassVar

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.coding import UnitCode
from skamem.core.dense import DenseField, DenseLandscape
from skamem.core.interactions import DEGREE, ENERGY, Polynomial, resolve_interaction
from skamem.core.parameters import Kind
from skamem.memory._door import is_autoassociative
from skamem.memory._landscape import LandscapeMemory

__all__ = ["DenseMemory"]


class DenseMemory(LandscapeMemory):
    """Dense associative memory of two-valued patterns, E(s) = -Σ_μ F(ξ^μ·s).

    The steeper F, the more patterns fit in: for F(x) = x^n about n_units^(n-1), for the exponential exponentially many.

    Parameters
    ----------
    interaction : {"polynomial", "rectified_polynomial", "exponential", "logcosh", "softplus"} or object, \
default="polynomial"
        The energy function F, or an object with `energy` (see the guide on adding an energy).
    degree : float, default=3
        n of the polynomials, >= 1; whole for "polynomial". 2 is Hopfield's energy. Ignored by the others.
    target : {"self", "y"}, default="self"
        What a pattern is associated with: itself (`y` is ignored), or the row of `y`.
    update : {"async", "sync"}, default="async"
        One unit after another, in an order drawn in `fit`, or all at once.
    n_recall_steps : int, default=100
        Sweeps (updates, when synchronous) at most.
    binarize : float or None, default=0.0
        Values above it are on; None takes two-valued patterns as they are.
    coding : {"auto", "bipolar", "binary"}, default="auto"
        Coding of the recalled patterns; "auto" takes that of the stored ones.
    missing : {"free", "clamp"}, default="free"
        Whether known units may be corrected in recall, or are held while unknown ones (NaN) are filled in.
    check_stored : bool, default=True
        Ask up to 256 of the stored patterns whether recall leaves them as they are, and warn if it does not.
    random_state : int, RandomState instance or None, default=None
        Draws the order of asynchronous updates, once, in `fit`.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    patterns_ : array of shape (n_patterns, n_units)
        Stored patterns in {-1, +1}; unknown units are 0.
    targets_ : array of shape (n_patterns, n_outputs) or None
        Associated patterns when ``target="y"``.
    pattern_weight_ : array of shape (n_patterns,)
        Factor of each pattern's F.
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
    HopfieldNetwork : Degree 2, with a weight matrix in place of the patterns.
    ModernHopfieldMemory : Real-valued patterns and the exponential: attention.
    DenseAMClassifier : Memories that are trained.

    Notes
    -----
    A unit takes the value that makes the energy lower, and keeps its state where both are equal. Even polynomials store
    the complement with each pattern; odd and rectified ones and the exponential do not. Where F itself would overflow
    (the exponential of many units), `energy` is its logarithm, -ln Σ F, and `field` is right up to a factor for each
    cue. Cost: `fit` copies the patterns; a sweep O(n_samples n_units n_patterns), and as much again for every
    n_units / 64 moves of a cue.

    References
    ----------
    Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.
    Demircigil et al. (2017), On a model of associative memory with huge storage capacity, arXiv:1702.01929.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import DenseMemory
    >>> patterns = np.sign(np.random.default_rng(0).standard_normal((200, 100)))  # two patterns a unit
    >>> memory = DenseMemory(degree=3, random_state=0).fit(patterns)
    >>> cues = patterns.copy()
    >>> cues[:, :10] *= -1
    >>> bool((memory.predict(cues) == patterns).all())
    True
    """

    _anchor = "patterns_"
    _parameters: ClassVar[dict[str, Kind]] = {"interaction": ENERGY, "degree": DEGREE}

    def __init__(
        self,
        interaction="polynomial",
        *,
        degree=3,
        target="self",
        update="async",
        n_recall_steps=100,
        binarize=0.0,
        coding="auto",
        missing="free",
        check_stored=True,
        random_state=None,
        backend=None,
    ):
        self.interaction = interaction
        self.degree = degree
        self.target = target
        self.update = update
        self.n_recall_steps = n_recall_steps
        self.binarize = binarize
        self.coding = coding
        self.missing = missing
        self.check_stored = check_stored
        self.random_state = random_state
        self.backend = backend

    def _check_parameters(self):
        super()._check_parameters()
        resolve_interaction(self.interaction, self.degree)

    def _codes(self, coding):
        code = UnitCode(-1.0, self.binarize, coding)
        # Energies are tables of whole overlaps: what is associated with targets is two-valued, too, in either coding.
        return (UnitCode(-1.0, self.binarize, "auto") if self.target == "y" else code), code

    def _learn(self, stream, *, reset):
        xp, dtype = stream.placement.xp, stream.dtype if reset else self.patterns_.dtype
        kept = [] if reset else [(self.patterns_, self.targets_, self.pattern_weight_)]

        def stored():
            patterns, targets, weights = zip(*kept, strict=True)
            return {
                "patterns_": xp.concat(patterns, axis=0),
                "pattern_weight_": xp.concat(weights),
                "targets_": None if stream.Y is None else xp.concat(targets, axis=0),
            }

        blocks = stream.rows
        steps = fit_tasks(self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=stored)
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            self._count(X, Y, weight)
            kept.append((X, Y, xp.ones_like(X[:, 0]) if weight is None else weight))
        vars(self).update(stored())

    _learning_parameters = ("target", "binarize")

    def _join(self, other, placement, *, reset):
        xp = placement.xp
        names = ["patterns_", "pattern_weight_", "targets_"][: 3 if self.target == "y" else 2]
        dtype = arrays.wider_dtype(xp, other.patterns_, None if reset else self.patterns_)
        for name in names:
            more = placement.asarray(getattr(other, name), dtype)
            held = [] if reset else [placement.asarray(getattr(self, name), dtype)]
            setattr(self, name, xp.concat([*held, more], axis=0))
        if self.target == "self":
            self.targets_ = None

    @available_if(is_autoassociative)
    @transactional
    def forget(self, X):
        """Take stored patterns out again.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns; each takes one stored copy with it, and must have one.

        Returns
        -------
        self : object
            The memory without them.

        Raises
        ------
        ValueError
            When a pattern is not stored, or none would be left. A failed call changes nothing.
        """
        check_is_fitted(self)
        self._check_unchanged("forget")
        stream = self._receive_patterns(X, None, None, reset=False)
        xp, place = stream.placement.xp, arrays.placement_of(self.patterns_)
        gone = []
        for pattern in arrays.to_numpy(stream.block(dtype=self.patterns_.dtype)[0]):
            same = arrays.to_numpy(xp.all(self.patterns_ == place.asarray(pattern)[None, :], axis=1))
            left = [row for row in same.nonzero()[0] if row not in gone]
            if not left:
                raise ValueError("X has a pattern that is not stored, or not as often; expected stored patterns only.")
            gone.append(left[0])
        if len(gone) == self.n_patterns_:
            raise ValueError("No pattern would be left; expected to keep at least one. Fit anew instead.")
        kept = place.asarray([row for row in range(self.n_patterns_) if row not in gone])
        patterns, weights = self.patterns_, self.pattern_weight_
        self.patterns_, self.pattern_weight_ = xp.take(patterns, kept, axis=0), xp.take(weights, kept)
        self.n_patterns_, self.total_weight_ = len(kept), float(xp.sum(self.pattern_weight_))
        self.pattern_sum_ = xp.sum(self.pattern_weight_[:, None] * self.patterns_, axis=0)
        return self

    def _room_needed(self, stream):
        needed = stream.X.shape[0] * stream.X.shape[1] * (4 if stream.dtype == stream.placement.xp.float32 else 8)
        return f"DenseMemory needs {needed / 2**30:.1f} GiB for a copy of its patterns; float32 patterns take half."

    @property
    def _recall_width(self):
        return self.patterns_.shape[0]

    def _remedy(self, over):
        interaction = resolve_interaction(self.interaction, self.degree)
        if isinstance(interaction, Polynomial) and interaction.degree % 2:
            return (
                "In a polynomial of odd degree a pattern and its complement cancel: an even degree or "
                "interaction='rectified_polynomial' holds both, a higher degree holds more."
            )
        return "A higher degree holds more, interaction='exponential' most."

    @property
    def _cue_bytes(self):
        return 10 * 8 * self.patterns_.shape[0]  # overlaps, and what is looked up for them

    @property
    def _field_class(self):
        return DenseField if self.target == "y" else DenseLandscape

    def _make_field(self):
        interaction = resolve_interaction(self.interaction, self.degree)
        weight = self.pattern_weight_
        if bool(arrays.namespace(weight).all(weight == 1.0)):
            weight = None
        if self.target == "y":
            return DenseField(self.patterns_, self.targets_, interaction, weight)
        return DenseLandscape(self.patterns_, interaction, weight)

    def _check_temperature(self, field):
        if field.tables.scaled:
            raise ValueError(
                f"interaction={self.interaction!r} overflows at {self.n_features_in_} units, so energies are known by "
                "their logarithm only; expected temperature=0. Use a polynomial, or fewer units."
            )
