"""What a holographic memory holds and how pairs come to it: checked, bound, counted; with the settings of its fit."""

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.utils import check_random_state, get_tags

from skamem.core import arrays, validation
from skamem.core.binding import random_keys, resolve_algebra
from skamem.core.likeness import is_alike
from skamem.core.merging import MergeableEstimator
from skamem.core.rows import Rows
from skamem.structures._key_space import KeySpace, in_precision
from skamem.structures._mixing import Mixing, drawn_mixing
from skamem.structures._nearest import ValueTable, item_memory, prepared
from skamem.structures._traces import Traces

__all__ = ["PAIRS", "BaseHolographic", "takes_nan"]

PAIRS = 4096  # pairs or cues that are worked on at a time


def _is_same_draw(codes, others):
    """Whether two arrays of random codes, anywhere and in any precision, or None are one draw."""
    if codes is None or others is None:
        return codes is others
    codes, others = arrays.to_numpy(codes), arrays.to_numpy(others)
    return codes.shape == others.shape and bool(np.allclose(codes, others, rtol=1e-5, atol=1e-6))


_DRAWN = ("key_codes_", "value_codes_", "directions_")


class BaseHolographic(MergeableEstimator):
    """Abstract base: traces of bound pairs, keys and values in their length, and a table of the values."""

    _anchor = "output_sum_"
    _stays_home = ("features_",)
    # What the traces depend on.
    _learning_parameters = ("memory", "algebra", "n_components", "n_traces", "features", "unitary")

    def _receive_pairs(self, X, y, sample_weight, *, reset, method=None):
        """Validated keys where the user had them, values on their placement, weights on the host."""
        method = method or (None if reset else "partial_fit")
        name = type(self).__name__
        X, placement = self._receive_cues(X, reset=reset, method=method)
        _refuse_complex(y, "y", name)
        y = validation.check_targets(y, X, placement, placement.xp.float64, owner=name, optional=False)
        y = placement.asarray(y, arrays.float_dtype(X, placement.xp) if reset else self.output_sum_.dtype)
        if not reset and y.shape[1] != self.output_sum_.shape[0]:
            raise ValueError(
                f"y has {y.shape[1]} columns, but {name} was fitted with {self.output_sum_.shape[0]}; give values of "
                "the same width, or call fit to start anew."
            )
        weight = validation.check_sample_weight(sample_weight, X, placement, placement.xp.float64)
        weight = None if weight is None else arrays.to_numpy(weight)
        if weight is not None and not np.all(weight > 0):
            kept = np.flatnonzero(weight > 0)
            X, weight = Rows(X, placement).take(kept), weight[kept]
            y = placement.xp.take(y, placement.asarray(kept), axis=0)
        return X, y, weight, placement

    def _receive_cues(self, X, *, reset, method):
        _refuse_complex(X, "X", type(self).__name__)
        nan = "allow-nan" if takes_nan(self.features if reset else self.features_) else True
        return self._receive(X, reset=reset, method=method, accept_sparse="csr", ensure_all_finite=nan)

    def _open(self, X, y, weight, placement):
        """Draw what is random, and begin with empty traces."""
        algebra, rng = resolve_algebra(self.algebra), check_random_state(self.random_state)
        self._begin()
        self.features_, self.directions_ = self.features, None
        if hasattr(self.features, "fit"):
            cues = arrays.to_numpy(X)
            self.features_ = clone(self.features).fit(cues.toarray() if scipy.sparse.issparse(cues) else cues)
        found = KeySpace(algebra, self.features_, None, None, False).featured(
            Rows(X, placement, y.dtype).block(slice(0, 1)), placement
        )
        n_inputs, n_outputs = found.shape[1], y.shape[1]
        self.n_key_features_ = n_inputs
        n_units = max(n_inputs, n_outputs) if self.n_components is None else int(self.n_components)
        if n_units < n_outputs:
            raise ValueError(
                f"n_components={self.n_components} is too short for y with {n_outputs} columns; expected n_components "
                f">= {n_outputs}."
            )
        # Real keys are no phasors, nor have they the freedom of complex ones.
        as_they_are = n_inputs == n_units and not (algebra.is_complex and "complex" not in arrays.dtype_name(found))

        def placed(drawn):
            return in_precision(placement.asarray(drawn), y)

        def codes(n_numbers, needed):
            return placed(drawn_mixing(n_numbers, n_units, algebra.freedom, rng)) if needed else None

        self.key_codes_ = codes(n_inputs, not as_they_are)
        self.value_codes_ = codes(n_outputs, n_outputs != n_units)
        if self.n_traces > 1:
            self.directions_ = placed(random_keys(int(self.n_traces), n_units, algebra=algebra, random_state=rng))
        empty = np.zeros((int(self.n_traces), n_units), dtype=np.complex128 if algebra.is_complex else np.float64)
        self.trace_ = placed(empty)
        self.key_sum_ = None if self.features is None else self.trace_
        self.output_sum_ = placement.xp.zeros_like(y[0, :])
        self.weight_sum_, self.values_, self.value_counts_ = 0.0, None, None

    def _check_parts_merge(self):
        parameters = self.get_params()
        free = [
            name
            for name, value in parameters.items()
            if value is None and name.startswith("features__") and name.endswith("random_state")
        ]
        if self.random_state is None and (self.n_components is not None or self.n_traces > 1):
            free.insert(0, "random_state")
        if free:
            raise ValueError(
                f"{free[0]}=None draws other random numbers for each part of the rows, so that the traces of "
                f"{type(self).__name__} do not add up; expected a whole number, such as {free[0]}=0."
            )

    def _check_alike(self, other):
        super()._check_alike(other)
        if not hasattr(self, "trace_"):
            return
        if other.output_sum_.shape != self.output_sum_.shape:
            raise ValueError(
                f"other was fitted with y of {other.output_sum_.shape[0]} columns; expected "
                f"{self.output_sum_.shape[0]}, as here."
            )
        if not all(_is_same_draw(getattr(self, name), getattr(other, name)) for name in _DRAWN):
            raise ValueError(
                "other has drawn other random codes of keys or values, so that their traces do not add up; expected "
                "both to be fitted with the same whole number as random_state, or one to have been merged from the "
                "other to begin with."
            )
        if not is_alike(self.features_, other.features_):
            raise ValueError(
                "other has fitted its features otherwise, so that cues have other keys; expected features that depend "
                "on no rows, of a whole number as random_state, or callables."
            )

    def _take_in(self, other, placement, *, reset):
        xp, source = placement.xp, other if reset else self
        dtype = arrays.wider_dtype(xp, other.output_sum_, None if reset else self.output_sum_)
        added = placement.asarray(other.output_sum_, dtype)

        def placed(values):
            return None if values is None else in_precision(placement.asarray(values), added)

        if reset:
            self.features_, self.n_key_features_ = other.features_, other.n_key_features_
            self.weight_sum_, self.values_, self.value_counts_ = 0.0, None, None
        for name in _DRAWN:
            setattr(self, name, placed(getattr(source, name)))
        for name, more in (("trace_", other.trace_), ("key_sum_", other.key_sum_), ("output_sum_", added)):
            more = placed(more)
            setattr(self, name, more if reset or more is None else getattr(self, name) + more)
        self._check_finite(xp)
        self.weight_sum_ += other.weight_sum_
        if not self._passes_through():
            values, counts = map(arrays.to_numpy, (other.values_, other.value_counts_))
            self._renew_values(ValueTable(values, counts), placement, 1.0)

    def _check_finite(self, xp):
        if not bool(xp.all(xp.isfinite(xp.abs(self.trace_)))):
            raise ValueError("The sum of the bound pairs is no longer finite; expected X and y of moderate size.")

    def _add(self, X, y, weight, placement, sign=1.0):
        """Add bound pairs to the traces, or take them away, and renew what cleans up."""
        xp, space, traces = placement.xp, self._key_space(), self._traces()
        weight = np.ones(y.shape[0]) if weight is None else weight
        factors = placement.asarray(sign * weight, y.dtype)
        for rows, block in Rows(X, placement, y.dtype).blocks(64 * self.trace_.shape[1], at_most=PAIRS):
            traces = traces.with_pairs(space, space.keys(block, placement), y[rows, :], factors[rows])
        self.trace_, self.key_sum_ = traces.sums, traces.key_sums
        self.output_sum_ = self.output_sum_ + xp.sum(factors[:, None] * y, axis=0)
        self._check_finite(xp)
        self.weight_sum_ += float(sign * weight.sum())
        if not self._passes_through():
            self._renew_values(ValueTable.of(arrays.to_numpy(y), weight), placement, sign)

    def _renew_values(self, table, placement, sign):
        """The table of distinct values after some came or went, and the memory of them."""
        if self.values_ is not None:
            held = ValueTable(*map(arrays.to_numpy, (self.values_, self.value_counts_)))
            table = held.joined(table) if sign > 0 else held.without(table, type(self).__name__)
        same = self.values_ is not None and np.array_equal(table.values, arrays.to_numpy(self.values_))
        self.value_counts_ = placement.asarray(table.counts)
        if same:
            return
        self.values_ = placement.asarray(table.values)
        # Once fitted, it is the memory of that fit that is fitted again.
        memory = getattr(self, "memory_", self._settings["memory"])
        if memory is not None:
            self.memory_ = item_memory(memory, self.backend).fit(placement.release(self.values_))
        else:
            self._prepared = prepared(self.values_)

    def _passes_through(self):
        return isinstance(self._settings["memory"], str)

    def _traces(self):
        mixing = self._mixing(self.value_codes_, self.output_sum_.shape[0])
        return Traces(self._algebra(), self.trace_, self.key_sum_, mixing)

    def _key_space(self):
        """What makes keys of cues, from the fit alone: parameters may have been set since."""
        mixing, unitary = self._mixing(self.key_codes_, self.n_key_features_), bool(self._settings["unitary"])
        return KeySpace(self._algebra(), self.features_, mixing, self.directions_, unitary, self.n_key_features_)

    def _algebra(self):
        return resolve_algebra(self._settings["algebra"])

    def _mixing(self, codes, n_inputs):
        return None if codes is None else Mixing(codes, n_inputs, self.trace_.shape[1])


def takes_nan(features):
    """Whether cues of these features, or keys where there are none, may hold NaN."""
    if features is None:
        return True
    return hasattr(features, "__sklearn_tags__") and get_tags(features).input_tags.allow_nan


def _refuse_complex(array, name, owner):
    """Raise for complex keys or values, which scikit-learn would refuse with all their entries printed."""
    if not arrays.is_array(array) and not hasattr(array, "dtype"):
        array = arrays.resolve_backend("numpy", None).asarray(array) if isinstance(array, list | tuple) else None
    dtype = str(getattr(array, "dtype", ""))
    if "complex" in dtype:
        raise ValueError(
            f"Complex data not supported: {owner} found {name} of type {dtype}; expected real numbers, which it puts "
            f"into the vectors of its algebra. Give np.hstack([{name}.real, {name}.imag]): inner products stay."
        )
