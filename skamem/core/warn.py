"""Warnings that name the caller's line, however many frames of ours and of scikit-learn lie between."""

import contextlib
import contextvars
import sys
import warnings
from pathlib import Path

import joblib
import sklearn

__all__ = ["collected_warnings", "warn", "warn_of_collected"]

# The folders whose lines tell a user nothing; functools and contextlib stand between a decorated method and its caller.
_PACKAGES = (Path(package.__file__).parent for package in (sklearn, joblib))
_OURS = tuple(f"{folder}/" for folder in (Path(__file__).parents[1], *_PACKAGES))
_STANDARD = tuple(f"{Path(warnings.__file__).parent / name}" for name in ("functools.py", "contextlib.py"))


def warn(message, category=UserWarning):
    """Give a warning that points to the first line outside skamem, scikit-learn and joblib.

    Parameters
    ----------
    message : str
        What was found, what was expected, and the remedy.
    category : type, default=UserWarning
        Class of the warning.

    Notes
    -----
    Whoever called `fit` sees the own line, from a pipeline or a grid search too, and Python's "once per line" filter
    counts the caller's lines. In a worker process, where all frames are joblib's, the outermost one is named.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("so many patterns")
    >>> caught[0].message
    UserWarning('so many patterns')
    """
    if (kept := _KEPT.get()) is not None:
        kept.pop(category, None)  # the latest of a kind comes last
        kept[category] = message
        return
    _give(message, category)


def _give(message, category):
    level, frame = 3, sys._getframe(2)
    while frame.f_back is not None and _is_inside(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_KEPT: contextvars.ContextVar = contextvars.ContextVar("warnings of this task", default=None)


@contextlib.contextmanager
def collected_warnings():
    """Context whose warnings by `warn` are kept, the latest of each class, and not given: for a task far from its user.

    Unlike what `warnings.catch_warnings` does it concerns the present Python thread alone.

    Yields
    ------
    kept : dict
        Messages by class of warning, for `warn_of_collected`.

    Examples
    --------
    >>> with collected_warnings() as kept:
    ...     warn("three of them")
    ...     warn("four of them")
    >>> kept
    {<class 'UserWarning'>: 'four of them'}
    """
    kept: dict = {}
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


def warn_of_collected(kept):
    """Give what `collected_warnings` kept, to the caller's line."""
    for category, message in kept.items():
        if (outer := _KEPT.get()) is not None:
            outer[category] = message
        else:
            _give(message, category)


def _is_inside(filename):
    return filename.startswith((*_OURS, *_STANDARD))
