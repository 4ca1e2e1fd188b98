"""What an imputer does with what comes in and goes out: arrays and data frames, read as numbers and written back."""

import numpy as np
from sklearn import get_config
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from skamem.core import arrays
from skamem.core.base import SkamemTransformer
from skamem.core.columns import unmasked
from skamem.core.merging import MergeableEstimator
from skamem.core.warn import warn
from skamem.impute._features import CATEGORICAL, check_table, learnt_features, number_feature
from skamem.impute._output import Outline, written
from skamem.impute._table import Table, is_frame, is_mixed, missing_entries, read_table

__all__ = ["BaseTableImputer"]


class BaseTableImputer(SkamemTransformer, MergeableEstimator):
    """Abstract base of imputers. What subclasses learn they keep as `_features`, `_encoding` and `indicator_`."""

    def _read(self, X, *, method):
        """The table as given, its `Table`, and a placement."""
        check_is_fitted(self)
        return self._read_as(X, self._features, reset=False, method=method)[:3]

    def _read_anew(self, X, *, method=None):
        """The table as given, its `Table`, a placement, and what its columns are; `fit` names no method."""
        self._begin_or_go_on(method, begins=method is None)
        if isinstance(self.categorical_features, str) and self.categorical_features != "from_dtype":
            raise ValueError(f"categorical_features={self.categorical_features!r}; expected {CATEGORICAL}.")
        return self._read_as(X, None, reset=method is None, method=method)

    def _read_as(self, X, features, *, reset, method):
        check_table(X)
        X = unmasked(X)
        by_type = self.categorical_features is None or isinstance(self.categorical_features, str)
        if not is_mixed(X) and (by_type if features is None else all(f.kind == "number" for f in features)):
            values, placement = self._receive(X, reset=reset, method=method, ensure_all_finite="allow-nan")
            codes = np.array(arrays.to_numpy(values), dtype=np.float64)
            missing = missing_entries(codes, self.missing_values)
            codes[missing] = np.nan
            X = X if is_frame(X) else arrays.to_numpy(values)
            features = features or [number_feature(n_given) for n_given in np.sum(~missing, axis=0)]
            return X, Table(codes, missing), placement, features
        given = X if isinstance(X, np.ndarray) and X.dtype.kind == "f" else None  # stays an array of such numbers
        if not is_frame(X):
            X = np.asarray(X, dtype=object) if isinstance(X, list | tuple) else X
            X = check_array(X, dtype=object, ensure_all_finite=False, input_name="X")
        elif not len(X):
            raise ValueError("Found array with 0 sample(s); expected at least one row.")
        X = validate_data(self, X, reset=reset, skip_check_array=True)
        if features is None:
            features = learnt_features(X, self.missing_values, self.categorical_features)
        table = read_table(X, features, self.missing_values)
        X, typed = (X, table.codes) if given is None else (given, given)
        return X, table, self._placement_for(typed, method), features

    def _written(self, X, table, codes, placement):
        outline = Outline(
            self._features,
            self._kept(),
            None if self.indicator_ is None else self.indicator_.features_,
            self.get_feature_names_out(),
        )
        container = getattr(self, "_sklearn_output_config", {}).get("transform", get_config()["transform_output"])
        return written(X, Table(codes, table.missing), outline, container, placement)

    def _warn_of_dropped(self):
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
        if dropped := np.delete(names, self._kept()).tolist():
            warn(f"Skipping features without any observed values: {dropped}; keep_empty_features=True keeps them.")

    def _kept(self):
        """Features that `transform` gives back."""
        return np.arange(self.n_features_in_) if self.keep_empty_features else np.unique(self._encoding.feature)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        names : ndarray of str
            Those of the features, then ``missingindicator_...``.
        """
        check_is_fitted(self)
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        flagged = [] if self.indicator_ is None else names[self.indicator_.features_]
        flags = [f"missingindicator_{name}" for name in flagged]
        return np.concatenate([names[self._kept()], np.asarray(flags, dtype=object)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags
