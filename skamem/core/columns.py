"""Tables at the door: which pass as they are, and which columns are no numbers, by name, as NumPy does not say it."""

import contextlib

import numpy as np

from skamem.core import arrays

__all__ = ["is_sound", "numbers_expected", "unmasked"]

_FEW = 2**16  # numbers up to which scikit-learn's calls about an array take longer than a look at it
_NAMED = 5  # columns that a message names, at most
_LONGEST = 60  # characters of an entry that it shows


def is_sound(values, *, ndim=2, ensure_all_finite=True):
    """Whether scikit-learn's `check_array` would surely pass `values` on as they are: a few finite floats of NumPy's.

    It finds that out too, by many calls, most of them about data frames: half of the time of a small `predict`.

    Parameters
    ----------
    values : array-like
        What the user passed.
    ndim : int, default=2
        Dimensions that are asked for.
    ensure_all_finite : bool or "allow-nan", default=True
        As in `check_array`; missing values are left to it.

    Returns
    -------
    sound : bool
        False also says that it has not been found out.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.columns import is_sound
    >>> is_sound(np.ones((2, 3))), is_sound([[1.0, 2.0]]), is_sound(np.array([[1.0, np.nan]]))
    (True, False, False)
    """
    return (
        type(values) is np.ndarray
        and values.ndim == ndim
        and (values.dtype == np.float64 or values.dtype == np.float32)
        and 0 < values.size <= _FEW
        and (ensure_all_finite is False or bool(np.isfinite(np.sum(values))))
    )


def unmasked(values):
    """A masked array of NumPy as a plain one that lacks what is masked: NaN, or None among objects and strings.

    scikit-learn's checks drop the mask, and what stands below it, a sensor's -9999 say, would pass for a value.

    Parameters
    ----------
    values : array-like
        What the user passed.

    Returns
    -------
    values : array-like
        Numbers of a masked array of which something is masked are floats; all else as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.columns import unmasked
    >>> unmasked(np.ma.masked_equal([3, -9999, 5], -9999))
    array([ 3., nan,  5.])
    """
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if not np.ma.is_masked(values):
        return np.ma.getdata(values)
    if values.dtype.kind in "biu":
        return values.astype(np.float64).filled(np.nan)
    if values.dtype.kind in "fc":
        return values.filled(np.nan)
    return np.where(np.ma.getmaskarray(values), None, np.ma.getdata(values).astype(object))  # filled(None) says "?"


@contextlib.contextmanager
def numbers_expected(X, name="X"):
    """Context in which scikit-learn converts a table to finite numbers; it says which columns cannot be converted.

    Nothing is looked at unless the conversion fails.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        What the user passed.
    name : str, default="X"
        The argument's name, for the message.

    Yields
    ------
    None

    Raises
    ------
    ValueError, TypeError
        As scikit-learn: for text, and for entries that are neither numbers nor strings of digits.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.columns import numbers_expected
    >>> X = [[1.0, "red"], [2.0, "blue"]]
    >>> with numbers_expected(X):
    ...     np.asarray(X, dtype=float)
    Traceback (most recent call last):
    ...
    ValueError: Feature 1 of X: could not convert string to float: 'red'; expected numbers. Encode it ...
    """
    try:
        with arrays.overflow_expected():  # scikit-learn sums X first to see whether it is finite
            yield
    except (TypeError, ValueError) as error:
        others = _no_numbers(X) if isinstance(error, TypeError) or "convert" in str(error) else []
        if not others:
            raise
        raise _explained(others, name) from error


def _explained(others, name):
    """The error for columns that are no numbers, given as pairs of their name and an entry that is none."""
    entry = others[0][1]
    shown = repr(entry.item() if isinstance(entry, np.generic) else entry)
    shown = shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."
    names = ", ".join(repr(column) for column, _ in others[:_NAMED])
    names += ", ..." if len(others) > _NAMED else ""
    features, them = ("Features", "them") if len(others) > 1 else ("Feature", "it")
    remedy = f"Encode {them} (OneHotEncoder, or OrdinalEncoder for ranks, in a ColumnTransformer) or leave {them} out."
    if isinstance(entry, str | bytes):
        # In NumPy's words, which people search for.
        return ValueError(
            f"{features} {names} of {name}: could not convert string to float: {shown}; expected numbers. {remedy}"
        )
    return TypeError(f"{features} {names} of {name}: argument must be a string or a real number, not {shown}. {remedy}")


def _no_numbers(X):
    """Pairs of a column's name or index, and its first entry that is no number."""
    found = ((column, _stranger(values)) for column, values in _columns(X))
    return [(column, stranger) for column, stranger in found if stranger is not None]


def _columns(X):
    """Pairs of name and values of the columns of a frame or a host's matrix; none of anything else."""
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        return ((column, X.iloc[:, j]) for j, column in enumerate(X.columns))
    if hasattr(X, "columns") and hasattr(X, "get_columns"):
        return zip(X.columns, X.get_columns(), strict=True)
    try:
        X = np.asarray(X, dtype=object) if isinstance(X, list | tuple) else X
    except ValueError:  # rows of several lengths
        return ()
    return enumerate(X.T) if isinstance(X, np.ndarray) and X.ndim == 2 else ()


def _stranger(values):
    """The first entry of a column that is no number, None where all are."""
    if np.asarray(values).dtype.kind in "mM":  # dates become numbers, but never beside numbers
        return next(iter(values), None)
    try:
        np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return next((value for value in values if not _is_number_or_missing(value)), None)
    return None


def _is_number_or_missing(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return value is None or type(value).__name__ == "NAType"
    return True
