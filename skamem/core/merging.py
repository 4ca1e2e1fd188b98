"""Fits that add up: what two estimators learnt from different rows, joined in one."""

from abc import ABC, abstractmethod
from typing import ClassVar

from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator, transactional

__all__ = ["MergeableEstimator", "check_parts_merge"]


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


class MergeableEstimator(SkamemEstimator, ABC):
    """Abstract base of estimators that learn sums over rows, or the rows: what two of them learnt can be joined."""

    _merges_by: ClassVar[tuple[str, ...]] = ()
    """Parameters on which it depends what is learnt from rows: they must be alike."""

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
        check_is_fitted(other, other._anchor)
        for parameter in self._merges_by:
            found, expected = getattr(other, parameter), getattr(self, parameter)
            if found is not expected and found != expected:
                raise ValueError(
                    f"other has {parameter}={found!r}; expected {parameter}={expected!r}, as here: what {name} learns "
                    "depends on it."
                )
        if self._home() is None:
            return
        if other.n_features_in_ != self.n_features_in_:
            raise ValueError(f"other has {other.n_features_in_} features; expected {self.n_features_in_}, as here.")
        found, expected = (getattr(one, "feature_names_in_", None) for one in (other, self))
        if found is not None and expected is not None and list(found) != list(expected):
            raise ValueError(
                f"other has features of other names, or in another order, {_some(found)}; expected {_some(expected)}, "
                "as here."
            )


def _some(names):
    """The first few of names, for a message."""
    return ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")
