"""KernelMemory: an interpolating look-up table, from memory to learning by one knob."""

from dataclasses import replace
from numbers import Real
from typing import ClassVar

from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core.parameters import COUNT, Callable, Interval, Kind, Options
from skamem.core.warn import warn
from skamem.memory._kernels import BOUNDED, KERNELS, ON_THE_HOST, kernel_matrix
from skamem.memory._real import RealMemory
from skamem.memory._ridge import FeatureRidge, KernelRidge
from skamem.memory._spread import measured_spread

__all__ = ["KernelMemory"]

_SETTLED = 0.01  # of a standard deviation: completion that moves unknown entries less in its last pass has converged


class KernelMemory(RealMemory):
    """Associative memory that interpolates between stored patterns with a kernel.

    Recall of a cue x is ȳ + k(x, X) C. The coefficients C = (K(X, X) + αI)⁻¹ (Y - ȳ), with ȳ the mean of Y, make stored
    patterns recall what they are associated with, up to `alpha`; a narrow kernel and a small `alpha` give a look-up
    table, a wide one learns. Heteroassociative (``target="y"``) it is kernel ridge
    regression; autoassociative it denoises, and with ``missing="clamp"`` it imputes.

    Parameters
    ----------
    kernel : str or callable, default="rbf"
        "rbf": exp(-γ ‖x - y‖²). "laplacian": exp(-γ ‖x - y‖), with the *Euclidean* distance (scikit-learn's kernel of
        that name has the Manhattan distance). "ntk": the neural tangent kernel of a ReLU network, divided by
        ``depth + 1``. "linear", "poly": x·y, (γ x·y + coef0)^degree. Others of
        `sklearn.metrics.pairwise.pairwise_kernels`, and functions of two rows, are computed on the host.
    gamma : float, default=None
        γ. None is 1 / (n_units · v) for "rbf", its square root for "laplacian", and 1 / n_units for others, with v the
        variance of the stored entries around their means; a tenth of the first for completion (``missing="clamp"``).
    degree : float, default=3
        Of "poly".
    coef0 : float, default=1
        Of "poly" and "sigmoid".
    depth : int, default=2
        Hidden layers of "ntk".
    alpha : float or "auto", default="auto"
        Ridge, >= 0; 0 interpolates. "auto" is 1 for completion (``missing="clamp"``), else .001.
    n_components : int, default=None
        Approximate the kernel with that many features, for many patterns; None keeps it exact.
    approximation : {"nystroem", "fourier"}, default="nystroem"
        Features when `n_components` is given: scikit-learn's `Nystroem`, or its random Fourier features `RBFSampler`
        ("rbf" only).
    target : {"self", "y"}, default="self"
        What a pattern is associated with: itself (`y` is ignored, so that pipelines may pass labels), or the row of
        `y`.
    n_recall_steps : int, default=20
        Updates at most, and passes over unknown entries of stored patterns in `fit`, which gives a ConvergenceWarning
        where the last pass still moves them. Heteroassociation makes one pass.
    missing : {"free", "clamp"}, default="free"
        Whether known entries may be corrected in recall ("free"), or are held at the cue while the unknown ones (NaN)
        are filled in ("clamp").
    add_indicator : bool, default=False
        Append columns to `transform` that tell what was missing, for units with missing entries in `fit`.
    keep_empty_features : bool, default=False
        Whether `transform` keeps units that no stored pattern knows, at 0.
    random_state : int, RandomState instance or None, default=None
        Draws the random features.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    patterns_ : array of shape (n_patterns, n_units)
        Stored patterns, unknown entries filled; with `n_components`, what the features need of them.
    coefficients_ : array of shape (n_patterns or n_components, n_outputs)
        C.
    offset_ : array of shape (n_outputs,)
        Mean of what is recalled; the kernel explains deviations from it.
    centre_ : array of shape (n_units,)
        Mean pattern.
    reach_ : float
        Distance from it to the farthest stored pattern. Feedback of a kernel that grows without end, such as "poly", is
        kept within it, or as near as the cue is.
    gamma_ : float
        γ in use.
    alpha_ : float
        Ridge in use.
    normalization_ : array or None
        Of the features.
    never_known_ : bool array of shape (n_units,)
        Units that no stored pattern knows.
    with_gaps_ : bool array of shape (n_units,)
        Units that some stored pattern does not know.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of str
        Names of the units, when `fit` saw any.

    See Also
    --------
    ModernHopfieldMemory : Averages stored patterns.
    sklearn.kernel_ridge.KernelRidge : The same equation for regression.

    Notes
    -----
    An unknown entry starts at the mean and is recalled again and again from the completed pattern. In `fit` a pattern
    is recalled without itself (the closed leave-one-out form), so what it is filled with is not its own evidence. Cost
    of `fit` O(n_patterns³), once, and once per pass when entries are unknown; O(n_patterns n_components²) with
    `n_components`. A singular K with ``alpha=0`` is solved in the least-squares sense.

    References
    ----------
    Jacot, Gabriel and Hongler (2018), Neural Tangent Kernel, NeurIPS, arXiv:1806.07572.
    Geifman et al. (2020), On the Similarity between the Laplace and Neural Tangent Kernels, NeurIPS, arXiv:2007.01580.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import KernelMemory
    >>> memory = KernelMemory(gamma=1.0, alpha=0.0, target="y").fit([[0.0], [1.0], [2.0]], [[1.0], [0.0], [1.0]])
    >>> memory.predict([[0.0], [0.5], [2.0]]).round(2)
    array([[1.  ],
           [0.39],
           [1.  ]])
    """

    _anchor = "coefficients_"
    _parameters: ClassVar[dict[str, Kind]] = {
        "kernel": Options(*KERNELS, *ON_THE_HOST) | Callable("(X, Y) -> kernel matrix"),
        "gamma": Interval(Real, low=0.0, low_open=True) | None,
        "degree": Interval(Real, low=0.0),
        "coef0": Interval(Real),
        "depth": COUNT,
        "alpha": Options("auto") | Interval(Real, low=0.0),
        "n_components": COUNT | None,
        "approximation": Options("nystroem", "fourier"),
    }

    def __init__(
        self,
        kernel="rbf",
        *,
        gamma=None,
        degree=3,
        coef0=1,
        depth=2,
        alpha="auto",
        n_components=None,
        approximation="nystroem",
        target="self",
        n_recall_steps=20,
        missing="free",
        add_indicator=False,
        keep_empty_features=False,
        random_state=None,
        backend=None,
    ):
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.depth = depth
        self.alpha = alpha
        self.n_components = n_components
        self.approximation = approximation
        self.target = target
        self.n_recall_steps = n_recall_steps
        self.missing = missing
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state
        self.backend = backend

    def _largest_product(self, data):
        """As the base says; and a fit factorises the kernel of all rows with all."""
        largest = super()._largest_product(data)
        return max(largest, data.shape[0] ** 3) if largest else 0

    # ------------------------------------------------------------------ storing

    def _check_parameters(self):
        super()._check_parameters()
        if self.n_components is not None and self.approximation == "fourier" and self.kernel != "rbf":
            raise ValueError(
                f"approximation='fourier' approximates kernel='rbf' only, but found kernel={self.kernel!r}; use "
                "approximation='nystroem'."
            )

    def _learn(self, X, known, Y, weight):
        xp = arrays.namespace(X)
        spread = measured_spread(X, known, weight, owner=type(self).__name__)
        self.centre_ = spread.centre
        self.reach_ = float(xp.max(2.0 * spread.half_norms / spread.unit**2)) ** 0.5 * spread.unit
        completes = self.missing == "clamp" and self.target == "self"
        self.gamma_ = self._chosen_gamma(X.shape[1], float(spread.variance), completes)
        self.alpha_ = (1.0 if completes else 1e-3) if isinstance(self.alpha, str) else float(self.alpha)
        self._note_missing(X, known)
        X = X if known is None else xp.where(known, X, self.centre_)
        self._open_features(X)
        if known is not None:
            X = self._completed(X, known, weight, float(spread.variance) ** 0.5)
        with arrays.overflow_expected():
            features = self._features(X)
        share = None if weight is None else weight[:, None] / xp.sum(weight)
        if Y is not None:
            self.offset_ = xp.mean(Y, axis=0) if share is None else xp.sum(share * Y, axis=0)
        else:
            self.offset_ = self.centre_
        residual = (X if Y is None else Y) - self.offset_
        self.coefficients_ = self._ridge(features, weight).solve(residual)
        if not bool(xp.all(xp.isfinite(self.coefficients_))):
            raise ValueError(self._overflow())
        if self.n_components is None:
            self.patterns_ = X

    def _chosen_gamma(self, n_units, spread, completes):
        if self.gamma is not None:
            return float(self.gamma)
        scaled = 1.0 / (n_units * spread) if spread > 0 else 1.0
        return {"rbf": scaled / 10 if completes else scaled, "laplacian": scaled**0.5}.get(self.kernel, 1.0 / n_units)

    def _completed(self, X, known, weight, spread):
        """Unknown entries recalled, pass by pass, from the other patterns; at the mean where nothing is known."""
        xp = arrays.namespace(X)
        rest = xp.finfo(X.dtype).eps ** 0.5
        held = known | ~xp.any(known, axis=1)[:, None]
        unit = self.reach_ or 1.0
        for _ in range(self.n_recall_steps):
            with arrays.overflow_expected():
                features = self._features(X)
            recalled = self._ridge(features, weight).leave_one_out(X - self.centre_) + self.centre_
            with arrays.overflow_expected():
                new = xp.where(held, X, self._bounded(recalled, X))
            moved, size = (float(xp.sum((change / unit) ** 2)) for change in (new - X, new - self.centre_))
            last, X = X, new
            if moved <= rest**2 * size:
                return X
            if self.n_components is None:
                self.patterns_ = X
        off = float(xp.sum(((X - last) / unit) ** 2) / xp.count_nonzero(~held)) ** 0.5 * unit
        if off > _SETTLED * spread:
            warn(
                f"{type(self).__name__} completed stored patterns in n_recall_steps={self.n_recall_steps} passes, of "
                f"which the last still moved unknown entries by {off:.2g} (root mean square). Allow more passes, take "
                "a larger alpha, or a wider kernel.",
                ConvergenceWarning,
            )
        return X

    def _ridge(self, features, weight):
        return (KernelRidge if self.n_components is None else FeatureRidge)(features, self.alpha_, weight)

    # ------------------------------------------------------------------ features

    def _open_features(self, X):
        """Keep what the features need: the patterns themselves, or a random sample of them or of frequencies."""
        self.patterns_, self.normalization_ = X, None
        if self.n_components is None:
            return
        here, on_host = arrays.placement_of(X), arrays.to_numpy(X)
        random = check_random_state(self.random_state)
        if self.approximation == "fourier":
            sampler = RBFSampler(gamma=self.gamma_, n_components=self.n_components, random_state=random).fit(on_host)
            self.patterns_ = here.asarray(sampler.random_weights_.T, X.dtype)
            self.normalization_ = here.asarray(sampler.random_offset_, X.dtype)
            return

        basis = on_host[random.permutation(len(on_host))[: self.n_components]]
        # Nystroem takes the rows of a precomputed kernel in its own order, and leaves the columns to us.
        ordered = basis[check_random_state(0).permutation(len(basis))]
        kernel = kernel_matrix(self.kernel, basis, ordered, **self._kernel_parameters())
        sampler = Nystroem("precomputed", n_components=len(basis), random_state=0).fit(kernel)
        self.patterns_ = here.asarray(ordered, X.dtype)
        self.normalization_ = here.asarray(sampler.normalization_, X.dtype)

    def _kernel_parameters(self):
        return {"gamma": self.gamma_, "degree": self.degree, "coef0": self.coef0, "depth": self.depth}

    def _features(self, X):
        """Kernel to the stored patterns, or approximate features."""
        xp = arrays.namespace(X)
        if self.n_components is None:
            return self._kernel_to(self.patterns_, X)
        if self.approximation == "fourier":
            return (2.0 / self.n_components) ** 0.5 * xp.cos(
                X @ xp.matrix_transpose(self.patterns_) + self.normalization_
            )
        return self._kernel_to(self.patterns_, X) @ xp.matrix_transpose(self.normalization_)

    def _kernel_to(self, patterns, X):
        try:
            return kernel_matrix(self.kernel, X, patterns, **self._kernel_parameters())
        except MemoryError as error:
            gigabytes = X.shape[0] * patterns.shape[0] * X.dtype.itemsize / 2**30
            raise MemoryError(
                f"{type(self).__name__} found {X.shape[0]} rows and {patterns.shape[0]} patterns, whose kernel matrix "
                f"takes {gigabytes:.3g} GiB, several times in `fit`. Give n_components, 1000 say, for an approximation."
            ) from error

    def _overflow(self):
        return (
            f"kernel={self.kernel!r} with gamma={self.gamma_:.3g}, degree={self.degree!r} is not finite on these "
            f"patterns, which reach {self.reach_:.3g} from their mean: found entries or solutions that overflow. Scale "
            "X, with StandardScaler say; take a lower degree or gamma; or approximate with n_components."
        )

    # ------------------------------------------------------------------ recalling

    def _respond(self, states, known, lacking):
        xp = arrays.namespace(states)
        answers = self._combined(states) + self.offset_
        if not bool(xp.all(xp.isfinite(answers))):
            raise ValueError(
                f"kernel={self.kernel!r} is not finite on these cues, which are too far from the stored patterns: "
                f"those reach {self.reach_:.3g} from their mean. Scale cues as the patterns were, or lower the degree."
            )
        return answers

    def _combined(self, states):
        """k(x, X) C."""
        return self._features(states) @ self.coefficients_

    @property
    def _may_grow(self):
        return self.approximation != "fourier" and self.kernel not in BOUNDED

    def _bounded(self, answers, states):
        """Answers of a kernel that grows without end, no farther from the mean than the state or any stored pattern."""
        if not self._may_grow:
            return answers
        xp = arrays.namespace(states)
        deviations = answers - self.centre_
        beyond = self._beyond(answers, states)
        return xp.where(beyond > 1.0, self.centre_ + deviations / xp.where(beyond > 1.0, beyond, 1.0), answers)

    def _beyond(self, answers, states):
        """How many times farther from the mean answers are than states and stored patterns, shape (n_samples, 1)."""
        xp = arrays.namespace(states)
        unit = self.reach_ or 1.0
        lengths = [
            xp.sum(((rows - self.centre_) / unit) ** 2, axis=1, keepdims=True) ** 0.5 for rows in (answers, states)
        ]
        return lengths[0] / arrays.clip(lengths[1], min=1.0)

    def _feed_back(self, start, known):
        recall = super()._feed_back(start, known)
        if not self._may_grow or self.n_recall_steps == 1 or (known is None and self.missing == "clamp"):
            return recall
        # A state at the bound is no fixed point of the memory, though it stays there.
        xp = arrays.namespace(start)
        answers = self._respond(recall.states, None, None)
        answers = answers if self.missing == "free" else xp.where(known, recall.states, answers)
        inside = self._beyond(answers, recall.states)[:, 0] <= 1.0 + 1e-6
        cycle_length = xp.where(inside, recall.cycle_length, xp.zeros_like(recall.cycle_length))
        return replace(recall, converged=recall.converged & inside, cycle_length=cycle_length)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.kernel in ("chi2", "additive_chi2")
        return tags

    @property
    def _n_features_out(self):
        return self.coefficients_.shape[1]

    @property
    def _cue_bytes(self):
        return 64 * self.patterns_.shape[0]
