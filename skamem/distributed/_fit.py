"""Fits of blocks: those of estimators that merge as a tree of tasks, others one block after the other."""

import copy
import itertools

import numpy as np
from sklearn.base import clone

from skamem.core.merging import check_parts_merge
from skamem.core.reduction import PairwiseReduction
from skamem.core.validation import type_of
from skamem.core.warn import collected_warnings, warn, warn_of_collected
from skamem.distributed._dask import Runner
from skamem.distributed._sources import carried, open_source, opened
from skamem.exceptions import CapacityWarning

__all__ = ["fit_blocks"]


def fit_blocks(estimator, blocks, y=None, *, sample_weight=None, block_size=None, client=None, **fit_params):
    """Fit an estimator to blocks of rows, on Dask's workers.

    Of an estimator that merges, such as `HebbianMemory` or `InvariantProjection`, each block is learnt by itself, and
    what was learnt is merged two by two, on whichever workers are free. Of one that only has ``partial_fit`` blocks are
    learnt one after the other. What comes out depends on the blocks and their order alone, not on workers, on how many
    there are, or on when they end; a worker that dies is made up for.

    Parameters
    ----------
    estimator : estimator
        With ``merge`` and ``partial_fit`` (or ``fit``), or with ``partial_fit``. It is cloned and stays as it is.
    blocks : dask array, dask dataframe, array, memmap, sparse matrix, data frame, or iterable
        Rows X. Chunks of rows of a dask array, partitions of a dataframe, and parts of a table are blocks. A memmap is
        opened by the workers, which must find its file under the same path. An iterable, a generator too, gives blocks:
        each X, a pair (X, y) or a triple (X, y, sample_weight), or a `dask.delayed` recipe for one. A few of them are
        held at a time. Empty blocks are left out.
    y : dask array, dask series, array, str, int, list of str or iterable, default=None
        Targets, in blocks as X is, as many; or the name of the column, or the columns, of data frames that hold them,
        which are taken out of X. Beside blocks whose sizes Dask does not know, or a dask dataframe, a NumPy array is
        refused: nothing says which rows of it go with which block.
    sample_weight : dask array, dask series, array, str or iterable, default=None
        Weights, as `y`.
    block_size : int, default=None
        Rows of a block, where a table is cut; None for 64 MiB.
    client : distributed.Client, default=None
        Where to compute; None takes the current client, or threads where there is none.
    **fit_params
        Further arguments of ``partial_fit`` for every block, such as ``classes``.

    Returns
    -------
    fitted : estimator
        A fitted clone.

    Raises
    ------
    TypeError
        For an estimator that can do neither, or what is no source of blocks.
    ValueError
        When there are no rows, or `y` does not go with them, or parts of the estimator cannot merge. What the
        estimator, or a recipe of one step, or a generator raises comes with the block's number.
    ImportError
        Where Dask is not installed.

    Warns
    -----
    UserWarning
        When several workers have to work one after the other, in sequence.

    See Also
    --------
    predict_blocks : Ask a fitted estimator, lazily.

    Notes
    -----
    n blocks take n fits and n - 1 merges, log2(n) of them one after the other. Tasks take one thread of the BLAS each:
    let workers have as many threads, or processes, as there are cores. What workers warn of is told here, at the end,
    the latest of each class. An option that is found from the rows, such as ``coding="auto"``, is found from each
    block: say what it is.

    A recipe of one step, as ``dask.delayed(load)(path)`` is, runs in the task that learns its block.

    Examples
    --------
    >>> import dask.array as da
    >>> from skamem import HebbianMemory
    >>> from skamem.datasets import make_patterns
    >>> from skamem.distributed import fit_blocks
    >>> patterns = make_patterns(30, 1000, random_state=0)
    >>> memory = fit_blocks(HebbianMemory(), da.from_array(patterns, chunks=(10, -1)))
    >>> bool((memory.predict(patterns) == patterns).all())
    True
    """
    learns, merges = _abilities(estimator)
    if merges:
        check_parts_merge(estimator)
    source = open_source(blocks, y, sample_weight, block_size=block_size)
    runner = Runner(client)
    estimator = clone(estimator)
    if not merges and runner.client is not None and runner.n_slots > 1:
        warn(
            f"{type(estimator).__name__} has partial_fit but no merge, so its blocks are learnt in sequence, one after "
            f"the other, though {runner.n_slots} tasks could run at a time. An estimator with merge would use them all."
        )
    blocks = enumerate(source.blocks)
    arguments = (runner.value(estimator), learns, fit_params)
    fitted = (_reduced if merges else _chained)(runner, blocks, _window(source, runner), arguments)
    if fitted is None:
        raise ValueError("blocks hold no rows of positive weight; expected at least one.")
    fitted, told, _ = fitted
    warn_of_collected(told)
    return fitted


def _abilities(estimator):
    """The method that learns a block, and whether what was learnt merges."""
    merges = callable(getattr(estimator, "merge", None))  # not a parameter of that name
    if hasattr(estimator, "partial_fit"):
        return "partial_fit", merges
    if merges and hasattr(estimator, "fit"):
        return "fit", merges
    name = type(estimator).__name__ if hasattr(estimator, "get_params") else type_of(estimator)
    raise TypeError(
        f"{name} has neither merge nor partial_fit (with these parameters), so it cannot learn block by block. Fit it "
        "to a sample of rows that fits into memory, and hand it to predict_blocks; or take an estimator that merges, "
        "such as HebbianMemory, PseudoinverseMemory or InvariantProjection. ShardedMemory spreads the patterns of "
        "ModernHopfieldMemory and KernelMemory over workers."
    )


def _window(source, runner):
    """How many blocks are in one graph: all recipes; of data a power of two that keeps the workers busy."""
    return None if source.is_light else 2 ** max(1, 2 * runner.n_slots - 1).bit_length()


def _windows(blocks, length):
    """Lists of so many blocks; one list of all for None."""
    blocks = iter(blocks)
    while window := list(itertools.islice(blocks, length)):
        yield window


def _reduced(runner, blocks, length, arguments):
    """Each block learnt by itself; all merged in an order that is that of one tree, however many windows there are."""
    whole, waiting = PairwiseReduction(_merged), []
    for window in _windows(blocks, length):
        tree = PairwiseReduction(lambda before, after: runner.task(_merged, before, after))
        for number, block in window:
            tree.add(runner.task(_learnt, *arguments, None, number, *carried(block)))
        waiting.append(runner.start(tree.result()))
        if len(waiting) > 1:  # one computes while the next is read
            whole.add(runner.result(waiting.pop(0)))
    for started in waiting:
        whole.add(runner.result(started))
    return whole.result()


def _chained(runner, blocks, length, arguments):
    """One block learnt after the other."""
    fitted = None
    for window in _windows(blocks, length):
        chain = fitted if fitted is None else runner.value(fitted)
        for number, block in window:
            chain = runner.task(_learnt, *arguments, chain, number, *carried(block))
        fitted = runner.result(runner.start(chain))
    return fitted


# ------------------------------------------------------------------------------------------ on the workers


def _learnt(estimator, method, fit_params, before, number, X, y, sample_weight):
    """A fitted copy, its warnings, and its first and last block: of `before` that learns one more, or of `estimator`.

    None before any row.
    """
    try:
        X, y, sample_weight = opened(X, y, sample_weight)
        if np.shape(X)[0] == 0 or (sample_weight is not None and not np.any(np.asarray(sample_weight))):
            return before
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        # Tasks may run again, so that they must not change what they were given.
        fitted, told, (first, _) = (clone(estimator), {}, (number,) * 2) if before is None else copy.deepcopy(before)
        with collected_warnings() as kept:
            fitted = getattr(fitted, method)(X, *(() if y is None else (y,)), **weights, **fit_params)
    except Exception as error:
        error.add_note(f"in block {number} of fit_blocks")
        raise
    return fitted, _told(kept, told), (first, number)


def _merged(before, after):
    """What two copies have learnt, as another one, with their warnings and blocks."""
    if before is None or after is None:
        return after if before is None else before
    (fitted, told, blocks), (other, others_told, others_blocks) = copy.deepcopy(before), after
    try:
        with collected_warnings() as kept:
            fitted = fitted.merge(other)
    except Exception as error:
        error.add_note(f"when {_span(*blocks)} and {_span(*others_blocks)} of fit_blocks were merged")
        raise
    return fitted, _told(kept, told, others_told), (blocks[0], others_blocks[1])


def _span(first, last):
    return f"block {first}" if first == last else f"blocks {first} to {last}"


def _told(kept, *earlier):
    """Warnings by class; that a part is too much to store is no news where the whole says how much it is."""
    told = {category: message for part in earlier for category, message in part.items()}
    told.pop(CapacityWarning, None)
    return told | kept
