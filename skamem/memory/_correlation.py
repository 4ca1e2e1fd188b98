"""Learning by sums over patterns, W = Xᵀ Y: adding outer products stores patterns, taking them away forgets them."""

from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, factors, rules
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.factors import Factors
from skamem.core.magnitudes import check_products
from skamem.memory._base import BaseMemory

__all__ = ["AdditiveLearning", "CorrelationMemory"]


class AdditiveLearning:
    """What memories share that learn a sum over patterns, ``_learnt``: a matrix, or its factors while they are few."""

    _anchor = "_learnt"

    def _products(self, X, Y, weight, *, factored):
        """What a block of patterns adds to the sum."""
        if not self._exact:  # fields are products of a cue and of what is learnt from two patterns
            owner = type(self).__name__
            check_products([X, X, X if Y is None else Y], owner=owner, made="fields, products of three of them,")
        if not factored:
            return rules.correlation(X, Y, weight)
        return Factors(*(None if part is None else arrays.copy(part) for part in (X, Y, weight)))  # the caller's arrays

    def _holds_factors(self, n_patterns, n_units, n_outputs):
        """Whether the sum over so many patterns is held as factors."""
        return factors.pays(n_patterns, n_units, n_outputs)

    def _add(self, stream, *, exact, reset):
        """Learn patterns; `exact` says whether what they add are whole numbers."""
        self._exact = exact and (reset or self._exact)
        dtype = stream.dtype if reset else self._learnt.dtype
        weight = stream.total_weight + (0.0 if reset else self.total_weight_)
        dtype = self._sum_dtype(stream.placement.xp, dtype, stream.X.shape[1], weight)
        total = None if reset else factors.cast(self._learnt, dtype)
        factored = self._stays_factored(stream, total)
        blocks = stream.rows
        steps = fit_tasks(self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=dict)
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            more = self._products(X, Y, weight, factored=factored)
            total = more if total is None else factors.summed(total, more, exact=self._exact)
            self._learnt = total
            self._count(X, Y, weight)

    def _stays_factored(self, stream, total):
        """Whether what is learnt from a stream of patterns, on top of a sum, is to be factors."""
        if total is not None and not isinstance(total, Factors):
            return False
        n_units, n_patterns = stream.X.shape[1], stream.X.shape[0] + (0 if total is None else total.inputs.shape[0])
        return self._holds_factors(n_patterns, n_units, n_units if stream.Y is None else stream.Y.shape[1])

    def _join(self, other, placement, *, reset):
        """Add the sum that another memory has learnt."""
        self._exact = other._exact and (reset or self._exact)
        dtype = arrays.wider_dtype(placement.xp, other._home(), None if reset else self._home())
        weight = other.total_weight_ + (0.0 if reset else self.total_weight_)
        dtype = self._sum_dtype(placement.xp, dtype, other.n_features_in_, weight)
        more = factors.placed(other._learnt, placement, dtype)
        if not reset:
            self._check_shape(more)
            more = self._joined(factors.cast(self._learnt, dtype), more)
        self._learnt = more

    def _joined(self, total, more):
        """What is learnt from the patterns of both."""
        return factors.summed(total, more, exact=self._exact)

    def _sum_dtype(self, xp, dtype, n_units, weight):
        """`dtype`, or float64 where float32 could not hold the whole numbers that a field sums up."""
        n_inputs = n_units + 1  # with a unit that is always on, if there is one
        return xp.float64 if self._exact and weight * n_inputs >= arrays.WHOLE_IN_FLOAT32 else dtype

    def _check_shape(self, change):
        """Raise where weights to be added are of other units."""
        expected = tuple(self._learnt.shape)
        if tuple(change.shape) != expected:
            raise ValueError(
                f"{type(self).__name__} was fitted with weights of shape {expected}, but its parameters ask for "
                f"{tuple(change.shape)} now; expected those of `fit`, `fit_intercept` among them."
            )

    def _take_away(self, X, y, sample_weight):
        """Forget patterns."""
        check_is_fitted(self)
        self._check_parameters()
        self._check_unchanged("forget")
        stream = self._receive_patterns(X, y, sample_weight, reset=False)
        n_left, weight_left = self.n_patterns_ - stream.X.shape[0], self.total_weight_ - stream.total_weight
        if n_left < 0 or weight_left < 0:
            raise ValueError(
                f"forget() found {stream.X.shape[0]} patterns of total weight {stream.total_weight:g}; expected at "
                f"most what is stored, {self.n_patterns_} of weight {self.total_weight_:g}."
            )
        for rows in stream.rows:
            total = self._learnt
            X, Y, weight = stream.block(rows, total.dtype)
            change = self._products(X, Y, weight, factored=isinstance(total, Factors))
            self._check_shape(change)
            self._learnt = factors.summed(total, factors.negative(change), exact=self._exact)
            self._count(X, Y, -(arrays.namespace(X).ones_like(X[:, 0]) if weight is None else weight))
        self._exact = self._exact and stream.counts_are_whole
        self.n_patterns_, self.total_weight_ = n_left, weight_left
        return self


class CorrelationMemory(AdditiveLearning, BaseMemory):
    """Abstract base of memories that learn ``correlation_``: exact integers for two-valued patterns, whole weights."""

    @property
    def correlation_(self):
        """The sum over the patterns as a matrix, made anew where it is held as factors."""
        return factors.matrix(self._learnt)

    def _learn(self, stream, *, reset):
        two_valued = stream.code.low is not None and stream.target_code.low is not None
        self._add(stream, exact=two_valued and stream.counts_are_whole, reset=reset)

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
        return self._take_away(X, y, sample_weight)
