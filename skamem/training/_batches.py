"""Which rows train together, and which are held back; drawn on the host, so that a seed means the same everywhere."""

import math
import numbers

import numpy as np
import scipy.sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state

from skamem.core.parameters import RandomState
from skamem.core.validation import check_number, type_of

__all__ = [
    "balanced_batches",
    "batch_count",
    "fold_numbers",
    "held_back",
    "shuffled_batches",
    "shuffled_blocks",
    "uploaded",
]


def batch_count(n_rows, batch_size):
    """Number of batches of at most `batch_size` rows that hold `n_rows` rows.

    Parameters
    ----------
    n_rows, batch_size : int
        At least 1.

    Returns
    -------
    n_batches : int

    Examples
    --------
    >>> from skamem.training import batch_count
    >>> batch_count(1000, 300), batch_count(10, 300)
    (4, 1)
    """
    return -(-n_rows // min(batch_size, n_rows))


def shuffled_batches(n_rows, n_batches, random_state):
    """Every row once, in `n_batches` batches of nearly equal size.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    n_batches : int
        At most n_rows.
    random_state : RandomState
        Shuffles.

    Returns
    -------
    batches : list of ndarray
        Row indices, on the host.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import shuffled_batches
    >>> [len(batch) for batch in shuffled_batches(10, 3, np.random.RandomState(0))]
    [4, 3, 3]
    """
    order = random_state.permutation(n_rows)
    return [order] if n_batches == 1 else np.array_split(order, n_batches)


def fold_numbers(codes, n_folds, random_state):
    """Fold of each row, drawn so that every fold has its share of every class.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Class indices.
    n_folds : int
        At least 1.
    random_state : RandomState
        Draws.

    Returns
    -------
    folds : ndarray of shape (n_rows,)
        From 0 to ``n_folds - 1``.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import fold_numbers
    >>> folds = fold_numbers(np.asarray([0, 0, 1, 1, 1, 1]), 2, np.random.RandomState(0))
    >>> sorted(folds[:2].tolist()), sorted(folds[2:].tolist())
    ([0, 1], [0, 0, 1, 1])
    """
    order = random_state.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    folds = np.empty(len(codes), dtype=np.int64)
    folds[order] = np.arange(len(codes)) % n_folds
    return folds


def shuffled_blocks(blocks, n_rows, random_state=None):
    """Blocks of rows in another order: every row once, drawn from a buffer that the stream runs through.

    For ``partial_fit`` on rows that come in an order with a meaning, by class say. Each block that comes in goes into
    the buffer, and as many rows as the buffer then has too many, drawn at random, go out. A row leaves at most a buffer
    and a block ahead of its turn: rows that are further apart mix where the blocks themselves come in random order.

    Parameters
    ----------
    blocks : iterable of tuple of array, csr matrix, data frame, series or list
        What belongs together, X and y say, of equal length; on the host. Read once, one block at a time.
    n_rows : int
        Rows of the buffer, at least 1; memory holds them two times, and a block.
    random_state : int, RandomState or None, default=None
        Draws.

    Returns
    -------
    shuffled : iterator of tuple of array, csr matrix, data frame or series
        Blocks of new arrays, frames with their index; of lists arrays. Nothing until the buffer is full; its rest comes
        last, as one block.

    Raises
    ------
    TypeError, ValueError
        For an `n_rows` that is no integer or below 1, a `random_state` of another kind, blocks that are no tuples or
        hold None, and arrays of a block that differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import shuffled_blocks
    >>> sorted_rows = ((np.full((4, 1), label), np.full(4, label)) for label in range(3))
    >>> [y.tolist() for X, y in shuffled_blocks(sorted_rows, 6, random_state=0)]
    [[0, 0], [1, 0, 1, 0], [2, 2, 1, 2, 2, 1]]
    """
    check_number("n_rows", n_rows, kind=numbers.Integral, low=1)
    if not RandomState().accepts(random_state):
        RandomState().refuse("random_state", random_state)
    return _through_buffer(blocks, int(n_rows), check_random_state(random_state))


def _through_buffer(blocks, n_rows, random_state):
    buffer = None
    for number, block in enumerate(blocks):
        block = _received(block, number)
        if buffer is not None and len(block) != len(buffer):
            raise ValueError(f"Block {number} holds {len(block)} arrays; expected {len(buffer)}, as in those before.")
        pool = block if buffer is None else tuple(map(_joined, buffer, block))
        order = random_state.permutation(pool[0].shape[0])
        n_out = max(0, len(order) - n_rows)
        buffer = tuple(_taken(rows, order[n_out:]) for rows in pool)
        if n_out:
            yield tuple(_taken(rows, order[:n_out]) for rows in pool)
    if buffer is not None and buffer[0].shape[0]:
        yield buffer


def _received(block, number):
    """The arrays of a block."""
    if not isinstance(block, list | tuple) or not block:
        raise TypeError(f"Block {number} is {type_of(block)}; expected a tuple of arrays, (X, y) or (X,).")
    if any(part is None for part in block):
        raise TypeError(f"Block {number} holds None; expected arrays alone: leave it out, as in (X,).")
    check_consistent_length(*block)
    return tuple(np.asarray(part) if isinstance(part, list | tuple) else part for part in block)


def _taken(rows, order):
    return rows.iloc[order] if hasattr(rows, "iloc") else rows[order]


def _joined(first, second):
    """Rows of two arrays, or of two sparse ones or frames, one after the other."""
    if hasattr(first, "iloc"):
        import pandas as pd

        return pd.concat([first, second])
    sparse = scipy.sparse.issparse(first)
    return scipy.sparse.vstack([first, second], format="csr") if sparse else np.concatenate([first, second])


def balanced_batches(codes, n_batches, random_state):
    """Batches with the same number of rows from every class present; small classes are repeated.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Class indices.
    n_batches : int
        At most n_rows.
    random_state : RandomState
        Shuffles.

    Returns
    -------
    batches : list of ndarray
        Row indices, on the host; of nearly equal size, together about n_rows.

    References
    ----------
    Krotov and Hopfield (2016), arXiv:1606.01164, appendix A.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import balanced_batches
    >>> codes = np.asarray([0] * 6 + [1] * 2)
    >>> [np.bincount(codes[batch]).tolist() for batch in balanced_batches(codes, 2, np.random.RandomState(0))]
    [[2, 2], [2, 2]]
    """
    present = np.unique(codes)
    share = math.ceil(len(codes) / len(present))
    columns = []
    for code in present:
        members = np.flatnonzero(codes == code)
        repeats = math.ceil(share / len(members))
        columns.append(np.concatenate([random_state.permutation(members) for _ in range(repeats)])[:share])
    return [part.ravel() for part in np.array_split(np.stack(columns, axis=1), min(n_batches, share))]


def uploaded(batches, placement):
    """The index arrays of an epoch where the data live: one upload an epoch, not one a batch.

    Parameters
    ----------
    batches : list of ndarray
        Row indices, on the host.
    placement : Placement
        Where they are wanted.

    Yields
    ------
    index : int array
        One a batch.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core import arrays
    >>> from skamem.training import uploaded
    >>> batches = [np.asarray([2, 0]), np.asarray([1])]
    >>> [batch.tolist() for batch in uploaded(batches, arrays.placement_of(batches[0]))]
    [[2, 0], [1]]
    """
    order, stop = placement.asarray(np.concatenate(batches)), 0
    for size in map(len, batches):
        start, stop = stop, stop + size
        yield order[start:stop]


def held_back(n_rows, fraction, random_state, strata=None):
    """Rows that train, and rows held back to watch the training.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    fraction : float in (0, 1)
        Share held back.
    random_state : RandomState
        Shuffles.
    strata : ndarray of shape (n_rows,), default=None
        Class indices. Every class keeps its share in both parts; a class of one row trains, and where there are fewer
        rows to hold back than classes, at least one row of each trains.

    Returns
    -------
    train, held : ndarray of int
        Row indices, on the host.

    Raises
    ------
    ValueError
        When no row can be held back: of one row, or of classes of one row each.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import held_back
    >>> train, held = held_back(7, 0.5, np.random.RandomState(0), np.asarray([0, 0, 1, 1, 2, 1, 0]))
    >>> sorted([*train.tolist(), *held.tolist()]), 4 in train
    ([0, 1, 2, 3, 4, 5, 6], True)
    """
    positions = np.arange(n_rows)
    if strata is None:
        _check_some_to_spare(n_rows - 1, "there is 1 (n_samples=1)")
        return train_test_split(positions, test_size=fraction, random_state=random_state)
    _, members, counts = np.unique(strata, return_inverse=True, return_counts=True)
    single = counts[members] == 1
    pool, n_classes = positions[~single], int(np.sum(counts > 1))
    n_held = math.ceil(fraction * len(pool))
    if len(pool) and n_classes <= n_held <= len(pool) - n_classes:
        train, held = train_test_split(pool, test_size=fraction, stratify=strata[pool], random_state=random_state)
        return np.concatenate([train, positions[single]]) if np.any(single) else train, held
    # One row of each class must train; the others may be held back, whatever their classes.
    order = random_state.permutation(n_rows)
    kept = order[np.unique(members[order], return_index=True)[1]]
    spare = np.setdiff1d(order, kept, assume_unique=True)
    _check_some_to_spare(len(spare), "no class has 2")
    held = random_state.permutation(spare)[: max(1, math.ceil(fraction * n_rows))]
    return np.setdiff1d(positions, held), held


def _check_some_to_spare(n_spare, found):
    if n_spare < 1:
        raise ValueError(
            f"early_stopping=True holds rows back, but of distinct rows {found}; give more rows, or set "
            "early_stopping=False."
        )
