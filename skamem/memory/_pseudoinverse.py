"""PseudoinverseMemory: the least-squares (projection) memory."""

from numbers import Real
from typing import ClassVar

from skamem.core import arrays, factors, least_squares, rules
from skamem.core.callbacks import fit_tasks
from skamem.core.magnitudes import check_products
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
        Xᵀ X, made on demand.
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
    patterns than half of the units, and more than about a million weights, weights are held as factors of m n numbers,
    and a recall step costs O(n_samples m n). For `partial_fit` and `merge` the patterns are kept, or as many rows as
    there are units that have the same least-squares weights, R of X = Q R: learnt in parts, or read block by block
    from a memory-mapped file, weights are those of one `fit`, to rounding, far from 0 and in units of any size too.
    Each call solves anew, O(n³); from n patterns on, with ``solver="svd"``, ``alpha=0`` and well-conditioned patterns,
    O(n²) for each new pattern and output.

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
        """Xᵀ X, made anew."""
        rows, _ = self._kept
        return rules.correlation(rows)

    @property
    def cross_(self):
        """Xᵀ Y, made anew; None for autoassociation."""
        rows, targets = self._kept
        return None if targets is None else rules.correlation(rows, targets)

    def _learn(self, stream, *, reset):
        dtype = stream.dtype if reset else self._weights.dtype
        sqrt, held = stream.placement.xp.sqrt, None if reset else self._kept
        blocks = stream.rows

        def fitted_so_far():
            return {"_weights": self._solve(*held, again=not reset)}

        steps = fit_tasks(
            self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=fitted_so_far
        )
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            self._count(X, Y, weight)
            if weight is not None:
                root = sqrt(weight)[:, None]
                X, Y = root * X, None if Y is None else root * Y
            held = least_squares.reduced(X, Y, held)
        self._kept, self._weights = held, fitted_so_far()["_weights"]

    def _join(self, other, placement, *, reset):
        dtype = arrays.wider_dtype(placement.xp, other._home(), None if reset else self._home())
        X, Y = (placement.asarray(part, dtype) for part in other._kept)
        if not reset:
            held = tuple(placement.asarray(part, dtype) for part in self._kept)
            X, Y = least_squares.reduced(X, Y, held)
        self._kept = X, Y
        if reset and all(getattr(self, name) == getattr(other, name) for name in _OF_SOLVERS):
            self._weights = factors.placed(other._weights, placement, dtype)
            return
        self._weights = self._solve(X, Y, again=True, n_patterns=self.n_patterns_ + other.n_patterns_)

    def _solve(self, X, Y, *, again, n_patterns=None):
        """Weights from rows that stand for the patterns; `again` says that some may have come before."""
        solver = "svd" if again and self.solver == "cholesky" else self.solver
        options = {}
        if solver == "neumann":
            options = {"n_layers": self.n_layers, "step": self.step, "hyperpower": self.hyperpower}
        Y = X if Y is None else Y
        few = factors.pays(*X.shape, Y.shape[1])
        if solver != "svd":
            check_products([X, X], owner=f"{type(self).__name__}(solver={solver!r})", made="their squares")
        elif not few:
            options = {"n_patterns": self.n_patterns_ if n_patterns is None else n_patterns}
        try:
            return (least_squares.FACTORS if few else least_squares.SOLVERS)[solver](X, Y, alpha=self.alpha, **options)
        except least_squares.LinAlgError as error:
            raise ValueError(
                f"solver='cholesky' with alpha={self.alpha!r} found linearly dependent patterns: {error}. Use "
                "solver='svd', or alpha > 0."
            ) from error

    def _remedy(self, over):
        if over:
            return super()._remedy(over)
        if self.solver == "neumann":
            return "The series is too short for them: more n_layers, hyperpower=True, or solver='svd'."
        if self.alpha > 0:
            return f"alpha={self.alpha:g} weighs more than they do: a smaller one holds them."
        rows, _ = self._kept
        xp, n_units = arrays.namespace(rows), rows.shape[1]
        values = xp.linalg.svdvals(rows)
        span = values[values > n_units * xp.finfo(values.dtype).eps * values[0]]
        if span.shape[0] == 0:
            return "None of them has any weight."
        condition = float(values[0] / span[-1])
        if condition < xp.finfo(values.dtype).eps ** -0.5:  # fields are told from 0 to sqrt(eps)
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
