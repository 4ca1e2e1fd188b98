"""PseudoinverseMemory: the least-squares (projection) memory."""

from numbers import Real
from typing import ClassVar

from skamem.core import arrays, least_squares
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Kind, Options
from skamem.core.rules import RULES
from skamem.memory._base import BaseMemory, symmetric_field_class

__all__ = ["PseudoinverseMemory"]


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
        Least-squares weights, diagonal included.
    gram_ : array of shape (n_units, n_units)
        Xᵀ X, kept for `partial_fit`.
    cross_ : array of shape (n_units, n_outputs) or None
        Xᵀ Y, kept for `partial_fit`; None for autoassociation.
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
    identity. Cost: `fit` O(m n min(m, n)) for m patterns of n units; one recall step O(n_samples n_units²).
    `partial_fit` works on Xᵀ X, which squares the condition number: patterns are told apart if their singular values
    exceed sqrt(n eps) of the largest.

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

    _anchor = "weights_"
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

    def _learn(self, stream, *, reset):
        blocks = [slice(None)] if reset else stream.rows
        dtype = stream.dtype if reset else self.weights_.dtype
        transpose, sqrt = stream.placement.xp.matrix_transpose, stream.placement.xp.sqrt

        def fitted_so_far():
            return {"weights_": self.weights_ if reset else self._solve_moments()}

        steps = fit_tasks(
            self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=fitted_so_far
        )
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            self._count(X, Y, weight)
            if weight is not None:
                root = sqrt(weight)[:, None]
                X, Y = root * X, None if Y is None else root * Y
            if reset:  # before there are moments: the solver needs its room
                self.weights_ = self._solve(X, Y)
            gram, cross = transpose(X) @ X, None if Y is None else transpose(X) @ Y
            self.gram_ = gram if reset else self.gram_ + gram
            self.cross_ = cross if reset or cross is None else self.cross_ + cross
        if not reset:
            self.weights_ = self._solve_moments()

    def _solve(self, X, Y):
        """Weights from the patterns themselves."""
        options = {}
        if self.solver == "neumann":
            options = {"n_layers": self.n_layers, "step": self.step, "hyperpower": self.hyperpower}
        try:
            return least_squares.SOLVERS[self.solver](X, X if Y is None else Y, alpha=self.alpha, **options)
        except least_squares.LinAlgError as error:
            raise ValueError(
                f"solver='cholesky' with alpha={self.alpha!r} found linearly dependent patterns: {error}. Use "
                "solver='svd', or alpha > 0."
            ) from error

    def _solve_moments(self):
        """Weights from the accumulated moments Xᵀ X and Xᵀ Y."""
        cross = self.gram_ if self.cross_ is None else self.cross_
        if self.solver == "neumann":
            return least_squares.neumann_moments(
                self.gram_, cross, alpha=self.alpha, n_layers=self.n_layers, step=self.step, hyperpower=self.hyperpower
            )
        return least_squares.moments(self.gram_, cross, alpha=self.alpha)

    def _remedy(self, over):
        if over:
            return super()._remedy(over)
        if self.solver == "neumann":
            return "The series is too short for them: more n_layers, hyperpower=True, or solver='svd'."
        if self.alpha > 0:
            return f"alpha={self.alpha:g} weighs more than they do: a smaller one holds them."
        values = arrays.namespace(self.gram_).linalg.eigvalsh(self.gram_)
        span = values[values > self.gram_.shape[0] * arrays.namespace(values).finfo(values.dtype).eps * values[-1]]
        if span.shape[0] == 0:
            return "They say nothing: every unit is unknown, or 0."
        condition = float(values[-1] / span[0]) ** 0.5
        return (
            f"They are so nearly dependent (condition {condition:.1e}) that weights are inexact: store them in one fit "
            "with solver='svd', or use DenseMemory."
        )

    _field_class = property(symmetric_field_class)

    def _make_field(self):
        zero_diagonal = self.activation != "identity" if self.zero_diagonal == "auto" else self.zero_diagonal
        drops = zero_diagonal and self.target == "self"
        return self._field_class(self.weights_, zero_diagonal=drops, noise=self._rule.noise(self.weights_))
