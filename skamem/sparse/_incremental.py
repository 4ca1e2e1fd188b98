"""Sparse regression from sums over rows: rows in blocks, parts that merge, and moments that somebody else took."""

from numbers import Real

import numpy as np
from sklearn.utils import check_array

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.columns import unmasked
from skamem.core.merging import check_learnt, check_same_features
from skamem.core.parameters import plain
from skamem.core.validation import check_number, type_of
from skamem.sparse._base import SparseLinearRegressor
from skamem.sparse._features import read_always_select
from skamem.sparse._inputs import Inputs, check_n_targets, read_rows
from skamem.sparse.objective._design import as_design
from skamem.sparse.objective._sums import condensed, merged_sums, sums_of, sums_of_kept, sums_of_moments

__all__ = ["MomentsRegressor"]


class MomentsRegressor(SparseLinearRegressor):
    """Abstract sparse linear regressor that sums over rows are enough for.

    A subclass gives ``_solve_inputs(inputs, earlier)``, which fits, and ``_earlier_support()``, where to start from.
    """

    _stays_home = ("_sums",)

    @transactional
    def partial_fit(self, X, y, sample_weight=None):
        """Fit to more rows, and to all that came before by `partial_fit`, `merge` or `fit_moments`.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Any units; also a memory-mapped array, which is read in blocks.
        y : array of shape (n_samples,) or (n_samples, n_targets)
            Any units.
        sample_weight : array of shape (n_samples,), default=None
            >= 0, not all zero, see `weight_kind`.

        Returns
        -------
        self : object
            Fitted to all rows as `fit` would be, to rounding, whatever the blocks and their order: as soon as there are
            as many rows as the settings ask for. Until then rows are only summed up.

        Raises
        ------
        ValueError
            As `fit`. After a `fit` that kept no sums (see Notes). A failed call changes nothing.

        Notes
        -----
        Rows are not kept: of p columns of X and y together, p² numbers are, sums of squares and products about the
        means. Cost O(n_samples p²), and O(p³) with a search a call: give large blocks. Sums hold squares, half of the
        digits: distances between columns below 3e-7 of their deviation, and residuals below 1e-7 of that of y, are not
        told from 0, as they are in `fit`; near there coefficients have few digits.

        To go on from a `fit` works where that has made all sums itself: with up to 96 features, none a copy of another.
        Else begin with `partial_fit`.
        """
        begins = not hasattr(self, "_sums")
        if begins and hasattr(self, "coef_"):
            raise ValueError(_no_sums("This estimator"))
        X, y, weight, placement, is_vector = read_rows(
            self, X, y, sample_weight, method=None if begins else "partial_fit"
        )
        if not begins:
            self._check_targets(y.shape[1], is_vector, "y has")
        sums = sums_of(X, y, weight, placement, is_vector=is_vector)
        like = placement.asarray(np.zeros(0), arrays.float_dtype(X, placement.xp))
        self._keep(sums if begins else merged_sums(sums_of_kept(self._sums), sums), like)
        self._solve_sums(self._earlier_support())
        return self

    @transactional
    def merge(self, other):
        """Fit to all rows that another estimator has seen too, as if they had come by `partial_fit`.

        Parameters
        ----------
        other : object
            Of the same class, and of as many features and targets; its parameters do not matter, and it does not
            change. It may have too few rows yet to be fitted. Fit it by `partial_fit`: `fit` keeps sums only where it
            has made them, see there.

        Returns
        -------
        self : object
            Fitted to the rows of both; if it had none, to those of `other`.

        Raises
        ------
        TypeError, ValueError, NotFittedError
            For what is no such estimator. A failed call changes nothing.
        """
        if not isinstance(other, type(self)):
            raise TypeError(f"other is {type_of(other)}; expected {type_of(self)}.")
        if not hasattr(other, "_sums"):
            check_learnt(other)
            raise ValueError(_no_sums("other"))
        if hasattr(self, "_sums"):
            self._check_like(other)
            self._keep(merged_sums(sums_of_kept(self._sums), sums_of_kept(other._sums)), other._like)
        elif hasattr(self, "coef_"):
            raise ValueError(_no_sums("This estimator"))
        else:
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(other, name):
                    setattr(self, name, getattr(other, name))
            place = arrays.resolve_backend(self._backend, other._like)
            self._keep(sums_of_kept(other._sums), place.asarray(other._like))
        self._solve_sums(self._earlier_support())
        return self

    @transactional
    def fit_moments(
        self, gram, Xy, yy, n_samples, *, X_mean=None, y_mean=None, centered=False, total_weight=None
    ):  # fmt: skip
        """Fit to rows of which only second moments are known.

        Parameters
        ----------
        gram : array-like of shape (n_features, n_features)
            X'X, or with weights X'WX; the names of its columns, in a data frame, are those of the features.
        Xy : array-like of shape (n_features,) or (n_features, n_targets)
            X'y, or X'Wy.
        yy : float or array-like of shape (n_targets,) or (n_targets, n_targets)
            y'y, or y'Wy: sums of squares of each target, or with their products, which do not matter.
        n_samples : float
            Rows, >= 1.
        X_mean : array-like of shape (n_features,), default=None
            Means of the columns of X, by weight. Needed for an intercept; zeros for columns that were centred.
        y_mean : float or array-like of shape (n_targets,), default=None
            Means of y, by weight. Likewise.
        centered : bool, default=False
            Whether `gram`, `Xy` and `yy` are about the means, Σ (x - x̄)(x - x̄)': then means of None are zeros.
        total_weight : float, default=None
            Sum of the weights, > 0; None for `n_samples`.

        Returns
        -------
        self : object
            Fitted as `fit` would be to the rows; `partial_fit` and `merge` go on from there.

        Raises
        ------
        ValueError
            For shapes that do not fit, moments that no rows can have, and for an intercept without means. A failed call
            changes nothing.

        Notes
        -----
        Moments about 0 of columns far from 0 have lost digits: as many as the square of the ratio of mean and standard
        deviation has. Take them about the means (``centered=True``), or let `partial_fit` take them. Moments in float32
        have seven digits to begin with, of which a search keeps half. Cost O(n_features³) and a search.

        Examples
        --------
        >>> import numpy as np
        >>> from skamem import IHTRegressor
        >>> X = np.random.default_rng(0).standard_normal((60, 200))
        >>> y = 3.0 * X[:, 4] - 2.0 * X[:, 70] + 1.0
        >>> model = IHTRegressor(2)
        >>> model.fit_moments(X.T @ X, X.T @ y, y @ y, len(X), X_mean=X.mean(axis=0), y_mean=y.mean()).support_
        array([ 4, 70])
        """
        earlier = self._earlier_support()
        gram, placement = self._receive(gram, reset=True)
        digits = max(float(np.finfo(str(arrays.dtype_name(array))).eps) for array in (gram, Xy) if _is_float(array))
        like = gram
        gram, Xy, yy = (_on_host(name, array) for name, array in (("gram", gram), ("Xy", Xy), ("yy", yy)))
        is_vector = Xy.ndim == 1
        Xy = Xy[:, None] if is_vector else Xy
        _check_moments(gram, Xy)
        check_n_targets(self, Xy.shape[1])
        check_number("n_samples", n_samples, kind=Real, low=1)
        if total_weight is not None:
            check_number("total_weight", total_weight, kind=Real, low=0, low_open=True)
        mean_x = _vector("X_mean", X_mean, len(gram))
        mean_y = _vector("y_mean", y_mean, Xy.shape[1])
        if centered:
            mean_x, mean_y = (
                np.zeros(n) if mean is None else mean for mean, n in ((mean_x, len(gram)), (mean_y, Xy.shape[1]))
            )
        sums = sums_of_moments(
            gram, Xy, _vector("yy", np.diagonal(yy) if yy.ndim == 2 else yy, Xy.shape[1]), mean_x=mean_x, mean_y=mean_y,
            weight=float(n_samples if total_weight is None else total_weight), n_rows=float(n_samples),
            centered=bool(centered), is_vector=is_vector, digits=digits,
        )  # fmt: skip
        self._keep(sums, placement.asarray(np.zeros(0), arrays.float_dtype(like, placement.xp)))
        self._solve_sums(earlier, whole=True)
        return self

    def _keep(self, sums, like):
        """Take over sums, which stay on the host, of rows that had the type and the place of the empty array `like`."""
        if not np.all(np.isfinite(sums["total"])):
            raise ValueError("sample_weight is so large that no float holds the sums by it; scale the weights.")
        if hasattr(self, "_like"):
            xp = arrays.namespace(self._like)
            like = xp.astype(self._like, arrays.wider_dtype(xp, self._like, like))
        self._sums, self._like = sums, like
        self.n_samples_seen_ = sums["weight"]

    def _solve_sums(self, earlier, *, whole=False):
        """Fit to the sums if they are of rows enough; `whole` if they are given as those of all rows."""
        sums = self._sums
        if self.fit_intercept and not sums["knows_mean"]:
            raise ValueError(
                "fit_intercept=True needs the means of X and y; give X_mean and y_mean (zeros for columns that were "
                "centred), or set fit_intercept=False."
            )
        if not whole and self._rows_needed() > sums["n_rows"]:
            return
        data = condensed(sums, fit_intercept=self.fit_intercept, check=whole)
        place, design = arrays.placement_of(self._like), as_design(data.X)
        self._solve_inputs(
            Inputs(design, data.y, sums["is_vector"], None, place, like=self._like, stands_for=data), earlier
        )
        self.n_passes_ = 1

    def _rows_needed(self):
        """Rows without which a fit with these settings has nothing to choose from."""
        n_locked = len(read_always_select(self)) if self.always_select is not None else 0
        size = plain(self.n_nonzero_coefs) if self.groups is None else 0
        needed = max(min(size or 0, self.n_features_in_), n_locked + self.fit_intercept if n_locked else 0)
        return max(needed, 1)

    def _check_like(self, other):
        check_same_features(self, other)
        self._check_targets(other._sums["n_targets"], other._sums["is_vector"], "other has seen")

    def _check_targets(self, n_targets, is_vector, found):
        known = self._sums
        if n_targets != known["n_targets"] or is_vector != known["is_vector"]:
            kinds = [
                "a one-dimensional y" if vector else f"{n} targets"
                for n, vector in ((n_targets, is_vector), (known["n_targets"], known["is_vector"]))
            ]
            raise ValueError(f"{found} {kinds[0]}; expected {kinds[1]}, as before.")

    def _why_not_fitted(self):
        if not hasattr(self, "_sums") or hasattr(self, "coef_"):
            return None
        return (
            f"This %(name)s has seen {self._sums['n_rows']:g} rows and needs {self._rows_needed()} for its settings; "
            "call `partial_fit` with more, or lower n_nonzero_coefs."
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coef_")


def _no_sums(whose):
    return (
        f"{whose} was fitted by `fit`, which kept no sums to go on from: it does where its search makes them all, of "
        "up to 96 features, none a copy of another. Use `partial_fit` for all rows, from the first on."
    )


def _is_float(array):
    return str(getattr(array, "dtype", "")).endswith(("float32", "float64"))


def _on_host(name, array):
    array = np.atleast_1d(arrays.resolve_backend("numpy", None).asarray(unmasked(array)))
    return check_array(array, ensure_2d=False, dtype=np.float64, input_name=name)


def _check_moments(gram, Xy):
    n = gram.shape[1]
    if gram.shape != (n, n):
        raise ValueError(f"gram has shape {gram.shape}; expected a square, X'X of shape (n_features, n_features).")
    if Xy.ndim != 2 or len(Xy) != n or not Xy.shape[1]:
        raise ValueError(f"Xy has shape {Xy.shape}; expected ({n},) or ({n}, n_targets), a row for each row of gram.")
    size = np.sqrt(np.maximum(np.diagonal(gram), 0.0))
    if np.any(np.abs(gram - gram.T) > 1e-5 * np.maximum(size[:, None] * size, 1e-300)):
        raise ValueError("gram is not symmetric; expected X'X.")


def _vector(name, values, length):
    """A vector of one number for each of `length` things, or None."""
    if values is None:
        return None
    vector = _on_host(name, values)
    if vector.shape != (length,):
        raise ValueError(f"{name} has shape {vector.shape}; expected ({length},).")
    return vector
