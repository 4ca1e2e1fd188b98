"""Fits that go on and add up: more rows learnt as those before, what two learnt from different rows joined in one."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.likeness import is_alike

__all__ = ["IncrementalEstimator", "MergeableEstimator", "check_learnt", "check_parts_merge", "check_same_features"]


def check_parts_merge(estimator):
    """Raise where parts of one fit could not be merged, whatever the rows: before any of them is learnt.

    Parameters
    ----------
    estimator : object
        Any; of one that is no `MergeableEstimator` nothing is known.

    Raises
    ------
    ValueError
        With the reason.

    Examples
    --------
    >>> from skamem import HolographicMemory
    >>> from skamem.core.merging import check_parts_merge
    >>> check_parts_merge(HolographicMemory(n_components=64, random_state=0))
    """
    if isinstance(estimator, MergeableEstimator):
        estimator._check_parts_merge()


class IncrementalEstimator(SkamemEstimator, ABC):
    """Abstract base of estimators that go on learning, and refuse to once what learning depends on has changed."""

    _learning_parameters: ClassVar[tuple[str, ...]] = ()
    """Parameters that cannot change once learning began: what more rows teach would not fit what was learnt before."""

    _stays_home: ClassVar[tuple[str, ...]] = ("_settings",)  # parameters, which `to` leaves as they were given

    # `_learns_by()` when learning began; there is none before, nor in pickles of earlier versions.
    _settings: ClassVar[dict[str, Any] | None] = None

    def _learns_by(self):
        """What learning depends on, by name, as the parameters are now: estimators as copies, which nobody changes."""
        values = {name: getattr(self, name) for name in self._learning_parameters}
        return {name: clone(value) if hasattr(value, "get_params") else value for name, value in values.items()}

    def _begin(self):
        """Remember what learning, which begins, depends on."""
        self._settings = self._learns_by()

    def _begin_or_go_on(self, method="partial_fit", *, begins):
        """`_begin`, or `_check_unchanged` where something was learnt before."""
        if begins:
            self._begin()
        else:
            self._check_unchanged(method)

    def _check_unchanged(self, method):
        """Raise where `method` would go on with other parameters than those that learning began with."""
        found, before = self._learns_by(), self._settings
        changed = _changed(found, before or {})
        if changed:
            raise ValueError(
                f"{method} goes on with {_said(before, changed)}, but found {_said(found, changed)}; call fit to "
                "start anew."
            )


class MergeableEstimator(IncrementalEstimator):
    """Abstract base of estimators that learn sums over rows, or the rows: what two of them learnt can be joined.

    Their ``_learning_parameters`` must be alike.
    """

    @abstractmethod
    def _take_in(self, other, placement, *, reset):
        """Add what `other`, fitted and alike, has learnt; `reset` says that nothing has been learnt here.

        Fitted arrays of `other`, which may live elsewhere, are to be brought to `placement` and left as they are.
        """

    def _check_parts_merge(self):
        """Raise where copies that learn different rows would not merge afterwards, as far as parameters tell."""

    @transactional
    def merge(self, other):
        """Learn all that another estimator of this kind has learnt, as if its rows had come by `partial_fit`.

        Parts of a stream are fitted apart, on several processes say, and joined in any order; an estimator that is
        not fitted takes over what the other has learnt.

        Parameters
        ----------
        other : estimator
            Fitted, of the same class, on as many features, with the parameters on which learning depends as here.
            It is left as it is.

        Returns
        -------
        self : object
            The estimator, fitted to the rows of both.

        Raises
        ------
        TypeError, ValueError
            For an estimator of another class, with other features or other parameters. A failed call changes nothing.
        """
        return self._merge(other)

    def _merge(self, other):
        self._check_alike(other)
        here = self._home()
        if here is None:
            self._begin()
            placement = arrays.resolve_backend(self._backend, other._home())
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(other, name):
                    setattr(self, name, getattr(other, name))
        else:
            placement = arrays.placement_of(here)
        placement.use()
        self._take_in(other, placement, reset=here is None)
        return self

    def _check_alike(self, other):
        """Raise for what cannot be merged."""
        name = type(self).__name__
        related = isinstance(other, type(self)) or isinstance(self, type(other))
        if not (isinstance(other, MergeableEstimator) and related):
            raise TypeError(f"other is {validation.type_of(other)}; expected a fitted {name}.")
        check_learnt(other, other._anchor)
        if self._home() is not None:
            self._check_unchanged("merge")
        found, expected = (one._settings or one._learns_by() for one in (other, self))
        changed = _changed(found, expected)
        if changed:
            raise ValueError(
                f"other was fitted with {_said(found, changed)}; expected {_said(expected, changed)}, as here: what "
                f"{name} learns depends on it."
            )
        if self._home() is not None:
            check_same_features(self, other)


def check_learnt(other, attributes=None):
    """Raise NotFittedError, which says that `other` is meant, unless it is fitted.

    Parameters
    ----------
    other : estimator
        What is to be merged into another one.
    attributes : str or list of str, default=None
        What it has once it is fitted; None if it says so itself.
    """
    found = validation.type_of(other)
    check_is_fitted(other, attributes, msg=f"other is {found} that is not fitted; expected one after fit.")


def check_same_features(one, other):
    """Raise ValueError unless `other` was fitted to the features of `one`, in their order, as far as they have names.

    Parameters
    ----------
    one, other : estimator
        Fitted.
    """
    if other.n_features_in_ != one.n_features_in_:
        raise ValueError(f"other has {other.n_features_in_} features; expected {one.n_features_in_}, as here.")
    found, expected = (getattr(fitted, "feature_names_in_", None) for fitted in (other, one))
    if found is not None and expected is not None and list(found) != list(expected):
        raise ValueError(
            f"other has features of other names, or in another order, {_some(found)}; expected {_some(expected)}, "
            "as here."
        )


def _changed(found, before):
    """Names of the parameters that are not as they were."""
    return [name for name in found if name in before and not is_alike(found[name], before[name])]


def _said(settings, names):
    return ", ".join(f"{name}={settings.get(name)!r}" for name in names)


def _some(names):
    """The first few of names, for a message."""
    return ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")
