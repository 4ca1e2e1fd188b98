"""Input noise: many batches from one draw."""

__all__ = ["NoisePool"]

_MAX_POOL = 2**22
_DRAW = 2**18  # numbers drawn at once: the pool may be float32 or on a device, the draw is neither


class NoisePool:
    """Gaussian input noise from one draw: every batch reads it at another random place.

    Fresh numbers for every batch would cost as much as the matrix products, on a device more; a pool much larger than
    a batch, read at random offsets, differs from them by nothing that training could pick up.

    Parameters
    ----------
    sigma : float
        Standard deviation; 0 for none.
    n_updates, n_batch, n_features : int
        Bound the numbers that can be used at all.
    placement : Placement
        Where the noise is wanted.
    dtype : dtype
        Floating type.
    random_state : RandomState
        Draws pool and offsets, on the host.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core import arrays
    >>> from skamem.training import NoisePool
    >>> rows = np.zeros((200, 50))
    >>> pool = NoisePool(0.5, 10, 200, 50, arrays.placement_of(rows), rows.dtype, np.random.RandomState(0))
    >>> pool.add_to(rows)
    >>> round(float(rows.std()), 1)
    0.5
    """

    def __init__(self, sigma, n_updates, n_batch, n_features, placement, dtype, random_state):
        self._random_state = random_state
        self._n_features = n_features
        self._xp = placement.xp
        self._pool = None
        if sigma > 0:
            batch = n_batch * n_features
            size = min(n_updates * batch, max(_MAX_POOL, 4 * batch))
            self._pool = placement.xp.empty(size, dtype=dtype, device=placement.device)
            for start in range(0, size, _DRAW):
                drawn = random_state.standard_normal(min(_DRAW, size - start))
                drawn *= sigma
                self._pool[start : start + len(drawn)] = placement.asarray(drawn, dtype)

    def add_to(self, rows):
        """Add noise in place.

        Parameters
        ----------
        rows : array of shape (n_rows, n_features)
            At most `n_batch` rows.
        """
        if self._pool is None:
            return
        size = rows.shape[0] * self._n_features
        start = self._random_state.randint(0, self._pool.shape[0] - size + 1)
        rows += self._xp.reshape(self._pool[start : start + size], rows.shape)
