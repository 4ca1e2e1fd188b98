"""Standardised least squares without a standardised copy of X.

The solver thinks in x̃_j = √ω ∘ (x_j - μ_j) d_j, columns of unit length, and in a target of unit length; then the
support depends neither on the units of a feature nor on those of y, and every tolerance is relative. X̃ is never formed:

    X̃ᵀ r = d ∘ (Xᵀ (√ω ∘ r) - μ Σ √ω ∘ r)

Vectors over samples live where X lives. What has one entry a feature, or less, is NumPy on the host.
"""

import copy

import numpy as np
from sklearn import get_config

from skamem.sparse.objective._copies import copies
from skamem.sparse.objective._design import host
from skamem.sparse.objective._fit import Fit
from skamem.sparse.objective._linalg import (
    EPS,
    ZERO_LOSS,
    damped_least_squares,
    independent,
    nonnegative_solve,
    regularised_solve,
    well_conditioned_solver,
)
from skamem.sparse.objective._quadratic import ColumnsQuadratic, DenseQuadratic, LazyQuadratic
from skamem.sparse.objective._units import check_squares, check_target, go_to_units

__all__ = ["Problem"]

# Column sums of squares are recomputed from centred columns when centring cancels more than this factor.
_CANCELLATION = 1e4
# Up to this many features a whole Gram matrix costs no more than the calls that would build it row by row.
_FEW = 96


class Problem:
    """min ‖ỹ - X̃ w‖² + α ‖w‖² over sparse w.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
    y : array of shape (n_samples, n_targets)
        Where X lives, in the design's wide type.
    sample_weight : array of shape (n_samples,) or None
        Where X lives, in the design's wide type.
    fit_intercept : bool
    alpha : float
        Ridge on standardised coefficients.
    locked : int array
        Features that every support contains.
    positive : bool
        Whether coefficients must not be negative; for a single target.
    precisions : bool
        Whether weights are inverse variances, whose scale means nothing, rather than repetitions.
    merge_copies : bool
        Whether of columns that are copies of each other, in other units too, only the first is usable.
    stands_for : Condensed, default=None
        Where `design` and `y` are a few rows that stand for many: what is known of those. Then `fit_intercept` is
        False, and `sample_weight` None; means and weights are in the few rows.

    Attributes
    ----------
    correlation : array of shape (n_features, n_targets)
        X̃ᵀ ỹ.
    lengths : array of shape (n_targets,)
        ‖y_t - ȳ_t‖ of each target; 0 when it is constant.
    scale : float
        Their norm, which ỹ was divided by.
    dependent : int array
        Those of `locked` that the others span; they are not kept.
    is_delicate : bool
        Whether Gram matrices were found to have too few digits, so that the columns themselves are searched.
    zero_loss : float
        Loss that rounding leaves of an exact fit by coefficients of length about one.
    has_copies : bool
        Whether some column was found to be a copy of another, and is not used.
    is_far_from_zero : bool
        Whether some column's mean is large against its spread, so that sums of its squares would lose digits.
    mean, inverse_norm : array of shape (n_features,)
        μ and d, in the units of the design; d is 0 for a constant column and for a copy, which are never selected.

    Raises
    ------
    ValueError
        When X is not finite (that is seen here, and not by a pass of its own), or when squares of a column overflow.
    """

    def __init__(
        self,
        design,
        y,
        sample_weight=None,
        *,
        fit_intercept=True,
        alpha=0.0,
        locked=(),
        positive=False,
        precisions=False,
        merge_copies=True,
        stands_for=None,
    ):
        self.precisions = precisions
        self.design = design
        self.alpha = float(alpha)
        self.positive = positive
        self.fit_intercept = fit_intercept
        self.n_features = design.shape[1]
        self.n_targets = y.shape[1]
        self._targets = slice(None)
        self.y = y
        self.stands_for = stands_for
        self._weigh_rows(sample_weight)
        self._centre_target(y)
        self._standardise_columns()
        self.locked = np.zeros(self.n_features, dtype=bool)
        self.locked[np.asarray(locked, dtype=np.intp)] = True
        self.locked &= self.usable
        self.has_copies = False
        if merge_copies:
            gone = copies(self, self.locked, self._rounding)
            self.has_copies = len(gone) > 0
            self.usable[gone], self.inverse_norm[gone], self.correlation[gone] = False, 0.0, 0.0
        self._unlock_dependent()
        self._quadratic = None
        self.is_delicate = False

    def _weigh_rows(self, sample_weight):
        xp = self.design.xp
        self.weight = sample_weight
        self.root_weight = None if sample_weight is None else xp.sqrt(sample_weight)
        if self.stands_for is not None:
            self.n_rows, self.total_weight = int(self.stands_for.n_rows), self.stands_for.weight
        elif sample_weight is None:
            self.n_rows = self.design.shape[0]
            self.total_weight = float(self.n_rows)
        else:
            self.n_rows = int(xp.sum(xp.astype(sample_weight > 0, xp.int64)))
            self.total_weight = float(xp.sum(sample_weight))

    def _scaled_rows(self, array):
        return array if self.root_weight is None else array * self.root_weight[:, None]

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is refused
    def _centre_target(self, y):
        xp = self.design.xp
        check_target(y, self.weight)
        raw = self._scaled_rows(y)
        if self.fit_intercept:
            sums = xp.sum(y if self.weight is None else y * self.weight[:, None], axis=0)
            self.target_mean = host(sums) / self.total_weight
            centred = self._scaled_rows(y - self.design.asarray(self.target_mean))
        else:
            self.target_mean = np.zeros(self.n_targets)
            centred = raw
        squares, raw_squares = (host(xp.sum(rows * rows, axis=0)) for rows in (centred, raw))
        check_squares(raw_squares)
        # What is left of a constant after subtracting its rounded mean is rounding, not signal.
        noise = (8 * EPS) ** 2 * raw_squares
        self.lengths = np.sqrt(np.where(squares > noise, squares, 0.0))
        self.scale = float(np.linalg.norm(self.lengths))
        # Rounding of the values as they came, as a fraction of what is left after the mean was taken out.
        self._target_noise = float(np.sum(raw_squares)) / self.scale**2 if self.scale else 1.0
        self.target = centred * self.design.asarray((self.lengths > 0) / (self.scale or 1.0))

    def _standardise_columns(self):
        design, xp = self.design, self.design.xp
        weighted = self._scaled_rows(self.target)
        vectors = weighted
        if self.fit_intercept:
            ones = xp.ones((design.shape[0], 1), dtype=design.wide, device=design.device)
            vectors = xp.concat([ones if self.weight is None else self.weight[:, None], weighted], axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            products, squares = design.first_look(vectors, self.weight)
            if go_to_units(design, squares, self.weight):
                products, squares = design.first_look(vectors, self.weight)
        if not np.all(np.isfinite(squares)):
            design.check_finite()
            column = int(np.flatnonzero(~np.isfinite(squares))[0])
            raise ValueError(
                f"Squares of feature {column} overflow double precision; expected magnitudes below 1e150. Rescale it."
            )
        self.mean = products[0] / self.total_weight if self.fit_intercept else np.zeros(self.n_features)
        centred = squares - self.total_weight * self.mean**2
        self.is_far_from_zero = False
        if self.fit_intercept:
            doubtful = np.flatnonzero(centred < squares / _CANCELLATION)
            self.is_far_from_zero = len(doubtful) > 0
            for some in np.array_split(doubtful, max(1, len(doubtful) // 64)):
                centred[some] = self._centred_squares(some)
        self.usable = centred > (32 * EPS) ** 2 * squares
        # Distance of two copies, one of them rounded in other units.
        digits = design.xp.finfo(design.X.dtype).eps
        self._rounding = 16 * float(digits) * np.sqrt(squares / np.where(self.usable, centred, 1.0))
        self.inverse_norm = np.where(self.usable, 1 / np.sqrt(np.where(self.usable, centred, 1.0)), 0.0)
        growth = np.max(squares[self.usable] / centred[self.usable], initial=1.0)
        self._resolution = (64 * EPS) ** 2 * float(growth)
        wide = design.X.dtype == design.wide
        self.zero_loss = min(self._resolution + (64 * EPS) ** 2 * self._target_noise, ZERO_LOSS) if wide else ZERO_LOSS
        if self.stands_for is not None:  # they come from squares, which have half of the digits
            self.zero_loss = max(ZERO_LOSS, self.stands_for.loss_rounding)
            self._rounding = np.full(self.n_features, self.stands_for.distance_rounding)
            # Their root still tells distances that the squares had: it is looked at down to there.
            self._resolution = self.stands_for.distance_rounding**2
        sums = host(xp.sum(weighted, axis=0))
        self.correlation = (products[-self.n_targets :] - sums[:, None] * self.mean).T * self.inverse_norm[:, None]

    def _centred_squares(self, index):
        xp = self.design.xp
        columns = self.design.columns(index) - self.design.asarray(self.mean[index])
        weighted = columns if self.weight is None else columns * self.weight[:, None]
        rest = host(xp.sum(weighted, axis=0))  # the mean was rounded: take out what it left
        return host(xp.sum(weighted * columns, axis=0)) - rest**2 / self.total_weight

    def _unlock_dependent(self):
        """Of features that every support should contain, leave out what those before it already span."""
        index = np.flatnonzero(self.locked)
        self.dependent = index[:0]
        if len(index) > 1:
            columns = self.columns(index)
            gram = host(self.design.xp.matrix_transpose(columns) @ columns)
            self.dependent = index[~independent(gram)]
            self.locked[self.dependent] = False

    def single_targets(self):
        """One problem for each target; they share what was found out about the columns of X."""
        return [self._single(k) for k in range(self.n_targets)] if self.n_targets > 1 else [self]

    def _single(self, k):
        one = copy.copy(self)
        one._quadratic, one.is_delicate, one.n_targets = None, False, 1
        one._targets = slice(k, k + 1)
        one.lengths, one.target_mean = self.lengths[k : k + 1], self.target_mean[k : k + 1]
        one.scale = float(self.lengths[k])
        growth = self.scale / one.scale if one.scale else 0.0
        one.y = self.y[:, k : k + 1]
        one.target = self.target[:, k : k + 1] * growth
        one.correlation = self.correlation[:, k : k + 1] * growth
        return one

    @property
    def n_counted(self):
        """Number of samples that a criterion counts: the sum of the weights, and no less than the samples.

        Weights are repetitions, yet weights that sum to one do not make a single sample of a thousand.
        """
        return self.n_rows if self.precisions else max(self.total_weight, self.n_rows)

    @property
    def room(self):
        """Most columns that can be independent of each other and of the intercept."""
        intercept = self.fit_intercept if self.stands_for is None else self.stands_for.fit_intercept
        return self.n_rows - intercept

    @property
    def n_passes(self):
        """Products with all of X so far."""
        return self.design.n_passes

    def columns(self, index):
        """Standardised columns `index`: array of shape (n_samples, k) where X lives."""
        columns = self.design.columns(index)  # fresh: changed in place, as memory costs more than arithmetic
        if self.fit_intercept:
            columns -= self.design.asarray(self.mean[index])
        columns *= self.design.asarray(self.inverse_norm[index])
        return self._scaled_rows(columns)

    def gradient(self, residual):
        """Correlation of every standardised column with `residual`: (n_features, n_targets). One pass."""
        return self._correlate(residual, precise=False).T

    def _correlate(self, vectors, *, precise):
        weighted = self._scaled_rows(vectors)
        products = self.design.correlate(weighted, precise=precise)
        if self.fit_intercept:
            sums = host(self.design.xp.sum(weighted, axis=0))
            products = products - sums[:, None] * self.mean
        return products * self.inverse_norm

    def combine(self, coefs):
        """Combination X̃ @ coefs for host `coefs` (n_features, k): where X lives. One pass."""
        scaled = self.inverse_norm[:, None] * coefs
        product = self.design.combine(scaled)
        if self.fit_intercept:
            product = product - self.design.asarray(self.mean @ scaled)
        return self._scaled_rows(product)

    def gram_rows(self, index):
        """Rows `index` of X̃ᵀX̃: (k, n_features). One pass, k at once."""
        return self._correlate(self.columns(index), precise=True)

    def gram(self):
        """All of X̃ᵀX̃: (n_features, n_features). One pass."""
        return self.design.gram(self.mean, self.root_weight) * self.inverse_norm[:, None] * self.inverse_norm

    def small_gram(self, index):
        """Gram matrix of the columns `index` alone, ridge on its diagonal."""
        columns = self.columns(index)
        return host(self.design.xp.matrix_transpose(columns) @ columns) + self.alpha * np.eye(len(index))

    def least_squares(self, support):
        """Least squares on `support`, through the normal equations of its columns alone.

        With `positive`, the support of the result is what nonnegative least squares keeps of it.
        """
        xp = self.design.xp
        columns = self.columns(support)
        gram = host(xp.matrix_transpose(columns) @ columns)
        if self.positive:
            ridge = self.alpha * np.eye(len(support))
            coefs = nonnegative_solve(gram + ridge, self.correlation[support, 0])[:, None]
            kept = np.flatnonzero(coefs[:, 0] > 0.0)
            support, coefs, columns = support[kept], coefs[kept], self.columns(support[kept])
        else:
            coefs = regularised_solve(gram, self.correlation[support], self.alpha)
        fit = self._fit_of(support, columns, coefs)
        # Normal equations leave more of an exact fit than it is judged by.
        return fit if fit.loss > ZERO_LOSS else self.refit(support)

    def _fit_of(self, support, columns, coefs):
        """What `coefs` leave, from the residual itself: a difference of sums would lose the digits of small losses."""
        if self.is_delicate:
            residual = self._residual_of_prediction(support, coefs)
        else:
            residual = self.target - columns @ self.design.asarray(coefs)
        square = float(self.design.xp.sum(residual * residual)) if len(support) else float(self.scale > 0)
        length = float(np.sum(coefs * coefs))
        exact = square <= self.zero_loss * (1.0 + length)
        return Fit(support, coefs, square + self.alpha * length, exact=exact, residual=residual)

    def _residual_of_prediction(self, support, coefs):
        """Residual of the coefficients that the user is given.

        Large ones that cancel are rounded when their units change, and where they cancel in a prediction: a support
        that needs such is no better than what its prediction leaves.
        """
        slopes, intercepts = self.to_input_units(support, coefs)
        full = np.zeros((self.n_features, self.n_targets))
        full[support] = (slopes * self.design.units[support]).T
        n_passes = self.design.n_passes
        predicted = self.design.combine(full) + self.design.asarray(intercepts)
        self.design.n_passes = n_passes  # of a problem that has been copied whole
        return self._scaled_rows(self.y - predicted) * self.design.asarray((self.lengths > 0) / (self.scale or 1.0))

    def admissible(self, values):
        """Entries of `values` that a coefficient may take: all, or with `positive` those above zero."""
        return np.maximum(values, 0.0) if self.positive else values

    def squared_length(self, index, coefs):
        """‖X̃_index @ coefs‖² + α ‖coefs‖²."""
        combination = self.columns(index) @ self.design.asarray(coefs)
        return float(self.design.xp.sum(combination * combination)) + self.alpha * float(np.sum(coefs * coefs))

    def quadratic(self, n_rows=1):
        """The objective as a function of Gram rows, over all features.

        Rows are computed when asked for, and kept; the whole matrix at once where `n_rows` rows, the number expected to
        be needed, are a large part of it.
        """
        if self._quadratic is None:
            total = 1.0 if self.scale else 0.0
            if self.n_features <= max(_FEW, 4 * n_rows):
                self.adopt_gram(self.gram())
            else:
                self._quadratic = LazyQuadratic(
                    self.gram_rows, self.correlation, total, self.usable, self.locked, self.alpha
                )
        return self._quadratic

    def go_to_columns(self):
        """From now on search on the columns themselves; False where that was so already, or they take too much memory.

        A search that finds a Gram matrix at the end of its digits calls this and starts again.
        """
        # Standardised, projected and a product: three copies.
        too_large = 3 * 8 * self.design.shape[0] * self.n_features > get_config()["working_memory"] * 2**20
        if self.is_delicate or self.positive or too_large:
            return False
        self.is_delicate, self._quadratic = True, self._of_columns(np.arange(self.n_features))
        return True

    def _of_columns(self, index):
        return ColumnsQuadratic(
            host(self.columns(index)), host(self.target), self.correlation[index], self.usable[index],
            self.locked[index], self.alpha, self._resolution,
        )  # fmt: skip

    @property
    def whole_gram(self):
        """X̃ᵀX̃ if the search has made all of it, of features none of which is a copy of another; else None."""
        if not isinstance(self._quadratic, DenseQuadratic) or self.has_copies:
            return None
        return self._quadratic.block(np.arange(self.n_features)) - self.alpha * np.diag(self.usable)

    def adopt_gram(self, gram):
        """Take over X̃ᵀX̃, computed elsewhere, for `quadratic`."""
        self._quadratic = DenseQuadratic(
            gram, self.correlation[None], np.array([1.0 if self.scale else 0.0]), self.usable[None], self.locked,
            self.alpha,
        )  # fmt: skip

    def restricted_quadratic(self, working_set):
        """The objective on the features `working_set` alone, from a copy of their columns."""
        if self.is_delicate:
            return self._of_columns(working_set)
        columns = self.columns(working_set)
        xp = self.design.xp

        def rows(index):
            some = xp.take(columns, self.design.asarray(index, xp.int64), axis=1)
            return host(xp.matrix_transpose(some) @ columns)

        return LazyQuadratic(
            rows, self.correlation[working_set], 1.0 if self.scale else 0.0, self.usable[working_set],
            self.locked[working_set], self.alpha,
        )  # fmt: skip

    def refit(self, support):
        """Least squares on `support` to full precision: a `Fit`.

        Cholesky and two steps of iterative refinement reach the accuracy of an orthogonal factorisation unless the
        columns are close to dependent; then LAPACK's least squares answers, on the host.
        """
        columns = self.columns(support)
        xp = self.design.xp
        transposed = xp.matrix_transpose(columns)
        gram = host(transposed @ columns)
        solve = well_conditioned_solver(gram, self.alpha)
        if solve is None:
            coefs = damped_least_squares(host(columns), host(self.target), self.alpha)
            return self._fit_of(support, columns, coefs)
        coefs = solve(host(transposed @ self.target))
        for _ in range(2):
            residual = self.target - columns @ self.design.asarray(coefs)
            coefs = coefs + solve(host(transposed @ residual) - self.alpha * coefs)
        return self._fit_of(support, columns, coefs)

    def to_input_units(self, support, coefs):
        """Coefficients (n_targets, s) and intercepts (n_targets,) for X and y as they were given."""
        slopes, units = (coefs * self.inverse_norm[support, None]).T * self.scale, self.design.units
        mean_x, mean_y = self.mean, self.target_mean
        if self.stands_for is not None:
            mean_x, mean_y = self.stands_for.mean_x / units, self.stands_for.mean_y[self._targets]
        with np.errstate(over="ignore"):  # what no float holds is refused where it would be kept
            return slopes / units[support], mean_y - slopes @ mean_x[support]
