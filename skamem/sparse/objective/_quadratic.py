"""The objective as the search sees it: f(w) = total - 2 <c, w> + wᵀ (G + αI) w, known through rows of G.

Three forms share one interface: `LazyQuadratic` computes rows of one G when they are asked for, `DenseQuadratic` holds
one or many whole Gram matrices, `ColumnsQuadratic` holds the columns, for where G has lost too many digits. All arrays
are NumPy; the leading axis runs over problems that are solved in lock step.
"""

import copy

import numpy as np

__all__ = ["ColumnsQuadratic", "DenseQuadratic", "LazyQuadratic"]


class _Quadratic:
    """Shared attributes; see the module.

    Attributes
    ----------
    correlation : array of shape (n_problems, m, n_targets)
        c.
    total : array of shape (n_problems,)
        f(0).
    usable : bool array of shape (n_problems, m)
        False for columns of length 0.
    locked : bool array of shape (m,)
        Members of every support.
    alpha : float
        Ridge; already on the diagonal of every row handed out.
    """

    def __init__(self, correlation, total, usable, locked, alpha):
        self.correlation = correlation
        self.total = total
        self.usable = usable
        self.locked = locked
        self.alpha = alpha
        self.any_locked = bool(locked.any())

    @property
    def n_columns(self):
        return self.correlation.shape[1]


class LazyQuadratic(_Quadratic):
    """One problem; rows of G are computed when first asked for, in groups, and kept.

    Parameters
    ----------
    compute_rows : callable
        Rows of G for an int array of columns: (k,) -> (k, m).
    correlation : array of shape (m, n_targets)
    total : float
    usable, locked : bool arrays of shape (m,)
    alpha : float
    """

    def __init__(self, compute_rows, correlation, total, usable, locked, alpha):
        super().__init__(correlation[None], np.array([total]), usable[None], locked, alpha)
        self._compute_rows = compute_rows
        self._position = np.full(len(correlation), -1)
        self._store = np.empty((0, len(correlation)))
        self._filled = 0

    def prefetch(self, columns):
        """Compute the rows of those `columns` that are not kept yet, in one product."""
        new = columns[self._position[columns] < 0]
        if not len(new):
            return
        rows = self._compute_rows(new)
        rows[np.arange(len(new)), new] = 1.0 + self.alpha  # exactly, whatever the rounding of the norms
        needed = self._filled + len(new)
        if needed > len(self._store):
            grown = np.empty((max(needed, min(2 * len(self._store), self.n_columns)), self.n_columns))
            grown[: self._filled] = self._store[: self._filled]
            self._store = grown
        self._store[self._filled : needed] = rows
        self._position[new] = np.arange(self._filled, needed)
        self._filled = needed

    def has(self, column):
        """Whether the row of `column` is kept already."""
        return self._position[column] >= 0

    def rows(self, problems, columns):
        """Row `columns[k]` of problem `problems[k]`: (k, m)."""
        self.prefetch(columns)
        return self._store[self._position[columns]]

    def support_rows(self, supports):
        """Rows of whole supports (1, s): (1, s, m)."""
        self.prefetch(supports[0])
        return self._store[self._position[supports[0]]][None]

    def block(self, support):
        """Square block of `support`: (s, s), ridge on its diagonal."""
        self.prefetch(support)
        return self._store[self._position[support][:, None], support]


class DenseQuadratic(_Quadratic):
    """Many problems of one size, each with its whole Gram matrix, or one matrix that all share.

    Parameters
    ----------
    gram : array of shape (n_problems, m, m) or (m, m)
        Unit diagonal at usable columns; 0 rows elsewhere. Taken over: the ridge is written to its diagonal.
    correlation : array of shape (n_problems, m, n_targets)
    total : array of shape (n_problems,)
    usable : bool array of shape (n_problems, m)
    locked : bool array of shape (m,)
    alpha : float
    """

    def __init__(self, gram, correlation, total, usable, locked, alpha):
        super().__init__(correlation, total, usable, locked, alpha)
        m = gram.shape[-1]
        gram[..., np.arange(m), np.arange(m)] = np.where(usable if gram.ndim == 3 else usable[0], 1.0 + alpha, 0.0)
        self.gram = gram
        self._shared = gram.ndim == 2

    def rows(self, problems, columns):
        """Row `columns[k]` of problem `problems[k]`: (k, m)."""
        return self.gram[columns] if self._shared else self.gram[problems, columns]

    def support_rows(self, supports):
        """Rows of whole supports (n_problems, s): (n_problems, s, m)."""
        return self.gram[supports] if self._shared else self.gram[np.arange(len(supports))[:, None], supports]

    def block(self, support):
        """Square block of `support` in the first problem: (s, s), ridge on its diagonal."""
        gram = self.gram if self._shared else self.gram[0]
        return gram[support[:, None], support]

    def subset(self, kept):
        """The problems of the mask `kept` alone."""
        part = copy.copy(self)
        for name in ("correlation", "total", "usable") if self._shared else ("correlation", "total", "usable", "gram"):
            setattr(part, name, getattr(self, name)[kept])
        return part


class ColumnsQuadratic(_Quadratic):
    """One problem, with the columns that the Gram matrix is made of.

    Parameters
    ----------
    columns : array of shape (n_samples, m)
        Standardised; host.
    target : array of shape (n_samples, n_targets)
        Host.
    correlation : array of shape (m, n_targets)
    usable, locked : bool arrays of shape (m,)
    alpha : float
    resolution : float
        Squared distance from the span of others within which rounding has moved the columns.
    """

    def __init__(self, columns, target, correlation, usable, locked, alpha, resolution):
        total = float(np.sum(target * target))
        super().__init__(correlation[None], np.array([total]), usable[None], locked, alpha)
        self.columns = columns
        self.target = target
        self.resolution = resolution

    def rows(self, problems, columns):
        """Rows `columns` of G: (k, m)."""
        rows = self.columns[:, columns].T @ self.columns
        rows[np.arange(len(columns)), columns] = 1.0 + self.alpha
        return rows

    def support_rows(self, supports):
        """Rows of whole supports (1, s): (1, s, m)."""
        return self.rows(None, supports[0])[None]

    def block(self, support):
        """Square block of `support`: (s, s), ridge on its diagonal."""
        some = self.columns[:, support]
        return some.T @ some + self.alpha * np.eye(len(support))
