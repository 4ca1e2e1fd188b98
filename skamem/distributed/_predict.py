"""Predictions of blocks, made when they are asked for."""

import re

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skamem.core.validation import type_of
from skamem.distributed._dask import import_dask, is_recipe, run_on_one_thread
from skamem.distributed._sharded import ShardedMemory
from skamem.distributed._sources import is_array_collection, is_frame_collection, open_source, opened

__all__ = ["predict_blocks"]


def predict_blocks(estimator, blocks, method="predict", *, block_size=None, meta=None):
    """Ask a fitted estimator about blocks of rows, lazily.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    blocks : dask array, dask dataframe, array, memmap, sparse matrix, data frame, or iterable
        Rows X, as `fit_blocks` takes them. Of blocks that are tuples (X, y, ...) the first entry is asked.
    method : str, default="predict"
        Which method to ask: "predict", "transform", "predict_proba", "energy" and so on, called with X alone.
    block_size : int, default=None
        Rows of a block, where a table is cut; None for 64 MiB.
    meta : array or data frame, default=None
        For Dask's collections an empty answer, of the right type and columns; None asks about a row of ones.

    Returns
    -------
    answers : dask array, dask dataframe, dask series or generator
        For a dask array an array with the same chunks of rows; for a dataframe a dataframe with the same index and
        divisions, or a series named after the method, where there is one answer a row; else a generator of the answers
        of the blocks, in their order. A recipe of Dask among the blocks is answered by a recipe. Nothing is computed
        before it is asked for.

    Raises
    ------
    TypeError, ValueError, AttributeError
        For what is no source of blocks, a method that is not there or that learns, a `ShardedMemory`, or answers that
        have not a row each.
    ImportError
        Where Dask is needed and not installed.

    See Also
    --------
    fit_blocks : Fit an estimator to blocks.

    Notes
    -----
    Columns of a dataframe are called as the estimator names them (``get_feature_names_out``, ``classes_``), else after
    the method, "predict0" and so on: all are strings, as files of parquet want them.

    Examples
    --------
    >>> import dask.array as da
    >>> from skamem import HebbianMemory
    >>> from skamem.datasets import corrupt, make_patterns
    >>> from skamem.distributed import predict_blocks
    >>> patterns = make_patterns(30, 1000, random_state=0)
    >>> cues = da.from_array(corrupt(patterns, "flip", 0.2, random_state=0), chunks=(10, -1))
    >>> recalled = predict_blocks(HebbianMemory().fit(patterns), cues)
    >>> recalled.chunks[0], bool((recalled.compute() == patterns).all())
    ((10, 10, 10), True)
    """
    if isinstance(estimator, ShardedMemory):
        raise TypeError(
            "estimator is a ShardedMemory, which sends cues to all workers by itself; expected an estimator that is "
            "copied to them. Ask memory.predict(X) about one block of cues after another."
        )
    check_is_fitted(estimator)
    _check_method(estimator, method)
    if is_array_collection(blocks):
        return _of_array(estimator, blocks, method, meta)
    if is_frame_collection(blocks):
        return _of_frame(estimator, blocks, method, meta)
    return _of_blocks(estimator, open_source(blocks, block_size=block_size), method)


_LEARNS = re.compile(r"_|set_|(fit|partial_fit|merge|forget|to)$|fit_")


def _check_method(estimator, method):
    """Raise for a method that is not there, that changes the estimator, or that is none."""
    if not isinstance(method, str):
        raise TypeError(f"method is {type_of(method)}; expected the name of a method, such as 'predict'.")
    asked = getattr(estimator, method)  # where it is not there, the estimator says why
    if _LEARNS.match(method) or not callable(asked):
        raise ValueError(
            f"method={method!r}; expected one that answers rows X and changes nothing, such as 'predict', 'transform' "
            "or 'energy'. Blocks are learnt by fit_blocks."
        )


def _of_blocks(estimator, source, method):
    delayed = import_dask().delayed if source.is_light else None
    shared = None
    for block in source.blocks:
        if is_recipe(block.X):
            delayed = delayed or import_dask().delayed
            shared = delayed(estimator, pure=False) if shared is None else shared
            yield delayed(run_on_one_thread, pure=False)(_asked, shared, method, block.X)
        else:
            yield _asked(estimator, method, block.X)


def _asked(estimator, method, X):
    return getattr(estimator, method)(opened(X)[0])


# ------------------------------------------------------------------------------------------ arrays


def _of_array(estimator, X, method, meta):
    if X.ndim > 1 and any(n != 1 for n in X.numblocks[1:]):
        X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    if meta is None:
        like = np.ones((1, *X.shape[1:]), dtype=X.dtype)
        meta = _example(estimator, method, like)[:0]
    if not hasattr(meta, "dtype"):
        meta = np.asarray(meta)
    shape = {"chunks": (X.chunks[0], *((n,) for n in meta.shape[1:]))}
    shape |= {"drop_axis": list(range(1, X.ndim))} if meta.ndim == 1 and X.ndim > 1 else {}
    shared = import_dask().delayed(estimator, pure=False)
    return X.map_blocks(_answered, shared, method, meta, dtype=meta.dtype, meta=meta, **shape)


def _answered(X, estimator, method, meta):
    """Answers to a chunk."""
    return run_on_one_thread(getattr(estimator, method), X) if X.shape[0] else meta


def _example(estimator, method, like):
    """What the estimator answers to rows of ones."""
    try:
        answer = getattr(estimator, method)(like)
    except Exception as error:
        error.add_note(
            f"when predict_blocks asked {type(estimator).__name__}.{method} about rows of ones, to learn what it "
            "answers; give meta, an empty answer, if it cannot take them"
        )
        raise
    if np.shape(answer)[:1] != (like.shape[0],):
        raise TypeError(
            f"{type(estimator).__name__}.{method} answered {type_of(answer)}, not an array or data frame with a row "
            "for each row of X; Dask's collections hold nothing else. Ask about an iterable of blocks."
        )
    return answer


# ------------------------------------------------------------------------------------------ data frames


def _of_frame(estimator, frame, method, meta):
    if meta is None:
        like = import_dask("dask.dataframe.dispatch").meta_nonempty(frame._meta)
        answer = _example(estimator, method, _ones(like))
        meta = _framed(answer, like, estimator, method).iloc[:0]
    shared = import_dask().delayed(estimator, pure=False)
    return frame.map_partitions(_answered_frame, shared, method, meta, meta=meta)


def _ones(like):
    """A frame with ones for numbers."""
    return like.assign(**{name: kind.type(1) for name, kind in like.dtypes.items() if kind.kind in "iuf"})


def _answered_frame(X, estimator, method, meta):
    """Answers to a partition."""
    if not len(X):
        return meta
    return _framed(run_on_one_thread(getattr(estimator, method), X), X, estimator, method)


def _framed(answer, X, estimator, method):
    """Answers with the index of the rows, and names."""
    import pandas as pd

    if hasattr(answer, "iloc"):
        return answer.set_axis(X.index)
    answer = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
    if answer.ndim == 1:
        return pd.Series(answer, index=X.index, name=method)
    return pd.DataFrame(answer, index=X.index, columns=_column_names(estimator, answer.shape[1], method))


def _column_names(estimator, n_columns, method):
    candidates = [f"{method}{column}" for column in range(n_columns)]
    if method in ("predict_proba", "predict_log_proba", "decision_function") and hasattr(estimator, "classes_"):
        candidates = [str(label) for label in estimator.classes_]
    elif hasattr(estimator, "get_feature_names_out"):
        candidates = list(estimator.get_feature_names_out())
    return candidates if len(candidates) == n_columns else [f"{method}{column}" for column in range(n_columns)]
