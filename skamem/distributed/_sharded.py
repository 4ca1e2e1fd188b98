"""Stored patterns on many workers: ShardedMemory."""

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skamem.core.reduction import PairwiseReduction
from skamem.core.validation import type_of
from skamem.distributed._dask import Runner
from skamem.distributed._sources import carried, open_source, opened
from skamem.memory import KernelMemory, ModernHopfieldMemory
from skamem.memory._sharded import ShardedKernelMemory, ShardedModernHopfieldMemory, modern_shard

__all__ = ["ShardedMemory"]


class ShardedMemory:
    """A `ModernHopfieldMemory` or `KernelMemory` whose stored patterns lie on Dask's workers, a block a shard.

    Each worker answers a cue from its own patterns, and the answers merge: softmax-weighted sums relative to the most
    similar pattern of each shard (the online softmax), or sums of kernels. Recall is that of one memory of all
    patterns, to rounding; feedback, unknown entries and rejection are as there.

    Parameters
    ----------
    estimator : ModernHopfieldMemory or KernelMemory
        Its parameters count; it stays as it is.
    client : distributed.Client, default=None
        Whose workers hold the shards; None takes the current client, or this process where there is none.

    Attributes
    ----------
    n_features_in_ : int
        Units.
    n_patterns_ : int
        Stored patterns.
    n_shards_ : int
        Shards.
    beta_ : float
        Inverse temperature in use, of a `ModernHopfieldMemory`.

    See Also
    --------
    fit_blocks : For memories that keep weights, not patterns.

    Notes
    -----
    A block of cues goes to every worker and comes back in each step of recall, so ask about many cues at once. Shards
    are freed with the object, which can neither be pickled nor given to `predict_blocks`. A worker that dies takes its
    shards with it; Dask makes them again from the blocks, of which it keeps a copy where they are no files or recipes
    of its own.

    ``beta="separation"`` is found from all patterns, as in one memory; "held-out" (which "auto" is for completion and
    under ``similarity="local"``) is not: give a number. Patterns with unknown entries are stored with
    ``n_recall_steps=1`` only. The coefficients of a `KernelMemory` need all patterns at once: they are solved here,
    then dealt out. Everything is in host memory.

    References
    ----------
    Milakov and Gimelshein (2018), Online normalizer calculation for softmax, arXiv:1805.02867.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from skamem import ModernHopfieldMemory
    >>> from skamem.distributed import ShardedMemory
    >>> patterns = np.random.default_rng(0).standard_normal((1000, 20))
    >>> memory = ShardedMemory(ModernHopfieldMemory()).fit(da.from_array(patterns, chunks=(250, -1)))
    >>> memory.n_shards_
    4
    >>> np.allclose(memory.predict(patterns[:5]), ModernHopfieldMemory().fit(patterns).predict(patterns[:5]))
    True
    """

    def __init__(self, estimator, *, client=None):
        self.estimator = estimator
        self.client = client

    def __repr__(self):
        client = "" if self.client is None else f", client={self.client!r}"
        return f"{type(self).__name__}({self.estimator!r}{client})"

    def __getstate__(self):
        if hasattr(self, "_memory") or self.client is not None:
            raise TypeError(
                f"{type(self).__name__} cannot be pickled or copied: its patterns lie on workers of a client of this "
                "process. Pickle its estimator, and fit a ShardedMemory of that to the blocks again."
            )
        return vars(self)

    def fit(self, blocks, y=None, *, sample_weight=None, block_size=None):
        """Store blocks of patterns where they are read.

        Parameters
        ----------
        blocks : dask array, dask dataframe, array, memmap, sparse matrix, data frame, or iterable
            Patterns, as `fit_blocks` takes them.
        y : dask array, dask series, array, str, list of str or iterable, default=None
            Associated patterns, under ``target="y"``.
        sample_weight : dask array, dask series, array, str or iterable, default=None
            How often each pattern counts.
        block_size : int, default=None
            Patterns of a shard, where a table is cut; None for 64 MiB.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError
            For another estimator, for no rows, and for what shards cannot do. A failed call changes nothing.
        """
        source = open_source(blocks, y, sample_weight, block_size=block_size)
        runner = Runner(self.client)
        if isinstance(self.estimator, ModernHopfieldMemory):
            memory, n_patterns, n_shards = _softmax_shards(self.estimator, source, runner)
        elif isinstance(self.estimator, KernelMemory):
            memory, n_patterns, n_shards = _kernel_shards(self.estimator, source, runner)
        else:
            raise TypeError(
                f"estimator is {type_of(self.estimator)}; expected a ModernHopfieldMemory or a KernelMemory. Memories "
                "that keep weights learn blocks by fit_blocks."
            )
        self._memory, self.n_patterns_, self.n_shards_ = memory, n_patterns, n_shards
        self.n_features_in_ = memory.n_features_in_
        if hasattr(memory, "beta_"):
            self.beta_ = memory.beta_
        return self

    @property
    def _fitted(self):
        if not hasattr(self, "_memory"):
            raise NotFittedError("This ShardedMemory is not fitted yet. Call fit with blocks of patterns first.")
        return self._memory

    def predict(self, X):
        """Recall.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Cues. NaN marks an unknown entry.

        Returns
        -------
        patterns : array of shape (n_samples, n_outputs)
            As the memory of all patterns recalls.
        """
        return self._fitted.predict(X)

    def transform(self, X):
        """Recall inside a pipeline, in the shape of an imputer; autoassociative memories only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Cues. NaN marks an unknown entry.

        Returns
        -------
        patterns : array of shape (n_samples, n_columns)
            As the memory of all patterns.
        """
        return self._fitted.transform(X)

    def recall(self, X):
        """Recall with the whole story.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Cues. NaN marks an unknown entry.

        Returns
        -------
        recall : Recall
            One entry a row; see `skamem.core.dynamics.Recall`.
        """
        return self._fitted.recall(X)

    def score(self, X, y=None):
        """R² of what is recalled.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Cues.
        y : array-like of shape (n_samples, n_outputs), default=None
            True patterns; `X` itself for autoassociation unless `y` has its shape.

        Returns
        -------
        score : float
            As the memory of all patterns.
        """
        return self._fitted.score(X, y)


class _Shards:
    """Shards as Dask has them; the protocol of `skamem.memory._sharded.Shards`."""

    def __init__(self, runner, shards):
        self._runner, self._shards = runner, shards

    def each(self, function, *args, own=None):
        shared = [self._runner.value(argument) for argument in args]
        own = [()] * len(self._shards) if own is None else [(part,) for part in own]
        tasks = (
            self._runner.task(function, shard, *mine, *shared) for shard, mine in zip(self._shards, own, strict=True)
        )
        return self._runner.results(list(tasks))

    def merged(self, function, merge, *args):
        shared = [self._runner.value(argument) for argument in args]
        tree = PairwiseReduction(lambda one, other: self._runner.task(merge, one, other))
        for shard in self._shards:
            tree.add(self._runner.task(function, shard, *shared))
        return self._runner.results([tree.result()])[0]

    def changed(self, function, *args):
        shared = [self._runner.value(argument) for argument in args]
        return _Shards(
            self._runner, self._runner.held([self._runner.task(function, shard, *shared) for shard in self._shards])
        )


def _softmax_shards(estimator, source, runner):
    """Each block a shard, where it is read."""
    memory = ShardedModernHopfieldMemory(**clone(estimator).get_params(deep=False))
    if memory.backend not in (None, "numpy"):
        raise ValueError(f"backend={memory.backend!r}; shards are kept in host memory. Use backend=None.")
    maker = runner.value(memory)
    shards = runner.held([
        runner.task(_shard, maker, number, *carried(block))
        for number, block in enumerate(source.blocks)
    ])  # fmt: skip
    lengths = runner.results([runner.task(_length, shard) for shard in shards])
    shards = [shard for shard, length in zip(shards, lengths, strict=True) if length]
    if not shards:
        raise ValueError("blocks hold no patterns of positive weight; expected at least one.")
    return memory.open(_Shards(runner, shards)), sum(lengths), len(shards)


def _kernel_shards(estimator, source, runner):
    """All blocks in one memory, fitted here, then dealt out."""
    if estimator.n_components is not None:
        raise ValueError(
            f"KernelMemory(n_components={estimator.n_components!r}) keeps features, no patterns: there is nothing to "
            "shard. Fit it to a sample, and hand it to predict_blocks."
        )
    parts = runner.results(
        [runner.task(_opened, number, *carried(block)) for number, block in enumerate(source.blocks)]
    )
    parts = [part for part in parts if np.shape(part[0])[0]]
    if not parts:
        raise ValueError("blocks hold no patterns; expected at least one.")
    X, y, sample_weight = (_joined(column) for column in zip(*parts, strict=True))
    fitted = clone(estimator).fit(X, y, sample_weight)
    memory = ShardedKernelMemory(**clone(estimator).get_params(deep=False))
    shards = memory.deal(fitted, runner.n_slots)
    n_patterns = sum(shard.patterns.shape[0] for shard in shards)
    held = runner.held([runner.task(_same, shard) for shard in shards])
    return memory.open(_Shards(runner, held)), n_patterns, len(shards)


def _joined(parts):
    if parts[0] is None:
        return None
    if hasattr(parts[0], "iloc"):
        import pandas as pd

        return pd.concat(parts)
    return scipy.sparse.vstack(parts, format="csr") if scipy.sparse.issparse(parts[0]) else np.concatenate(parts)


# ------------------------------------------------------------------------------------------ on the workers


def _shard(memory, number, X, y, sample_weight):
    """The shard of a block; None for one without rows that count."""
    X, y, sample_weight = _opened(number, X, y, sample_weight)
    if np.shape(X)[0] == 0 or (sample_weight is not None and not np.any(np.asarray(sample_weight))):
        return None
    try:
        return modern_shard(memory, X, y, sample_weight)
    except Exception as error:
        error.add_note(f"in block {number} of ShardedMemory.fit")
        raise


def _opened(number, X, y, sample_weight):
    try:
        return opened(X, y, sample_weight)
    except Exception as error:
        error.add_note(f"in block {number} of ShardedMemory.fit")
        raise


def _length(shard):
    return 0 if shard is None else shard.patterns.shape[0]


def _same(shard):
    return shard
