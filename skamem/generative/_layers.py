"""What the layers of a fitted restricted Boltzmann machine answer: hidden and visible units, samples, gaps filled."""

import numbers
from abc import ABC

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemTransformer
from skamem.core.columns import numbers_expected, unmasked
from skamem.core.rows import Rows, row_blocks
from skamem.core.warn import warn
from skamem.generative._bipartite import Bipartite, sigmoid
from skamem.generative._chains import ParallelTempering
from skamem.generative._draws import Draws
from skamem.generative._enumeration import drawn_visibles, is_drawn_exactly
from skamem.generative._path import Path

__all__ = ["LayersEstimator", "binary_values", "clip_binary", "machine_of", "on_host", "opened", "value_range"]

_ROUNDING = 1e-6  # beyond [0, 1]: what scaling leaves there


def clip_binary(values):
    """Values of binary units: those outside [0, 1] count as the end they are beyond. Arrays and csr matrices."""
    if arrays.is_array(values):
        return arrays.clip(values, 0.0, 1.0)
    clipped = values.copy()
    clipped.data = np.clip(clipped.data, 0.0, 1.0)
    return clipped


def value_range(values):
    """(least, largest) of an array or csr matrix, and whether binary units can take it: [0, 1], but for rounding."""
    xp = arrays.namespace(values) if arrays.is_array(values) else None
    ends = (values.min(), values.max()) if xp is None else (float(xp.min(values)), float(xp.max(values)))
    return ends, -_ROUNDING <= ends[0] <= ends[1] <= 1.0 + _ROUNDING


def binary_values(values, owner, remedy):
    """Values that binary units learn, those outside [0, 1] clipped; a warning where that is more than rounding.

    Parameters
    ----------
    values : array or csr matrix of shape (n_samples, n_features)
        Validated input.
    owner, remedy : str
        Who found them, and what to do, for the message.

    Returns
    -------
    values : array or csr matrix of shape (n_samples, n_features)
    """
    (least, largest), fits = value_range(values)
    if not fits:
        warn(f"{owner} found values from {least:.4g} to {largest:.4g}; those outside [0, 1] count as 0 or 1. {remedy}")
    return clip_binary(values) if least < 0.0 or largest > 1.0 else values


def machine_of(rbm):
    """The fitted machine of an estimator as a value, in the user's units and in the type it was fitted in."""
    weights = arrays.namespace(rbm.components_).matrix_transpose(rbm.components_)
    sigma = getattr(rbm, "sigma_", None)
    return Bipartite(weights, rbm.intercept_visible_, rbm.intercept_hidden_, sigma, rbm.hidden == "gaussian")


def opened(backend, source):
    """Where a machine made of given numbers computes, its device the current one."""
    place = arrays.resolve_backend(backend, source if arrays.is_array(source) else np.zeros(1))
    place.use()
    return place


def on_host(values, name, **options):
    """Given numbers, checked, as a NumPy array: float32 stays float32."""
    values = unmasked(arrays.to_numpy(values) if arrays.is_array(values) else values)
    with numbers_expected(values, name):
        return check_array(values, dtype=(np.float64, np.float32), input_name=name, **options)


class LayersEstimator(ClassNamePrefixFeaturesOutMixin, SkamemTransformer, ABC):
    """Abstract base of estimators with two layers of units: what one says of the other, and chains between them.

    They are called as BernoulliRBM calls its own: ``components_`` of shape (n_components, n_features),
    ``intercept_visible_``, ``intercept_hidden_``, and ``sigma_`` with Gaussian visible units.
    """

    _anchor = "components_"

    # ------------------------------------------------------------------ the layers

    def transform(self, X):
        """Probabilities of the hidden units given the visible ones; means of Gaussian ones.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units; values of binary ones outside [0, 1] count as 0 or 1.

        Returns
        -------
        probabilities : array of shape (n_samples, n_components)
            In [0, 1], dtype of `X`.
        """
        return self._map(X, "transform", lambda machine, v: machine.hidden_mean(v))

    def sample_hiddens(self, X, *, random_state=None):
        """Draw hidden units given the visible ones.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units.
        random_state : int, RandomState instance or None, default=None
            Draws the units.

        Returns
        -------
        hiddens : array of shape (n_samples, n_components)
            Zeros and ones.
        """
        draws = Draws(check_random_state(random_state))
        return self._map(X, "sample_hiddens", lambda machine, v: machine.draw_hidden(machine.hidden_mean(v), draws))

    def sample_visibles(self, H, *, random_state=None):
        """Draw visible units given the hidden ones.

        Parameters
        ----------
        H : array-like of shape (n_samples, n_components)
            Hidden units, or their probabilities.
        random_state : int, RandomState instance or None, default=None
            Draws the units.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Zeros and ones, or real numbers for Gaussian units.
        """
        draws = Draws(check_random_state(random_state))
        return self._map_hidden(H, "sample_visibles", lambda path, h: path.draw_visible(h, 1.0, draws))

    def inverse_transform(self, H):
        """Means of the visible units given the hidden ones.

        Parameters
        ----------
        H : array-like of shape (n_samples, n_components)
            Hidden units, or their probabilities.

        Returns
        -------
        means : array of shape (n_samples, n_features)
            Probabilities of binary units.
        """
        return self._map_hidden(H, "inverse_transform", lambda path, h: path.machine.visible_mean(h))

    # ------------------------------------------------------------------ chains

    def gibbs(self, X, *, n_steps=1, random_state=None):
        """Let Gibbs chains run from given visible units.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Starts.
        n_steps : int, default=1
            Steps, >= 0: hidden units are drawn given visible ones, then visible ones given those.
        random_state : int, RandomState instance or None, default=None
            Draws the units.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Where the chains are.
        """
        validation.check_number("n_steps", n_steps, kind=numbers.Integral, low=0)
        draws = Draws(check_random_state(random_state))

        def run(machine, v):
            path = self._path(machine)
            for _ in range(n_steps):
                v, _ = path.gibbs(path.drive(v), 1.0, draws)
            return v

        return self._map(X, "gibbs", run, dense=True)

    def sample(self, n_samples=1, *, n_steps=500, random_state=None):
        """Draw visible units from the model.

        Parameters
        ----------
        n_samples : int, default=1
            Rows wanted, >= 1.
        n_steps : int, default=500
            Steps of parallel tempering, >= 1: each row comes from chains at `n_temperatures` of its own, which swap
            states, so that modes far apart have their shares. A machine with a binary layer of at most 12 units makes
            none: a state of that layer is drawn by its probability among all.
        random_state : int, RandomState instance or None, default=None
            Draws the units.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Independent of each other; from the model's distribution, or nearer to it the more steps are made.
        """
        check_is_fitted(self)
        validation.check_number("n_samples", n_samples, kind=numbers.Integral, low=1)
        validation.check_number("n_steps", n_steps, kind=numbers.Integral, low=1)
        machine, placement = self._machine()
        draws, path = Draws(check_random_state(random_state)), self._path(machine)
        parts = []
        is_exact = is_drawn_exactly(machine)
        for rows in row_blocks(n_samples, int(self.n_temperatures) * self._row_bytes()):
            if is_exact:
                parts.append(drawn_visibles(machine, rows.stop - rows.start, draws))
                continue
            sampler = ParallelTempering.started(path, rows.stop - rows.start, int(self.n_temperatures), n_steps, draws)
            parts.append(sampler.sample(machine, path.reference, None))
        return placement.give(parts)

    def reconstruct(self, X, *, n_steps=20, clamped=False, noise=False, random_state=None):
        """What the model makes of rows, unknown entries (NaN) filled in.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Visible units; NaN marks those that are unknown.
        n_steps : int, default=20
            Updates of the unknown units, the known ones held; >= 1. Rows without NaN need none.
        clamped : bool, default=False
            Whether known entries are returned as given; otherwise they too become what the hidden units say.
        noise : bool, default=False
            False: mean field, deterministic and independent of the rows beside. True: Gibbs sampling; what is returned
            is the mean over the second half of the steps.
        random_state : int, RandomState instance or None, default=None
            Draws the units when `noise`.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Means: probabilities of binary units.
        """
        validation.check_number("n_steps", n_steps, kind=numbers.Integral, low=1)
        validation.check_option("clamped", clamped, (True, False))
        validation.check_option("noise", noise, (True, False))
        draws = Draws(check_random_state(random_state)) if noise else None

        def fill(machine, v):
            xp = arrays.namespace(v)
            unknown = xp.isnan(v)
            path = self._path(machine)
            filled = xp.where(unknown, self._means(machine), v)
            mean = self._inpainted(path, filled, unknown, n_steps, draws)
            return xp.where(unknown, mean, v) if clamped else mean

        return self._map(X, "reconstruct", fill, dense=True, nan=True)

    @staticmethod
    def _inpainted(path, v, unknown, n_steps, draws):
        """Means of all visible units after updates of the unknown ones."""
        xp, machine = arrays.namespace(v), path.machine
        total, n_kept = xp.zeros_like(v), 0
        for step in range(n_steps):
            h = machine.hidden_mean(v)
            mean = machine.visible_mean(h if draws is None else machine.draw_hidden(h, draws))
            if draws is None:
                v = xp.where(unknown, mean, v)
            else:
                v = xp.where(unknown, path.draw_visible(machine.draw_hidden(h, draws), 1.0, draws), v)
                if 2 * step >= n_steps - 1:
                    total, n_kept = total + mean, n_kept + 1
        return machine.visible_mean(machine.hidden_mean(v)) if draws is None else total / n_kept

    # ------------------------------------------------------------------ how it is done

    def _machine(self, *, wide=False):
        """The fitted machine as a value, and where it computes; in the widest type if asked."""
        placement = arrays.placement_of(self.components_, returns_numpy=self._backend is not None)
        sigma = getattr(self, "sigma_", None)
        weights = placement.xp.matrix_transpose(self.components_)
        machine = Bipartite(weights, self.intercept_visible_, self.intercept_hidden_, sigma, self._hidden == "gaussian")
        return (machine.astype(arrays.widest_float(self.components_)) if wide else machine), placement

    def _reference(self, machine):
        xp = arrays.namespace(machine.visible)
        return xp.astype(self.base_rate_, machine.visible.dtype, copy=False)

    def _path(self, machine):
        return Path(machine, self._reference(machine))

    def _means(self, machine):
        """Means of independent visible units: where unknown ones start."""
        reference = self._reference(machine)
        return sigmoid(reference) if machine.is_binary else reference

    def _row_bytes(self):
        return 8 * 6 * (self.n_features_in_ + self.components_.shape[0])

    def _map(self, X, method, function, *, wide=False, dense=False, nan=False):
        """Apply ``function(machine, v)`` block by block; the dtype of `X` comes back."""
        check_is_fitted(self)
        options = {"ensure_all_finite": "allow-nan"} if nan else {"accept_sparse": "csr"}
        X, placement = self._receive(X, reset=False, method=method, **options)
        machine, _ = self._machine(wide=wide)
        rows = Rows(X, placement, machine.weights.dtype, keep_sparse=not dense)
        blocks = rows.blocks(self._row_bytes())
        results = (function(machine, clip_binary(v) if machine.is_binary else v) for _, v in blocks)
        return placement.give(results, X.shape[0])

    def _map_hidden(self, H, method, function):
        """Apply ``function(path, h)`` to hidden units block by block."""
        check_is_fitted(self)
        H, placement = self._receive_outputs(H, self._n_features_out, method=method, name="H", unit="hidden unit")
        machine, _ = self._machine()
        path, rows = self._path(machine), Rows(H, placement, machine.weights.dtype)
        return placement.give((function(path, h) for _, h in rows.blocks(self._row_bytes())), H.shape[0])

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
