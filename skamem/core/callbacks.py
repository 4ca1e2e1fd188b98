"""scikit-learn's fit callbacks (1.9), with stand-ins that do nothing on older versions."""

import contextlib
import functools

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    CALLBACKS_AVAILABLE = True
except ImportError:  # scikit-learn < 1.9
    CALLBACKS_AVAILABLE = False

    class CallbackSupportMixin:
        """Stand-in: scikit-learn before 1.9 has no callbacks to set."""

    def with_callbacks(method):
        """Stand-in: leaves `method` as it is."""

        @functools.wraps(method)
        def unmanaged(estimator, *args, **kwargs):
            return method(estimator, *args, **kwargs)

        return unmanaged


__all__ = ["CALLBACKS_AVAILABLE", "CallbackSupportMixin", "fit_tasks", "with_callbacks"]


def fit_tasks(estimator, tasks, *, name, n_tasks, X=None, y=None, attributes=None, inner=None):
    """Iterate over the steps of a fit and report each one to the estimator's callbacks.

    Parameters
    ----------
    estimator : estimator
        Its running method must be decorated with `with_callbacks`.
    tasks : iterable
        What to iterate over: epochs, blocks of rows, path steps.
    name : str
        Name of one step, shown by progress bars.
    n_tasks : int or None
        Number of steps; None when unknown in advance.
    X, y : array, default=None
        Training data, passed to callbacks that ask for it.
    attributes : callable, default=None
        Returns the fitted attributes (dict) that make a working estimator of the state after the current step;
        called only if a callback wants such an estimator.
    inner : estimator, default=None
        An estimator that is fitted as the step; callbacks reach it as they reach the last step of a pipeline.

    Yields
    ------
    task
        The items of `tasks`. Ends early, cleanly, when a callback asks to stop.
    """
    if not CALLBACKS_AVAILABLE or not (
        getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx")
    ):
        yield from tasks
        return
    root = estimator._init_callback_context(task_name="fit", max_subtasks=n_tasks)
    data = {"estimator": estimator, "X": X, "y": y}
    root.call_on_fit_task_begin(**data)
    for task in tasks:
        step = root.subcontext(task_name=name)
        # An inner fit and its step are one task: callbacks that both have hear of it from the inner one.
        with step.propagate_callback_context(inner) if inner is not None else contextlib.nullcontext():
            step.call_on_fit_task_begin(**data)
            yield task
            stop = step.call_on_fit_task_end(**data, reconstruction_attributes=attributes)
        if stop:
            break
    root.call_on_fit_task_end(**data, reconstruction_attributes=attributes)
