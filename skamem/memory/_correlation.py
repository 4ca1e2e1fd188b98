"""Learning by correlation, W = Xᵀ Y: adding outer products stores patterns, taking them away forgets them."""

from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, rules
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.memory._base import BaseMemory

__all__ = ["CorrelationMemory"]


class CorrelationMemory(BaseMemory):
    """Abstract base of memories that learn ``correlation_``: exact integers for two-valued patterns, whole weights."""

    def _learn(self, stream, *, reset):
        two_valued = stream.code.low is not None and stream.target_code.low is not None
        exact = two_valued and stream.counts_are_whole and (reset or self._exact)
        dtype = self._accumulator_dtype(stream, exact, reset)
        correlation = 0.0 if reset else stream.placement.asarray(self.correlation_, dtype)
        blocks = stream.rows
        steps = fit_tasks(self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=dict)
        self._exact = exact
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            correlation = correlation + rules.correlation(X, Y, weight)
            self.correlation_ = correlation
            self._count(X, Y, weight)

    def _accumulator_dtype(self, stream, exact, reset):
        """The input's type, or float64 where float32 could not hold the integers that a field sums up."""
        xp = stream.placement.xp
        dtype = stream.dtype if reset else self.correlation_.dtype
        total = stream.total_weight + (0.0 if reset else self.total_weight_)
        # 2**23 and not 2**24: recall adds halves to tell ties.
        return xp.float64 if exact and total * stream.X.shape[1] >= 2**23 else dtype

    @transactional
    def forget(self, X, y=None, sample_weight=None):
        """Take away patterns that were stored, as if they never had been.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns, as they were given to `fit` or `partial_fit`. What was never stored is taken away all the same.
        y : array-like of shape (n_patterns, n_outputs), default=None
            Their associated patterns; ignored by autoassociative memories.
        sample_weight : array-like of shape (n_patterns,), default=None
            Their weights.

        Returns
        -------
        self : object
            The memory. Exact for two-valued patterns and whole weights, to rounding otherwise.

        Raises
        ------
        NotFittedError
            When nothing is stored.
        ValueError
            As `partial_fit`, and when more patterns would be forgotten than are stored. A failed call changes nothing.
        """
        check_is_fitted(self)
        self._check_parameters()
        stream = self._receive_patterns(X, y, sample_weight, reset=False)
        n_left, weight_left = self.n_patterns_ - stream.X.shape[0], self.total_weight_ - stream.total_weight
        if n_left < 0 or weight_left < 0:
            raise ValueError(
                f"forget() found {stream.X.shape[0]} patterns of total weight {stream.total_weight:g}; expected at "
                f"most what is stored, {self.n_patterns_} of weight {self.total_weight_:g}."
            )
        for rows in stream.rows:
            X, Y, weight = stream.block(rows, self.correlation_.dtype)
            taken = -(arrays.namespace(X).ones_like(X[:, 0]) if weight is None else weight)
            self.correlation_ = self.correlation_ + rules.correlation(X, Y, taken)
            self._count(X, Y, taken)
        self._exact = self._exact and stream.counts_are_whole
        self.n_patterns_, self.total_weight_ = n_left, weight_left
        return self
