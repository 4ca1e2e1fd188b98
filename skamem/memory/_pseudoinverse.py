"""PseudoinverseMemory: the least-squares (projection) memory."""

from numbers import Real
from typing import ClassVar

from skamem.core import arrays, factors, least_squares, rules
from skamem.core.callbacks import fit_tasks
from skamem.core.factors import Factors
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Kind, Options
from skamem.core.rules import RULES
from skamem.memory._base import BaseMemory, symmetric_field_class

__all__ = ["PseudoinverseMemory"]

_OF_SOLVERS = ("solver", "alpha", "n_layers", "step", "hyperpower")  # parameters of the weights, given the patterns


class PseudoinverseMemory(BaseMemory):
    """Associative memory with least-squares weights, W = X⁺ Y of minimum norm.

    Autoassociative, W is the orthogonal projector on the span of the stored patterns: every stored pattern is a fixed
    point, however correlated the patterns are, up to as many as there are units.

    Parameters
    ----------
    target : {"self", "y"}, default="self"
        What a pattern is associated with: itself (`y` is ignored), or the row of `y`.
    solver : {"svd", "cholesky", "neumann"}, default="svd"
        "svd" survives any rank. "cholesky" is much faster and needs independent patterns or ``alpha > 0``.
        "neumann" sums `n_layers` terms of a Neumann series: a residual network with shared weights, equal to that many
        steps of gradient descent.
    alpha : float, default=0.0
        Ridge penalty, >= 0, in squared units of the patterns: W = (Xᵀ X + α I)⁻¹ Xᵀ Y.
    n_layers : int, default=100
        Terms of the Neumann series; for ``solver="neumann"``. When they leave the weights more than 1 % from the
        least-squares solution, `fit` gives a ConvergenceWarning.
    step : "auto" or float, default="auto"
        Step of the Neumann series, in (0, 2 / ‖X Xᵀ + α I‖); "auto" is half that limit.
    hyperpower : bool, default=False
        Let each layer double the number of terms of the Neumann series (Newton-Schulz).
    activation : {"sign", "identity", "step"}, default="sign"
        What a unit does with its field; "identity" is the linear projection, one pass. A unit whose field is 0 (within
        sqrt(eps) of the weights that make it) keeps its state.
    update : {"sync", "async"}, default="sync"
        Feed back all units at once, or one after another in an order drawn in `fit`.
    n_recall_steps : int, default=100
        Feedback steps (sweeps, when asynchronous) at most.
    zero_diagonal : {"auto"} or bool, default="auto"
        Drop the diagonal of W in autoassociation. "auto" drops it under feedback, since with it almost no cue is
        repaired, and keeps it for the linear projection.
    binarize : float or None, default=0.0
        Values above it are on; None takes values as they are (see `HebbianMemory`).
    coding : {"auto", "bipolar", "binary"}, default="auto"
        Coding of the recalled patterns.
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
    weights_ : array of shape (n_units, n_outputs)
        Least-squares weights, diagonal included. Made anew where few patterns of many units are held as factors.
    gram_ : array of shape (n_units, n_units)
        Xᵀ X, kept for `partial_fit`, or the patterns in its place.
    cross_ : array of shape (n_units, n_outputs) or None
        Xᵀ Y, likewise; None for autoassociation.
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
    HebbianMemory : Local, incremental learning; stores about .138 patterns a unit.

    Notes
    -----
    The repairing margin 1 - n_patterns / n_units vanishes at one pattern a unit, where W becomes the
    identity. Cost: `fit` O(m n min(m, n)) for m patterns of n units; one recall step O(n_samples n_units²). For fewer
    patterns than half of the units, and more than about a million weights, weights and moments are held as factors of
    m n numbers, and a recall step costs O(n_samples m n). Many rows, those of a memory-mapped file say, are
    read block by block, with the same weights to rounding. Otherwise `partial_fit` works on Xᵀ X, which squares the
    condition number: patterns are told apart if their singular values exceed sqrt(n eps) of the largest, units brought
    to one size. Centre columns that are far from 0 first.

    References
    ----------
    Kohonen and Ruohonen (1973), IEEE Transactions on Computers C-22:701, doi:10.1109/TC.1973.5009138.
    Personnaz, Guyon and Dreyfus (1985), Journal de Physique Lettres 46:359, doi:10.1051/jphyslet:01985004608035900.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import PseudoinverseMemory
    >>> patterns = np.sign(np.random.default_rng(0).standard_normal((40, 100)))  # far beyond .138 n
    >>> memory = PseudoinverseMemory().fit(patterns)
    >>> cues = patterns.copy()
    >>> cues[:, :3] *= -1
    >>> bool((memory.predict(cues) == patterns).all())
    True
    """

    _anchor = "_weights"
    _rule = RULES["pseudoinverse"]
    _parameters: ClassVar[dict[str, Kind]] = {
        "solver": Options(*least_squares.SOLVERS),
        "alpha": Interval(Real, low=0.0),
        "n_layers": COUNT,
        "step": Options("auto") | Interval(Real, low=0.0, low_open=True),
        "hyperpower": BOOLEAN,
        "zero_diagonal": Options(True, False, "auto"),
    }

    def __init__(
        self,
        target="self",
        *,
        solver="svd",
        alpha=0.0,
        n_layers=100,
        step="auto",
        hyperpower=False,
        activation="sign",
        update="sync",
        n_recall_steps=100,
        zero_diagonal="auto",
        binarize=0.0,
        coding="auto",
        missing="free",
        check_stored=True,
        random_state=None,
        backend=None,
    ):
        self.target = target
        self.solver = solver
        self.alpha = alpha
        self.n_layers = n_layers
        self.step = step
        self.hyperpower = hyperpower
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
        """Least-squares weights, diagonal included; made anew where they are held as factors."""
        return factors.matrix(self._weights)

    @weights_.setter
    def weights_(self, weights):
        self._weights = weights  # weights made by hand recall as learnt ones do

    @property
    def gram_(self):
        """Xᵀ X, made anew where the patterns are kept instead."""
        return factors.matrix(self._gram)

    @property
    def cross_(self):
        """Xᵀ Y; None for autoassociation."""
        return None if self._cross is None else factors.matrix(self._cross)

    def _learn(self, stream, *, reset):
        keeps = self._keeps_patterns(stream, reset)
        reduces = reset and not keeps and len(stream.rows) > 1  # more rows than work at once are first made few
        blocks = stream.rows if reduces or not reset else [slice(None)]
        dtype = stream.dtype if reset else self._weights.dtype
        sqrt, few = stream.placement.xp.sqrt, None

        def fitted_so_far():
            if reduces:
                return {"_weights": self._solve(*few, self.solver)}
            return {"_weights": self._weights if reset else self._solve_moments()}

        steps = fit_tasks(
            self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=fitted_so_far
        )
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            self._count(X, Y, weight)
            if weight is not None:
                root = sqrt(weight)[:, None]
                X, Y = root * X, None if Y is None else root * Y
            begins = reset and few is None
            if reduces:
                few = least_squares.reduced(X, Y, few)
            elif reset:  # before there are moments: the solver needs its room
                self._weights = self._solve(X, Y, self.solver)
            self._gather(X, Y, keeps=keeps, reset=begins)
        if reduces or not reset:
            self._weights = fitted_so_far()["_weights"]

    def _keeps_patterns(self, stream, reset):
        """Whether what `partial_fit` needs is fewer numbers as patterns than as moments."""
        if not reset and not isinstance(self._gram, Factors):
            return False
        n_patterns, n_units = stream.X.shape[0] + (0 if reset else self._gram.inputs.shape[0]), stream.X.shape[1]
        return factors.pays(n_patterns, n_units, n_units)

    def _gather(self, X, Y, *, keeps, reset):
        """Keep the moments Xᵀ X and Xᵀ Y of all patterns, as their factors, the patterns themselves, or as matrices."""
        if not keeps:
            gram, cross = rules.correlation(X), None if Y is None else rules.correlation(X, Y)
            self._gram = gram if reset else factors.matrix(self._gram) + gram
            self._cross = cross if reset or cross is None else factors.matrix(self._cross) + cross
            return
        concat = arrays.namespace(X).concat
        X = arrays.copy(X) if reset else concat([self._gram.inputs, X], axis=0)
        if Y is not None:
            Y = arrays.copy(Y) if reset else concat([self._cross.outputs, Y], axis=0)
        self._gram, self._cross = Factors(X), None if Y is None else Factors(X, Y)

    def _join(self, other, placement, *, reset):
        dtype = arrays.wider_dtype(placement.xp, other._home(), None if reset else self._home())
        gram, cross, weights = (
            None if part is None else factors.placed(part, placement, dtype)
            for part in (other._gram, other._cross, other._weights)
        )
        if reset:
            self._gram, self._cross = gram, cross
            alike = all(getattr(self, name) == getattr(other, name) for name in _OF_SOLVERS)
            self._weights = weights if alike else self._solve_moments()
            return
        held = factors.cast(self._cross, dtype) if cross is not None else None
        self._gram = factors.summed(factors.cast(self._gram, dtype), gram)
        if cross is not None and isinstance(self._gram, Factors):
            cross = Factors(self._gram.inputs, placement.xp.concat([held.pushed, cross.pushed], axis=0))
        elif cross is not None:
            cross = factors.matrix(held) + factors.matrix(cross)
        self._cross = cross
        self._weights = self._solve_moments()

    def _solve(self, X, Y, solver):
        """Weights from the patterns themselves."""
        options = {}
        if solver == "neumann":
            options = {"n_layers": self.n_layers, "step": self.step, "hyperpower": self.hyperpower}
        Y = X if Y is None else Y
        few = factors.pays(*X.shape, Y.shape[1])
        try:
            return (least_squares.FACTORS if few else least_squares.SOLVERS)[solver](X, Y, alpha=self.alpha, **options)
        except least_squares.LinAlgError as error:
            raise ValueError(
                f"solver='cholesky' with alpha={self.alpha!r} found linearly dependent patterns: {error}. Use "
                "solver='svd', or alpha > 0."
            ) from error

    def _solve_moments(self):
        """Weights from the accumulated moments, where patterns may be dependent."""
        if isinstance(self._gram, Factors):
            targets = None if self._cross is None else self._cross.outputs
            return self._solve(self._gram.inputs, targets, "svd" if self.solver == "cholesky" else self.solver)
        cross = self._gram if self._cross is None else self._cross
        if self.solver == "neumann":
            return least_squares.neumann_moments(
                self._gram, cross, alpha=self.alpha, n_layers=self.n_layers, step=self.step, hyperpower=self.hyperpower
            )
        return least_squares.moments(self._gram, cross, alpha=self.alpha, scaled=True)

    def _remedy(self, over):
        if over:
            return super()._remedy(over)
        if self.solver == "neumann":
            return "The series is too short for them: more n_layers, hyperpower=True, or solver='svd'."
        if self.alpha > 0:
            return f"alpha={self.alpha:g} weighs more than they do: a smaller one holds them."
        xp, n_units = factors.namespace(self._gram), self._gram.shape[0]
        gram = self._gram  # that of the patterns has the same spectrum, but for zeros
        if isinstance(gram, Factors):
            gram = gram.inputs @ xp.matrix_transpose(gram.inputs)
        values = xp.linalg.eigvalsh(gram)
        span = values[values > n_units * xp.finfo(values.dtype).eps * values[-1]]
        if span.shape[0] == 0:
            return "None of them has any weight."
        condition = float(values[-1] / span[0]) ** 0.5
        if condition < xp.finfo(values.dtype).eps ** -0.25:  # moments square it; fields are told from 0 to sqrt(eps)
            return super()._remedy(over)
        return (
            f"They are so nearly dependent (condition {condition:.1e}) that weights are inexact: store them in one fit "
            "with solver='svd', or use DenseMemory."
        )

    _field_class = property(symmetric_field_class)

    def _make_field(self):
        zero_diagonal = self.activation != "identity" if self.zero_diagonal == "auto" else self.zero_diagonal
        drops = zero_diagonal and self.target == "self"
        return self._field_class(self._weights, zero_diagonal=drops, noise=self._rule.noise(self._weights))
