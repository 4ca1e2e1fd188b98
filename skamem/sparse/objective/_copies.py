"""Columns that are copies of others, up to their units: of these the first stands for all.

Which of two equal columns enters a support would else be up to rounding, and so to their units.
"""

import numpy as np

from skamem.sparse.objective._design import host

__all__ = ["copies"]

# Columns with one correlation that are compared pair by pair; of more, random projections are compared first.
_FEW = 32


def copies(problem, locked, tolerance):
    """Usable columns that equal an earlier one in standardised units, or one of `locked`.

    Parameters
    ----------
    problem : Problem
        With its columns standardised.
    locked : bool array of shape (n_features,)
        Columns that stand for their copies wherever they are, and are not given.
    tolerance : array of shape (n_features,)
        Distance up to which two columns of unit length are equal: rounding.

    Returns
    -------
    index : int array

    Notes
    -----
    Copies correlate alike with the target, so that only columns which do are looked at: most often none. Cost
    O(p log p).
    """
    correlation = problem.correlation
    key = np.abs(correlation[:, 0]) if correlation.shape[1] == 1 else np.linalg.norm(correlation, axis=1)
    # A sort of numbers alone says most often that there is nothing to look at.
    near = np.diff(np.sort(key)) <= 2 * tolerance.max(initial=0.0)
    found = []
    index = np.flatnonzero(problem.usable) if problem.scale and near.any() else key[:0]
    for run in _runs(index, key[index], tolerance) if len(index) > 1 else ():
        for some in _split(problem, run, tolerance) if len(run) > _FEW else [run]:
            found += _later(problem, some, locked, tolerance)
    return np.array(found, dtype=np.intp)


def _runs(index, key, tolerance):
    """Ascending sets of at least two of the columns `index` whose keys could be equal."""
    order = np.argsort(key, kind="stable")
    near = np.diff(key[order]) <= tolerance[index[order[1:]]] + tolerance[index[order[:-1]]]
    edges = np.flatnonzero(np.diff(np.r_[False, near, False].astype(np.int8)))
    return [np.sort(index[order[start : end + 1]]) for start, end in edges.reshape(-1, 2)]


def _split(problem, run, tolerance):
    """`run` by a random projection of its columns, some at a time."""
    design = problem.design
    direction = design.asarray(np.random.default_rng(0).standard_normal((design.shape[0], 1)))
    parts = [run[start : start + 256] for start in range(0, len(run), 256)]
    key = [np.abs(host(design.xp.matrix_transpose(problem.columns(part)) @ direction))[:, 0] for part in parts]
    return _runs(run, np.concatenate(key), np.sqrt(design.shape[0]) * 4 * tolerance)


def _later(problem, run, locked, tolerance):
    columns = problem.columns(run)
    gram = host(problem.design.xp.matrix_transpose(columns) @ columns)
    columns, gone = host(columns), np.zeros(len(run), dtype=bool)
    for i in np.argsort(~locked[run], kind="stable"):  # locked ones first
        if gone[i]:
            continue
        sign = np.where(gram[i] > 0, 1.0, -1.0)
        distance = np.linalg.norm(columns - sign * columns[:, [i]], axis=0)
        equal = (distance <= tolerance[run] + tolerance[run[i]]) & ~locked[run] & ~gone
        if problem.positive:
            equal &= sign > 0
        equal[i] = False
        gone |= equal
    return run[gone].tolist()
