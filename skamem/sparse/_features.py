"""Options that name features: by column, by name, or by a rule that survives columns that a fold does not have."""

import functools

import numpy as np

__all__ = ["group_by_prefix", "read_always_select", "read_groups"]


def group_by_prefix(*prefixes):
    """Rule for ``groups``: features whose names start with the same of `prefixes` are one group, others stand alone.

    For what encoders make of a categorical column. A rule, unlike labels, also fits where a fold lacks a category.

    Parameters
    ----------
    *prefixes : str
        At least one; the longest that a name starts with counts.

    Returns
    -------
    rule : callable
        ``name -> prefix or None``. It pickles.

    Examples
    --------
    >>> from skamem.sparse import group_by_prefix
    >>> rule = group_by_prefix("cat__colour_", "cat__size_")
    >>> rule("cat__colour_red"), rule("num__age")
    ('cat__colour_', None)
    """
    if not prefixes or not all(isinstance(prefix, str) for prefix in prefixes):
        raise TypeError(f"prefixes={prefixes!r}; expected one or more strings.")
    return functools.partial(_prefix_of, prefixes)


def _prefix_of(prefixes, name):
    return max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)


def read_always_select(estimator):
    """Ascending column indices that the parameter `always_select` of an estimator names, once it has seen X."""
    value, n_features = estimator.always_select, estimator.n_features_in_
    index = np.asarray([] if value is None else value)
    if index.size == 0:
        return np.empty(0, dtype=np.intp)
    if index.ndim == 1 and index.dtype.kind in "UO" and all(isinstance(name, str) for name in index):
        return _places(index, _names(estimator, "always_select"))
    if index.ndim != 1 or index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= n_features:
        raise ValueError(
            f"always_select={value!r} is not a list of features; expected column indices in "
            f"[0, {n_features}), or names."
        )
    return np.unique(index)


def _places(wanted, names):
    place = {name: j for j, name in enumerate(names)}
    missing = [str(name) for name in wanted if name not in place]
    if missing:
        raise ValueError(
            f"always_select names {missing}, which X does not have; expected some of {list(map(str, names[:10]))}"
            f"{' ...' if len(names) > 10 else ''}. Take them off the list, or keep the columns in X."
        )
    return np.unique([place[name] for name in wanted])


def read_groups(estimator):
    """Columns of each group that the parameter `groups` of an estimator says, or None, once it has seen X."""
    value, n_features = estimator.groups, estimator.n_features_in_
    if value is None:
        return None
    if callable(value) or isinstance(value, dict):
        label_of = value if callable(value) else value.get
        return _collected([label_of(name) for name in _names(estimator, "groups")])
    labels = np.asarray(value)
    if labels.shape != (n_features,):
        raise ValueError(
            f"groups has shape {labels.shape}; expected ({n_features},): one label for each feature of X. Where "
            "columns come and go, as with one-hot levels, give a rule from names to labels, such as group_by_prefix."
        )
    return _collected(labels.tolist())


def _collected(labels):
    """Columns of each label, in the order of their first members; None stands alone."""
    groups = {}
    for column, label in enumerate(labels):
        groups.setdefault(("alone", column) if label is None else ("label", label), []).append(column)
    return [np.array(columns) for columns in groups.values()]


def _names(estimator, parameter):
    if not hasattr(estimator, "feature_names_in_"):
        raise ValueError(
            f"{parameter}={getattr(estimator, parameter)!r} goes by names, but X has none; expected a DataFrame whose "
            "columns are strings. Pass one (ColumnTransformer gives it after set_output(transform='pandas')), or use "
            "column indices."
        )
    return estimator.feature_names_in_
