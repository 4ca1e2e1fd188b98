"""The base of every skamem estimator: both doors of the backend switch, transactional fits, pickles that travel."""

import contextlib
import copy
import functools
import inspect
from typing import Any, ClassVar

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skamem._version import __version__
from skamem.core import arrays
from skamem.core._pickles import home_state, map_arrays, map_leaves, restored
from skamem.core.callbacks import CallbackSupportMixin, with_callbacks
from skamem.core.columns import is_sound, numbers_expected, unmasked
from skamem.core.parameters import Backend, Kind, check_parameters
from skamem.core.threads import TINY_PRODUCT, product_threads

__all__ = ["SkamemEstimator", "SkamemTransformer", "transactional"]

_STATE_FORMAT = 1


def transactional(method):
    """Make a fitting method all or nothing: if it raises, the estimator is left as it was.

    ``fit``, ``fit_masked`` and ``fit_moments`` also start from nothing but the parameters: what an earlier fit left is
    gone before they run, so that no attribute outlives the fit that set it. With ``warm_start=True`` they find what the
    class names in `_continues_from`.

    Parameters
    ----------
    method : callable
        A ``fit``, ``partial_fit`` or ``merge``. It must replace fitted arrays, never change them in place.

    Returns
    -------
    method : callable
        Also runs scikit-learn's callbacks' set-up and tear-down.
    """
    managed = with_callbacks(method)
    starts_anew = method.__name__ in ("fit", "fit_masked", "fit_moments")

    @functools.wraps(method)
    def all_or_nothing(estimator, *args, **kwargs):
        attributes = vars(estimator)
        snapshot = dict(attributes)
        try:
            if starts_anew:
                _forget_fit(estimator)
            return managed(estimator, *args, **kwargs)
        except BaseException:
            attributes.clear()
            attributes.update(snapshot)
            raise

    return all_or_nothing


# Options of scikit-learn's checks that change nothing about a NumPy array of finite floats.
_KEEPING = {"accept_sparse", "ensure_all_finite"}
# How attributes begin that scikit-learn keeps on an estimator: output container, metadata requests, callbacks.
_OF_SCIKIT_LEARN = ("_sk", "_metadata", "_parent")


def _forget_fit(estimator):
    """Take away what an earlier fit left: public names that end in an underscore, private ones that begin with it."""
    attributes = vars(estimator)
    left = [name for name in attributes if name[-1] == "_" or name[0] == "_"]
    if left:
        kept = estimator._continues_from if vars(estimator).get("warm_start") is True else ()
        for name in left:
            if name not in kept and not name.startswith(_OF_SCIKIT_LEARN):
                del attributes[name]


_CONDITIONAL: Any = type(available_if(bool)(len))  # the descriptor that scikit-learn's decorator makes


class _Conditional(_CONDITIONAL):
    """A method that is there under a condition; where it is not, the user's error has the words of the condition.

    scikit-learn says only that there is no such attribute, and keeps the reason as the cause.
    """

    def __get__(self, obj, owner=None):
        try:
            return super().__get__(obj, owner)
        except AttributeError as error:
            reason = error.__cause__
            if reason is None:
                raise
            if isinstance(reason, NotFittedError):
                raise reason from None
            raise AttributeError(f"{error}: {reason}") from reason


def _available_if(condition):
    """As scikit-learn's `available_if`, with the reason in the message."""
    return lambda method: _Conditional(method, condition, attribute_name=method.__name__)


def _scoped(method, *, of_instance=True, checks=True):
    """`method` with the estimator's device as the current one, and no more BLAS threads than its products are worth.

    After it both are as the caller had them. It `checks` the parameters first: before tags, conditions or fields meet a
    wrong one.
    """
    if hasattr(method, "_is_scoped"):
        return method

    @functools.wraps(method)
    def scoped(owner, *args, **kwargs):
        if checks:
            owner._check_parameters()
        n_multiplications = owner._largest_product(args[0]) if of_instance and args else 0
        if n_multiplications < TINY_PRODUCT and not arrays.has_current_device():
            return method(owner, *args, **kwargs)
        with product_threads(n_multiplications), arrays.device_scope(owner._home() if of_instance else None):
            return method(owner, *args, **kwargs)

    scoped._is_scoped = True
    return scoped


def _once_fitted(getter):
    """`getter` of a fitted attribute, which an estimator has after `fit` only, as one that `fit` itself sets."""
    if not getter.__name__.endswith("_"):
        return getter

    @functools.wraps(getter)
    def read(estimator):
        check_is_fitted(estimator)
        return getter(estimator)

    return read


def _on_its_device(member):
    """What stands in a class body, so that it runs on the estimator's device; what computes nothing as it is."""
    if isinstance(member, _CONDITIONAL):
        method = _scoped(member.__wrapped__)
        method._condition = member.check
        return _available_if(member.check)(method)
    if isinstance(member, classmethod):
        return classmethod(_scoped(member.__func__, of_instance=False, checks=False))
    if isinstance(member, property) and member.fget is not None:
        return member.getter(_scoped(_once_fitted(member.fget), checks=False))
    return _scoped(member) if inspect.isfunction(member) else member


class SkamemEstimator(CallbackSupportMixin, BaseEstimator):
    """Base class of skamem's estimators.

    Subclasses take a ``backend`` parameter and name in ``_anchor`` the fitted array that says where a fitted estimator
    computes. ``_parameters`` is the table of what their parameters may be, added to those of the classes they derive
    from.
    """

    _continues_from: ClassVar[tuple[str, ...]] = ()
    """Fitted attributes that a ``fit`` with ``warm_start=True`` starts from; it sets them anew."""

    _stays_home: ClassVar[tuple[str, ...]] = ("classes_", "feature_names_in_")
    """Fitted attributes whose arrays are on the host wherever the estimator computes; each class names its own."""

    _parameters: ClassVar[dict[str, Kind]] = {"backend": Backend()}

    _doc_link_module = "skamem"
    _doc_link_template = "https://skamem.readthedocs.io/en/stable/api/{estimator_module}.{estimator_name}.html"

    def _doc_link_url_param_generator(self):
        return {"estimator_module": "skamem", "estimator_name": type(self).__name__}

    def __init_subclass__(cls, **kwargs):
        """Gather the kinds of the parameters, and make every public member run on the estimator's device."""
        super().__init_subclass__(**kwargs)
        tables = [vars(base).get("_parameters", {}) for base in reversed(cls.__mro__)]
        kinds = {name: kind for table in tables for name, kind in table.items()}
        signature = inspect.signature(cls).parameters
        cls._kinds = {name: kinds[name] for name in signature if name in kinds}
        cls._defaults = {name: signature[name].default for name in cls._kinds}
        for name, member in list(vars(cls).items()):
            if not name.startswith("_"):
                setattr(cls, name, _on_its_device(member))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = self._backend is None  # behind the other door arrays become NumPy by design
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _backend(self):
        """The ``backend=`` in force; estimators that compute inside another one may override it."""
        return self.backend

    def _largest_product(self, data):
        """Multiply-adds of the largest product that a method may make of `data`; 0 where that is not known.

        It should not be less: a bound too low would take threads away from a large product.
        """
        shape = getattr(data, "shape", None)
        if not isinstance(shape, tuple) or len(shape) != 2:
            return 0
        return shape[0] * shape[1] * max(*shape, *getattr(self._home(), "shape", ()))

    def _home(self):
        """A fitted array that lives where the estimator computes; None before the first fit."""
        return getattr(self, self._anchor, None)

    def _check_parameters(self):
        """Raise for a parameter that is not what the table allows; every public method begins with it.

        Subclasses add what parameters ask of each other.
        """
        check_parameters(self, self._kinds, self._defaults)

    def _receive(self, X, *, reset, method=None, **options):
        """Validate `X` and say where to compute on it.

        Parameters
        ----------
        X : array-like or sparse matrix
            What the user passed.
        reset : bool
            True in ``fit``: learn the number and names of features. False afterwards: check them.
        method : str, default=None
            The calling method's name, for scikit-learn's namespace message; None in ``fit``.
        **options
            Further options of `sklearn.utils.validation.validate_data`.

        Returns
        -------
        X : array or sparse matrix
            Validated, float32 or float64, still where the user had it.
        placement : Placement
            In ``fit`` the place that ``backend`` names; later the place of the fitted arrays. Compute in its
            `working_dtype`; its `give` hands results to the caller, in the type of `X`.
        """
        X = unmasked(X)
        xp = arrays.input_namespace(X)
        with numbers_expected(X):
            sound = options.keys() <= _KEEPING and is_sound(X, ensure_all_finite=options.get("ensure_all_finite", True))
            X = validate_data(self, X, reset=reset, skip_check_array=sound, dtype=(xp.float64, xp.float32), **options)
        return X, self._placement_for(X, method)

    def _receive_outputs(self, Y, n_outputs, *, method, name="X", unit="output", **options):
        """Validate what a recall gave, or could have given, and say where to compute on it.

        Parameters
        ----------
        Y : array-like of shape (n_samples, n_outputs)
            What the user passed.
        n_outputs : int
            How many columns it must have.
        method : str
            The calling method's name.
        name, unit : str
            The argument's name, and what its columns stand for, in the message.
        **options
            Further options of `sklearn.utils.check_array`.

        Returns
        -------
        Y : array or sparse matrix
            Validated, float32 or float64, still where the user had it.
        placement : Placement
            As `_receive` gives it.
        """
        Y = unmasked(Y)
        xp = arrays.input_namespace(Y)
        with numbers_expected(Y, name):
            Y = check_array(Y, dtype=(xp.float64, xp.float32), input_name=name, **options)
        if Y.shape[1] != n_outputs:
            raise ValueError(f"{name} has {Y.shape[1]} columns; expected {n_outputs}, one for each {unit}.")
        return Y, self._placement_for(Y, method)

    def _placement_for(self, X, method):
        """Where to compute on validated `X`, as in `_receive`; its device is the current one from here on."""
        fitted = None if method is None else self._home()
        if fitted is None:
            placement = arrays.resolve_backend(self._backend, X)
        else:
            placement = arrays.placement_of(fitted, returns_numpy=self._backend is not None)
            if self._backend is None and not arrays.same_place(X, placement):
                self._raise_namespace_mismatch(X, placement, method)
        placement.use()
        return placement.between(X, fitted)

    def _raise_namespace_mismatch(self, X, placement, method):
        found = arrays.placement_of(X)
        raise ValueError(
            f"Inputs passed to {type(self).__name__}.{method}() must use the same namespace and the same device as "
            f"those passed to fit(). Found {found.xp.__name__} on {found.device}, expected {placement.xp.__name__} on "
            f"{placement.device}. Move the input, refit, or set `backend=` to move input automatically."
        )

    def to(self, backend):
        """Move to a device or back: what was fitted now, and from now on what is computed.

        It sets `backend`, so that NumPy and pandas go in and NumPy comes out, and moves the fitted arrays, those of the
        estimators inside, too, to where a fit with that `backend` would have left them. Nothing is fitted again. An
        estimator that is not fitted will compute there.

        Parameters
        ----------
        backend : "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>"
            Where to.

        Returns
        -------
        self : estimator
            Moved in place, as PyTorch's modules are; `copy.deepcopy` first keeps one here.

        Raises
        ------
        ValueError
            For an unknown name, or for what can be stored on the host alone.
        ImportError, RuntimeError
            When the package or the device is missing. Then, as after any error, nothing has moved.

        Notes
        -----
        Arrays go by way of the host: a copy each. ``est.to("torch:cuda").set_params(backend=None)`` follows its input
        from then on: PyTorch arrays on that device go in and come out.

        Examples
        --------
        >>> import numpy as np
        >>> from skamem import HebbianMemory
        >>> memory = HebbianMemory().fit([[1, 1, -1, -1]])
        >>> memory.to("numpy")  # "torch:cuda", say, where there is one
        HebbianMemory(backend='numpy')
        """
        if backend is None:
            raise ValueError(f"{type(self).__name__}.to(None) names no place; expected {arrays.PLACE_NAMES}.")
        with arrays.device_scope():
            placement = arrays.resolve_backend(backend, None)
            placement.use()
            moved = self._moved(backend, placement)
        vars(self).update(moved)
        return self

    def _moved(self, backend, placement):
        """Attributes as they are once `to` has moved them; those that stay as they are may be missing.

        Subclasses whose fitted attributes are of another form elsewhere say so here.
        """
        stay = {name for cls in type(self).__mro__ for name in vars(cls).get("_stays_home", ())}
        given = self.get_params(deep=False)

        def there(leaf):
            if isinstance(leaf, SkamemEstimator):
                twin = copy.copy(leaf)
                vars(twin).update(leaf._moved(backend, placement))
                return twin
            # One of another library computes on the host behind this door.
            return placement.asarray(leaf) if arrays.is_array(leaf) else _at_home(leaf)

        fitted = {
            name: map_leaves(_at_home if name in stay else there, value)
            for name, value in vars(self).items()
            if name not in given
        }
        return {**fitted, "backend": backend}

    def __copy__(self):
        # Only pickles travel: a copy stays where the original computes.
        twin = type(self).__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo):
        twin = memo[id(self)] = copy.copy(self)
        vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin

    def __getstate__(self):
        # Fitted arrays come home, so that a model trained on a GPU loads on a machine without one.
        state, moved = home_state(super().__getstate__())
        return {**state, "_skamem_state": {"format": _STATE_FORMAT, "version": __version__, "moved": moved}}

    def __setstate__(self, state):
        state = dict(state)
        moved = state.pop("_skamem_state", {"moved": []})["moved"]
        super().__setstate__(state)
        if moved and self._backend is not None:
            with contextlib.suppress(ImportError, RuntimeError):  # no such device here: the arrays stay on the host
                placement = arrays.resolve_backend(self._backend, None)
                for name in moved:
                    setattr(self, name, map_arrays(placement.asarray, getattr(self, name)))
        vars(self).update({name: restored(value) for name, value in vars(self).items()})


def _at_home(value):
    """An array, or an estimator of any library with its arrays, on the host; anything else as it is."""
    if arrays.is_array(value):
        return arrays.to_numpy(value)
    if not isinstance(value, BaseEstimator):
        return value
    if not home_state(vars(value))[1]:
        return value
    twin = copy.copy(value)
    vars(twin).update({name: map_leaves(_at_home, entry) for name, entry in vars(value).items()})
    return twin


class SkamemTransformer(TransformerMixin, SkamemEstimator):
    """Base class of the estimators that have ``transform``, at least under some of their settings.

    ``@available_if(condition)`` may stand on ``transform`` as on any other method: scikit-learn, which wraps it for
    `set_output` when the class is made, would hide the condition.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name, member in list(vars(cls).items()):
            if inspect.isfunction(member) and hasattr(member, "_condition"):
                setattr(cls, name, _available_if(member._condition)(member))
        if "transform" in vars(cls):
            cls.fit_transform = available_if(_can_transform)(cls.fit_transform)


def _can_transform(transformer):
    return hasattr(transformer, "transform")
