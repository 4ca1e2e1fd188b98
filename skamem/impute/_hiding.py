"""Entries hidden on purpose, as gaps occur; and an order of rows that depends on what they are, not on their places."""

import numpy as np

from skamem.core.rows import row_blocks

__all__ = ["content_order", "hidden_entries"]

_BLOCK = 2**14  # rows whose sizes are taken at a time, at most
_HIDDEN = 0.1  # share of the entries that are hidden
_MOST, _FEWER = 0.5, 0.3  # share of the known entries of a feature beyond which so many of them are instead


def content_order(values, known):
    """Rows from the usual to the unusual.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Standardised; 0 where unknown.
    known : bool ndarray of shape (n_rows, n_columns)
        Known entries.

    Returns
    -------
    order : int ndarray of shape (n_rows,)
        By powers of the entries and by gaps: neither the order of rows nor that of columns nor the sign of a column
        matters, rows that are mirror images apart.
    """
    keys = np.empty((3, len(values)))
    for rows in row_blocks(len(values), 32 * values.shape[1], at_most=_BLOCK):
        sizes = np.abs(values[rows])
        for key, power in zip(keys, (3, 1, 2), strict=True):
            key[rows] = np.round((sizes**power).sum(axis=1), 9)
    order = np.lexsort(keys)
    # Where those tie: by the entries themselves, in the order of columns.
    equal = (np.diff(keys[:, order], axis=1) == 0.0).all(axis=0)
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        some = order[tied]
        columns = np.round(np.where(known[some], values[some], np.inf), 9).T[::-1]
        order[tied] = some[np.lexsort([*columns, *keys[:, some]])]
    return order


def hidden_entries(known, random, *, order=None):
    """Mask of known entries to hide, as gaps occur: in each row some of what another row does not know.

    Parameters
    ----------
    known : bool ndarray of shape (n_rows, n_features)
        Known entries, of features that some row knows.
    random : RandomState
        Draws.
    order : int ndarray of shape (n_features,), default=None
        In which order of features to draw; None for theirs.

    Returns
    -------
    hidden : bool ndarray of shape (n_rows, n_features)
        About a tenth of all. A row keeps something to go by, or loses nothing. Drawn at random where there are no gaps.
    """
    order = np.arange(known.shape[1]) if order is None else order
    drawn = np.empty(known.shape)
    drawn[:, order] = random.random_sample(known.shape)
    gaps = ~known
    donors = np.flatnonzero(gaps.any(axis=1) & known.any(axis=1))
    if len(donors):
        rate = gaps.mean()
        others = donors[random.randint(len(donors), size=len(known))]
        hidden = known & gaps[others] & (drawn < min(1.0, _HIDDEN / rate))
        # Where few features have gaps, all rows would lose those, and none could say what they depend on.
        lost = np.count_nonzero(hidden, axis=0) > _MOST * np.count_nonzero(known, axis=0)
        hidden[:, lost] &= drawn[:, lost] < _FEWER * min(1.0, _HIDDEN / rate)
    else:
        hidden = known & (drawn < min(0.5, max(_HIDDEN, 1.0 / known.shape[1])))
    hidden[~(known & ~hidden).any(axis=1)] = False
    return hidden
