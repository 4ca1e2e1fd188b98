"""Memories whose patterns lie in several places: each place answers for its own, and the answers merge.

What holds the shards, here or on workers, is not known here: `Shards` says what is asked of it.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from sklearn.base import clone

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.rows import row_blocks
from skamem.memory._bandwidth import nearest_others, reference_of, separating_beta_of, separating_sample
from skamem.memory._kernel import KernelMemory
from skamem.memory._kernels import kernel_matrix
from skamem.memory._modern import ModernHopfieldMemory
from skamem.memory._similarity import StoredPatterns
from skamem.memory._softmax import Readout, SoftSums, plain_sums, soft_mean, soft_sums, strongest
from skamem.memory._spread import (
    Spread,
    content_keys,
    half_norms,
    known_counts,
    measured_spread,
    merged_spread,
)

__all__ = ["KernelShard", "ShardedKernelMemory", "ShardedModernHopfieldMemory", "Shards", "modern_shard"]


class Shards(Protocol):
    """Shards, wherever they are, in the order of their patterns."""

    def each(self, function, *args, own=None) -> list:
        """``[function(shard, *args) for shard in shards]``; with `own` each shard has an argument of its own first."""

    def merged(self, function, merge, *args) -> Any:
        """The same, merged two by two by ``merge(one, other)``."""

    def changed(self, function, *args) -> "Shards":
        """Shards that are ``function(shard, *args)``, and stay where they are."""


# ------------------------------------------------------------------------------------------ softmax over patterns


@dataclass(frozen=True)
class ModernShard:
    """Some patterns of a `ModernHopfieldMemory`.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Unknown entries at 0, later at the centre of all.
    known, values, weight : array or None
        As the memory keeps them.
    names : ndarray of str or None
        Of the units.
    spread : Spread
        Of these patterns, later of all, with the `half_norms` of these.
    """

    patterns: Any
    known: Any
    values: Any
    weight: Any
    names: Any
    spread: Spread

    def stored(self, similarity, completed=False):
        """What cues are compared with."""
        return StoredPatterns(self.patterns, self.known, self.spread, similarity, self.weight, None, completed)

    def readout(self):
        """What is averaged."""
        if self.values is not None:
            return Readout(self.values, None, self.weight)
        return Readout(self.patterns, self.known, self.weight)


def modern_shard(memory, X, y=None, sample_weight=None):
    """The shard of rows that `memory` would store.

    Parameters
    ----------
    memory : ModernHopfieldMemory
        Its parameters count.
    X, y, sample_weight : array-like
        As its `fit` takes them.

    Returns
    -------
    shard : ModernShard
    """
    memory = clone(memory)
    return memory.shard(X, y, sample_weight)


def _summary(shard):
    """What all shards together need to know of one."""
    xp = arrays.namespace(shard.patterns)
    weight = xp.ones_like(shard.patterns[:, 0]) if shard.weight is None else shard.weight
    return {
        "names": shard.names,
        "n_patterns": shard.patterns.shape[0],
        "total": float(xp.sum(weight)),
        "spread": replace(shard.spread, half_norms=None),
        "counts": known_counts(shard.patterns, shard.known, weight),
        "ever_known": None if shard.known is None else xp.any(shard.known, axis=0),
        "always_known": None if shard.known is None else xp.all(shard.known, axis=0),
        "is_weighted": shard.weight is not None,
        "empty": (shard.patterns[:0, :], None if shard.values is None else shard.values[:0, :]),
    }


def _placed(shard, spread, is_masked, is_weighted):
    """A shard that knows the spread of all, in the form that all have."""
    xp, patterns, known, weight = arrays.namespace(shard.patterns), shard.patterns, shard.known, shard.weight
    if known is not None:
        patterns = xp.where(known, patterns, spread.centre)
    elif is_masked:
        known = xp.ones_like(patterns, dtype=xp.bool)
    if weight is None and is_weighted:
        weight = xp.ones_like(patterns[:, 0])
    spread = replace(spread, half_norms=half_norms(patterns, spread.centre, spread.unit))
    return replace(shard, patterns=patterns, known=known, weight=weight, spread=spread)


def _keys(shard):
    return content_keys(shard.patterns, shard.known, shard.spread)


def _taken(shard, index):
    """Patterns of an index array, as `StoredPatterns`."""
    index = arrays.placement_of(shard.patterns).asarray(index)
    return shard.stored("nearest").take(index)


def _nearest_others(shard, patterns):
    return nearest_others(shard.stored("nearest"), patterns)


def _soft_sums(shard, similarity, completed, beta, states, known, lacking):
    stored = shard.stored(similarity, completed)
    return soft_sums(stored.compare(states, known, lacking=lacking), shard.readout(), beta)


def _plain_sums(shard, similarity, completed, states, known, lacking):
    stored = shard.stored(similarity, completed)
    return plain_sums(stored.compare(states, known, lacking=lacking), shard.readout())


def _nearest(shard, states, known):
    return strongest(shard.stored("nearest").compare(states, known), 1)[1]


def _larger(one, other):
    return arrays.namespace(one).maximum(one, other)


def _smaller(one, other):
    return arrays.namespace(one).minimum(one, other)


def _added(one, other):
    return one + other


class ShardedModernHopfieldMemory(ModernHopfieldMemory):
    """A `ModernHopfieldMemory` that asks shards; of patterns it holds those that measure neighbourhoods, or none."""

    def shard(self, X, y=None, sample_weight=None):
        """The `ModernShard` of rows."""
        X, known, Y, weight = self._receive_patterns(X, y, sample_weight, reset=True)
        spread = measured_spread(X, known, weight, owner=type(self).__name__)
        return ModernShard(X, known, Y, weight, getattr(self, "feature_names_in_", None), spread)

    @transactional
    def open(self, shards):
        """Be fitted to what the shards hold, in their order.

        Parameters
        ----------
        shards : Shards
            Of `ModernShard`.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            Where shards do not fit together, or what `fit` would do asks all patterns at once.
        """
        found = shards.each(_summary)
        _check_alike(found)
        is_masked = any(part["ever_known"] is not None for part in found)
        if is_masked and self.target == "self" and self.n_recall_steps > 1:
            raise ValueError(
                f"Stored patterns have unknown entries, which n_recall_steps={self.n_recall_steps} would complete from "
                "all others; of shards that is not done. Use n_recall_steps=1, or complete them before."
            )
        self.n_features_in_, names = found[0]["empty"][0].shape[1], found[0]["names"]
        if names is not None:
            self.feature_names_in_ = names
        self._note_known(found)
        self._keep(merged_spread([part["spread"] for part in found], [part["counts"] for part in found]))
        is_weighted = any(part["is_weighted"] for part in found)
        spread = Spread(self.centre_, None, self.spread_, self.unit_, self.is_offset_)
        self._shards = shards.changed(_placed, spread, is_masked, is_weighted)
        self._hold(found, self._shards, is_weighted)
        return self

    def _note_known(self, found):
        empty = found[0]["empty"][0]
        xp = arrays.namespace(empty)
        nothing = xp.zeros(empty.shape[1], dtype=xp.bool, device=arrays.device(empty))
        ever, always = ~nothing, ~nothing
        if any(part["ever_known"] is not None for part in found):
            ever = nothing
            for part in found:
                ever = ever | (~nothing if part["ever_known"] is None else part["ever_known"])
                always = always & (~nothing if part["always_known"] is None else part["always_known"])
        self.never_known_, self.with_gaps_ = ~ever, ~always

    def _hold(self, found, shards, is_weighted):
        """Set what recall reads of the memory itself, and beta."""
        (empty, self.values_), self.reference_ = found[0]["empty"], None
        xp = arrays.namespace(empty)
        self.patterns_, self.half_norms_ = empty, empty[:, 0]
        self.known_ = xp.ones_like(empty, dtype=xp.bool) if bool(xp.any(self.with_gaps_)) else None
        self.sample_weight_ = empty[:, 0] if is_weighted else None
        order = None
        if self.similarity == "local" or isinstance(self.beta, str):
            keys = shards.each(_keys)
            order = xp.argsort(xp.concat(keys), stable=True)
        self.beta_ = self._beta_of(found, shards, order)
        if self.similarity == "local":
            sample = _sample(shards, reference_of(order), [part["n_patterns"] for part in found])
            self.patterns_, self.known_, self.sample_weight_ = sample.patterns, sample.known, sample.weight
            self.half_norms_ = sample.spread.half_norms
            self.reference_ = xp.arange(sample.patterns.shape[0], device=arrays.device(sample.patterns))

    def _beta_of(self, found, shards, order):
        if not isinstance(self.beta, str):
            return float(self.beta)
        completes = self.missing == "clamp" and self.target == "self"
        if self.beta == "held-out" or (self.beta == "auto" and (completes or self.similarity == "local")):
            raise ValueError(
                f"beta={self.beta!r} is found here on entries that are held out of all patterns at once, which shards "
                "do not do. Give a number: beta_ of a memory fitted to some thousands of the rows will be close."
            )
        sample = _sample(shards, separating_sample(order), [part["n_patterns"] for part in found])
        nearest = shards.merged(_nearest_others, _smaller, sample.patterns)
        return separating_beta_of(nearest, sample.weight, sum(part["total"] for part in found), self.unit_)

    def _respond(self, states, known, lacking):
        lacking = None if self.known_ is None else lacking
        beta = self._sharpness(self._stored(), states, known, lacking)
        ask = (self.similarity, known is None and self.n_recall_steps > 1)
        sums = self._shards.merged(_soft_sums, SoftSums.merged, *ask, beta, states, known, lacking)
        return soft_mean(
            sums, self._readout(), lambda: self._shards.merged(_plain_sums, _added, *ask, states, known, lacking)
        )

    def _nearest(self, start, known):
        return self._shards.merged(_nearest, _larger, start, known)


def _check_alike(found):
    """Raise unless all shards have the same units, outputs, names and type."""
    for number, part in enumerate(found):
        for what, own in _form(part).items():
            expected = _form(found[0])[what]
            if own != expected:
                raise ValueError(f"Block {number} has {what} {own!r}, but block 0 has {expected!r}; expected the same.")


def _form(part):
    patterns, values = part["empty"]
    return {
        "as many columns as": patterns.shape[1],
        "dtype": arrays.dtype_name(patterns),
        "as many columns of y as": None if values is None else values.shape[1],
        "columns named": None if part["names"] is None else list(part["names"]),
    }


def _sample(shards, index, lengths):
    """Patterns of an index over all shards, in its order, as `StoredPatterns`."""
    xp = arrays.namespace(index)
    order = xp.argsort(index, stable=True)
    ascending, own, start = xp.take(index, order), [], 0
    for length in lengths:
        here = (ascending >= start) & (ascending < start + length)
        own.append(arrays.to_numpy(ascending[here] - start))
        start += length
    parts = shards.each(_taken, own=own)
    back = xp.argsort(order, stable=True)

    def joined(pieces):
        return None if pieces[0] is None else xp.take(xp.concat(pieces, axis=0), back, axis=0)

    taken = {name: joined([getattr(part, name) for part in parts]) for name in ("patterns", "known", "weight")}
    halves = joined([part.spread.half_norms for part in parts])
    return replace(parts[0], **taken, spread=replace(parts[0].spread, half_norms=halves))


# ------------------------------------------------------------------------------------------ kernels


@dataclass(frozen=True)
class KernelShard:
    """Some patterns of a `KernelMemory`, with their coefficients.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        As they are stored.
    coefficients : array of shape (n_patterns, n_outputs)
        Theirs.
    kernel : str or callable
        As the memory's.
    parameters : dict
        Of the kernel.
    """

    patterns: Any
    coefficients: Any
    kernel: Any
    parameters: dict


def _combined(shard, states):
    """k(x, X) C over the patterns of a shard, in blocks of them."""
    total = 0.0
    for rows in row_blocks(shard.patterns.shape[0], 64 * (states.shape[0] + states.shape[1])):
        total = (
            total
            + kernel_matrix(shard.kernel, states, shard.patterns[rows, :], **shard.parameters)
            @ (shard.coefficients[rows, :])
        )
    return total


class ShardedKernelMemory(KernelMemory):
    """A fitted `KernelMemory` that asks shards for k(x, X) C."""

    def deal(self, memory, n_shards):
        """Be fitted as `memory` is, and give the shards that `open` wants.

        Parameters
        ----------
        memory : KernelMemory
            Fitted, without `n_components`.
        n_shards : int
            How many shards, at most one a pattern.

        Returns
        -------
        shards : list of KernelShard
        """
        for name, value in vars(memory).items():
            setattr(self, name, value)
        length = -(-self.patterns_.shape[0] // n_shards)
        parts = [slice(start, start + length) for start in range(0, self.patterns_.shape[0], length)]
        shards = [
            KernelShard(self.patterns_[rows, :], self.coefficients_[rows, :], self.kernel, self._kernel_parameters())
            for rows in parts
        ]
        self.patterns_, self.coefficients_ = self.patterns_[:0, :], self.coefficients_[:0, :]
        return shards

    def open(self, shards):
        """Ask these shards from now on."""
        self._shards = shards
        return self

    def _combined(self, states):
        return self._shards.merged(_combined, _added, states)
