"""The door of every memory: what goes in is checked and comes in blocks, what comes out is joined, scored and named.

Memories of two-valued patterns (`_base`) and of real-valued ones (`_real`) differ in how they read a block of cues and
in what they do with it; all else is here.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.base import ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemTransformer
from skamem.core.columns import numbers_expected, unmasked
from skamem.core.dynamics import Recall
from skamem.core.parameters import COUNT, Kind, Options

__all__ = ["CueBlock", "Memory", "is_autoassociative", "one_pass", "states_of", "told"]


def is_autoassociative(memory):
    """Whether a memory stores patterns with themselves."""
    return bool(memory.target == "self")


@dataclass(frozen=True)
class CueBlock:
    """Some cues, as a memory works on them.

    Parameters
    ----------
    placement : Placement
        Where they are.
    rows : slice or int array
        Which rows of the cues they are.
    states : array of shape (n_rows, n_units)
        Unknown units at 0.
    known : bool array of shape (n_rows, n_units) or None
        None when all units are known.
    """

    placement: Any
    rows: Any
    states: Any
    known: Any


def told(recall):
    """The entries of a `Recall`, in their order."""
    return recall.states, recall.n_steps, recall.converged, recall.cycle_length, recall.unresolved


def states_of(recall):
    """The states of a `Recall`, in place of all that `told` gives."""
    return recall.states


class Memory(SkamemTransformer, ABC):
    """Abstract base of all memories."""

    _parameters: ClassVar[dict[str, Kind]] = {
        "target": Options("self", "y"),
        "n_recall_steps": COUNT,
        "missing": Options("free", "clamp"),
    }

    def _follows_a_field(self):
        """Whether one field says where every cue goes."""
        return True

    _takes_sparse = True
    """Whether csr patterns and cues are accepted."""

    # ------------------------------------------------------------------ what a subclass provides

    @property
    @abstractmethod
    def _n_features_out(self):
        """Units that are recalled."""

    @abstractmethod
    def _read(self, X, placement, **options):
        """Yield a `CueBlock` for some rows of validated cues after the other, each row once."""

    @abstractmethod
    def _told(self, X, method, tell):
        """What `tell` takes of the `Recall` of cues, `told` or `states_of`; `method` is the public one that asks."""

    @abstractmethod
    def _agreement(self, truth, recalled):
        """Score of recalled patterns beside true ones, which may hold NaN."""

    # ------------------------------------------------------------------ in

    def _input_options(self):
        return {"accept_sparse": "csr" if self._takes_sparse else False, "ensure_all_finite": "allow-nan"}

    def _receive_stored(self, X, y, *, reset):
        """Validated patterns where the user had them, validated targets (None for autoassociation), and a placement."""
        X, placement = self._receive(X, reset=reset, method=None if reset else "partial_fit", **self._input_options())
        if self.target == "self":
            return X, None, placement
        name = type(self).__name__
        y = validation.check_targets(y, X, placement, placement.xp.float64, owner=name)
        if not reset and y.shape[1] != self._n_features_out:
            raise ValueError(
                f"y has {y.shape[1]} columns, but {name} was fitted with {self._n_features_out}; give targets of the "
                "same width, or call fit to start anew."
            )
        return X, y, placement

    def _cue_blocks(self, X, method, **options):
        """Validate cues and yield them block by block."""
        check_is_fitted(self)
        yield from self._read(*self._receive(X, reset=False, method=method, **self._input_options()), **options)

    def _map(self, X, method, function, **options):
        """Apply ``function(block) -> array or tuple of arrays`` to all cues; joined, in the order of X."""
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method, **self._input_options())
        return self._gathered(self._read(X, placement, **options), placement, X.shape[0], function)

    def _gathered(self, blocks, placement, n_rows, function):
        """What `function` makes of `CueBlock`s, joined in the order of their rows."""
        rows = []

        def results():
            for block in blocks:
                rows.append(block.rows)
                result = function(block)
                yield result if isinstance(result, tuple) else (result,)

        given = placement.give(results(), n_rows)
        if len(rows) > 1 and not isinstance(rows[0], slice):
            place = arrays.placement_of(given[0])
            back = place.asarray(placement.xp.argsort(placement.xp.concat(rows)))
            given = tuple(place.xp.take(part, back, axis=0) for part in given)
        return given if len(given) > 1 else given[0]

    # ------------------------------------------------------------------ out

    def _recall(self, X, method):
        return Recall(*self._told(X, method, told))

    def _states(self, X, method):
        """Recalled states; the rest of the story stays where it was computed."""
        return self._told(X, method, states_of)

    def predict(self, X):
        """Recall the stored pattern that each cue leads to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units), or csr matrix when ``target="y"``
            Cues: noisy or partial patterns. NaN marks an unknown unit.

        Returns
        -------
        patterns : array of shape (n_samples, n_outputs)
            Recalled patterns in the coding of the stored ones, dtype of `X`.
        """
        return self._states(X, "predict")

    @available_if(is_autoassociative)
    def transform(self, X):
        """Recall, as `predict` does, for use inside a pipeline; autoassociative memories only.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues. NaN marks an unknown unit.

        Returns
        -------
        patterns : array of shape (n_samples, n_outputs)
            Recalled patterns.
        """
        return self._states(X, "transform")

    def recall(self, X):
        """Recall with the whole story: states, steps, convergence, cycles, units left unresolved.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues. NaN marks an unknown unit.

        Returns
        -------
        recall : Recall
            One entry a row; see `skamem.core.dynamics.Recall`.
        """
        return self._recall(X, "recall")

    @available_if(lambda memory: memory._follows_a_field())
    def as_field(self):
        """What recall follows, as a function of arrays: for loops that feed what is recalled into a memory again.

        Returns
        -------
        field : callable
            ``states -> fields``, arrays of shapes (n_samples, n_units) and (n_samples, n_outputs), with an attribute
            ``tolerance``: fields of no larger magnitude count as 0. States have the library, the device and the type
            of the fitted arrays and are coded as the memory computes: -1 and +1, 0 for unknown units; 0 and +1 with
            ``activation="step"``; real values in memories of such. What `skamem.core.dynamics` takes.

        Notes
        -----
        Nothing is checked, and rows are not cut into blocks. The scale may be another than that of `field`.
        """
        check_is_fitted(self)
        return self._make_field()

    @abstractmethod
    def _make_field(self):
        """Field that recall runs on, in the scale of the learning rule."""

    def score(self, X, y=None):
        """Whether cues come back: mean fraction of units right, R² over all entries for real-valued patterns.

        Do not select models with it: on unseen clean patterns the identity map wins. Use
        `skamem.model_selection.make_denoising_scorer`.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues.
        y : array-like of shape (n_samples, n_outputs), default=None
            True patterns. Under ``target="self"`` they are `X` itself unless `y` has the shape of `X`, so that the
            labels of a pipeline are ignored.

        Returns
        -------
        score : float
            In [0, 1] for two-valued units, at most 1 for real values; unknown (NaN) truths are left out.
        """
        recalled = self._states(X, "score")
        return self._agreement(self.encode(self._truth(X, y, recalled)), recalled)

    def _truth(self, X, y, recalled):
        own = self.target == "self" and arrays.shape_of(y) != tuple(recalled.shape)
        return X if own else y

    def encode(self, patterns):
        """Patterns in the coding in which they are recalled: what perfect recall would give.

        Parameters
        ----------
        patterns : array-like or csr matrix of shape (n_patterns, n_outputs)
            As given to `fit`: as `X` for autoassociation, as `y` for heteroassociation. NaN stays NaN.

        Returns
        -------
        patterns : array of shape (n_patterns, n_outputs)
            float32 for float32 input, else float64.
        """
        check_is_fitted(self)
        patterns = unmasked(patterns)
        xp = arrays.input_namespace(patterns)
        with numbers_expected(patterns, "patterns"):
            return check_array(patterns, dtype=(xp.float64, xp.float32), **self._input_options())

    def get_feature_names_out(self, input_features=None):
        """Names of the recalled units: those of the input for autoassociation, numbered ones otherwise.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        names : ndarray of str
            One for each column of `transform`.
        """
        check_is_fitted(self)
        mixin = OneToOneFeatureMixin if self.target == "self" else ClassNamePrefixFeaturesOutMixin
        return mixin.get_feature_names_out(self, input_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._takes_sparse
        tags.input_tags.allow_nan = True  # an unknown unit
        hetero = self.target == "y"
        if hetero:  # a predictor of patterns: scikit-learn's transformers must fit with the 1-D labels of a pipeline
            tags.transformer_tags = None
        tags.target_tags.required = hetero
        tags.target_tags.multi_output = hetero
        tags.target_tags.single_output = not hetero
        return tags


def one_pass(states, unresolved=None):
    """`Recall` of memories that recall in one pass, without feedback."""
    xp = arrays.namespace(states)
    ones = xp.ones(states.shape[0], dtype=xp.int64, device=arrays.device(states))
    return Recall(states, ones, ones == 1, ones, unresolved)
