"""What a display draws of the estimator that it was given."""

from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

__all__ = ["drawn_part"]


def drawn_part(estimator, attribute, *, missing, expected):
    """The fitted estimator that is drawn: of a pipeline the last step, of a search the best one.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    attribute : str
        What is drawn of it.
    missing : str
        What it lacks without, for the error.
    expected : str
        What to pass, for the error.

    Returns
    -------
    part : estimator
        With `attribute`.

    Raises
    ------
    TypeError
        Where there is no such attribute.
    sklearn.exceptions.NotFittedError
        Where it is not fitted.
    """
    part = estimator
    while True:
        if isinstance(part, Pipeline):
            part = part.steps[-1][1]
        elif isinstance(part, BaseSearchCV):
            check_is_fitted(part)
            part = getattr(part, "best_estimator_", part.estimator)
        else:
            break
    if not hasattr(part, attribute):
        if attribute.endswith("_") and hasattr(part, "fit"):
            check_is_fitted(part)  # it may have one then
        raise TypeError(f"{type(part).__name__} has no {attribute}, so no {missing} to draw; pass {expected}.")
    check_is_fitted(part)
    return part
