"""DeepBeliefNetwork: restricted Boltzmann machines in a stack, each learning what the one below tells."""

from numbers import Integral

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import COUNT, Options, RandomState, WithData
from skamem.core.rows import Rows
from skamem.generative._bipartite import sigmoid
from skamem.generative._layers import clip_binary, machine_of, value_range
from skamem.generative._rbm import RestrictedBoltzmannMachine
from skamem.generative._scoring import LikelihoodEstimator
from skamem.generative._stack import Stack

__all__ = ["DeepBeliefNetwork", "stack"]

LAYERS = Options("auto") | WithData("a tuple of numbers of hidden units, or of RestrictedBoltzmannMachine, one a layer")

# Of layers="auto": units for so many rows each, and how many there are at least and at most.
_ROWS_A_UNIT, _LEAST_UNITS, _MOST_UNITS = 5, 32, 256
# Of rbm=None: rows seen in all, and epochs at least and at most.
_ROWS_SEEN, _LEAST_EPOCHS, _MOST_EPOCHS = 50_000, 10, 50

_DRAWS = 20  # of the states between the layers, for a likelihood


def usual_machine(X):
    """The machine that ``rbm=None`` stands for."""
    epochs = min(_MOST_EPOCHS, max(_LEAST_EPOCHS, _ROWS_SEEN // X.shape[0]))
    return RestrictedBoltzmannMachine(visible="binary" if value_range(X)[1] else "gaussian", max_iter=epochs)


def stack(layers, prototype, n_rows, random_state):
    """Machines, not fitted, for the layers asked for, each with a seed of its own.

    Parameters
    ----------
    layers : "auto" or sequence of int or RestrictedBoltzmannMachine
        From the bottom up.
    prototype : RestrictedBoltzmannMachine
        Gives the other parameters of layers that are numbers; above the first they see binary features.
    n_rows : int
        Rows that there are to learn from.
    random_state : RandomState
        Draws the seeds.

    Returns
    -------
    machines : list of RestrictedBoltzmannMachine

    Raises
    ------
    TypeError, ValueError
        For no layers, or layers of another kind.
    """
    if isinstance(layers, str) and layers == "auto":
        layers = 2 * (min(_MOST_UNITS, max(_LEAST_UNITS, n_rows // _ROWS_A_UNIT)),)
    if isinstance(layers, str) or not isinstance(layers, tuple | list) or len(layers) == 0:
        raise ValueError(f"layers={layers!r}; expected {LAYERS}.")
    if not isinstance(prototype, RestrictedBoltzmannMachine):
        raise TypeError(
            f"rbm={prototype!r} is {validation.type_of(prototype)}; expected a RestrictedBoltzmannMachine or None."
        )
    machines = []
    for depth, layer in enumerate(layers):
        if isinstance(layer, RestrictedBoltzmannMachine):
            machine = clone(layer)
        elif COUNT.accepts(layer):
            machine = clone(prototype).set_params(n_components=int(layer))
            if depth:
                machine.set_params(visible="binary", sigma="auto", init="random")
        else:
            raise ValueError(f"layers={layers!r} has {layer!r}; expected {LAYERS}.")
        if machine.hidden != "binary":
            raise ValueError("layers have Gaussian hidden units, which the next layer cannot see; use hidden='binary'.")
        seed = random_state.randint(np.iinfo(np.int32).max)
        machines.append(machine if machine.random_state is not None else machine.set_params(random_state=seed))
    return machines


class DeepBeliefNetwork(ClassNamePrefixFeaturesOutMixin, LikelihoodEstimator, SkamemTransformer):
    """Deep belief network: a stack of restricted Boltzmann machines, trained from the bottom up.

    Each machine learns the hidden probabilities of the one below, so that its prior over them takes the place of the
    one it replaces.

    Parameters
    ----------
    layers : "auto" or tuple of int or of RestrictedBoltzmannMachine, default="auto"
        Hidden units of each layer, from the bottom up, or machines with parameters of their own. "auto": two layers of
        a unit for 5 rows, between 32 and 256.
    rbm : RestrictedBoltzmannMachine, default=None
        Parameters of the layers that are numbers; its `visible` is that of the features. None: the defaults, but for
        Gaussian features where some are outside [0, 1], and for as many epochs as see 50,000 rows, between 10 and 50.
    random_state : int, RandomState instance or None, default=None
        Draws a seed for each layer that has none of its own.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    machines_ : list of RestrictedBoltzmannMachine
        The fitted layers, from the bottom up.
    base_rate_ : array of shape (n_features,)
        That of the first layer.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.DeepBeliefClassifier : Goes on by backpropagation.

    Notes
    -----
    Layers take as long as their machines. A machine given as `rbm` has its own `max_iter`, which by default makes 5,000
    updates a layer: for good samples, and more than a classifier needs.

    References
    ----------
    Hinton, Osindero and Teh (2006), Neural Computation 18:1527, doi:10.1162/neco.2006.18.7.1527.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skamem import DeepBeliefNetwork, RestrictedBoltzmannMachine
    >>> X = load_digits().data / 16
    >>> network = DeepBeliefNetwork((30, 10), rbm=RestrictedBoltzmannMachine(max_iter=5), random_state=0).fit(X)
    >>> network.transform(X).shape, network.sample(3, n_steps=20, random_state=0).shape
    ((1797, 10), (3, 64))
    """

    _parameters = {
        "layers": LAYERS,
        "rbm": WithData("a RestrictedBoltzmannMachine or None"),
        "random_state": RandomState(),
    }

    def __init__(self, layers="auto", *, rbm=None, random_state=None, backend=None):
        self.layers = layers
        self.rbm = rbm
        self.random_state = random_state
        self.backend = backend

    @property
    def _anchor(self):
        return "base_rate_"

    @transactional
    def fit(self, X, y=None):
        """Train the layers, one after another.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted network.

        Raises
        ------
        TypeError, ValueError
            For bad input, and layers that are neither numbers nor machines. A failed call changes nothing.
        """
        X, _ = self._receive(X, reset=True, accept_sparse="csr")
        prototype = usual_machine(X) if self.rbm is None else self.rbm
        machines = stack(self.layers, prototype, X.shape[0], check_random_state(self.random_state))
        below, fitted = X, []
        # One task of the fit: half a stack is no network.
        for _ in fit_tasks(self, [0], name="layers", n_tasks=1, X=X, y=y, attributes=lambda: self._fitted(fitted)):
            for machine in machines:
                fitted.append(machine.set_params(backend=self.backend).fit(below))
                below = machine.transform(below) if len(fitted) < len(machines) else None
        for name, value in self._fitted(fitted).items():
            setattr(self, name, value)
        return self

    @staticmethod
    def _fitted(machines):
        return {"machines_": machines, "base_rate_": machines[0].base_rate_}

    def transform(self, X):
        """Probabilities of the hidden units of the top layer.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : array of shape (n_samples, n_components)
            In [0, 1], dtype of `X`.
        """
        return self._map(X, "transform", lambda stack, v: stack.up(v), accept_sparse="csr")

    def inverse_transform(self, H):
        """Means of the features given the hidden units of the top layer.

        Parameters
        ----------
        H : array-like of shape (n_samples, n_components)
            Hidden units, or their probabilities.

        Returns
        -------
        means : array of shape (n_samples, n_features)
            Probabilities of binary features.
        """
        check_is_fitted(self)
        for machine in reversed(self.machines_):
            H = machine.inverse_transform(H)
        return H

    def reconstruct(self, X, *, n_steps=20, clamped=False):
        """What the network makes of rows, unknown entries (NaN) filled in: up to the top layer and down, by means.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks entries that are unknown.
        n_steps : int, default=20
            Updates of the unknown entries, the known ones held; >= 1. Rows without NaN need none.
        clamped : bool, default=False
            Whether known entries are returned as given; otherwise they too become what the hidden units say.

        Returns
        -------
        means : array of shape (n_samples, n_features)
            Probabilities of binary features; nothing is drawn.
        """
        validation.check_number("n_steps", n_steps, kind=Integral, low=1)
        validation.check_option("clamped", clamped, (True, False))
        check_is_fitted(self)
        first = machine_of(self.machines_[0])
        start = sigmoid(self.base_rate_) if first.is_binary else self.base_rate_

        def fill(stack, v):
            xp = arrays.namespace(v)
            unknown = xp.isnan(v)
            given = xp.where(unknown, start, v)
            mean = stack.down(stack.up(given))
            for _ in range(n_steps if bool(xp.any(unknown)) else 0):
                mean = stack.down(stack.up(xp.where(unknown, mean, given)))
            return xp.where(unknown, mean, v) if clamped else mean

        return self._map(X, "reconstruct", fill, ensure_all_finite="allow-nan")

    def score_samples(self, X):
        """Variational bound of the log-likelihood of each row: at least so likely is it.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        bound : array of shape (n_samples,)
            In nats; the log-likelihood itself for one layer. Expectations over the hidden units below the top layer are
            means of 20 draws, whose random numbers `fit` has fixed: the same for every call, and for every row.

        Raises
        ------
        ValueError
            When a machine above the first takes hidden units for Gaussian ones.

        Notes
        -----
        ln Z of the top layer is found once, as `RestrictedBoltzmannMachine.log_partition` does. That the bound of the
        whole grows with every layer is promised only while a layer starts as the one below, turned over.
        """
        check_is_fitted(self)
        if any(machine.visible != "binary" for machine in self.machines_[1:]):
            raise ValueError(
                "A machine above the first has visible='gaussian': it takes what is 0 or 1 for real numbers, and has "
                "no likelihood of it. Use visible='binary' there."
            )
        log_partition = self.machines_[-1].log_partition().value
        levels = self._levels()

        def bound(stack, v):
            place = arrays.placement_of(stack.machines[0].weights)
            numbers = [place.asarray(level, stack.machines[0].weights.dtype) for level in levels]
            return stack.bound(v, numbers) - log_partition

        return self._map(X, "score_samples", bound, wide=True, accept_sparse="csr", dense=True)

    def _levels(self):
        """For each layer but the top one, what a probability must exceed for its unit to be on, in each draw."""
        random_state, levels = check_random_state(self.machines_[-1].annealing_seed_), []
        for machine in self.machines_[:-1]:
            shape = (_DRAWS, machine.components_.shape[0])
            # One number from each twentieth: over the draws a unit is on almost as often as its probability says.
            strata = np.argsort(random_state.random_sample(shape), axis=0)
            levels.append((strata + random_state.random_sample(shape)) / _DRAWS)
        return levels

    def _map(self, X, method, function, *, wide=False, dense=False, **options):
        """Apply ``function(stack, v)`` block by block; the dtype of `X` comes back."""
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method, **options)
        stack = Stack(tuple(machine_of(machine) for machine in self.machines_))
        stack = stack.astype(arrays.widest_float(self.base_rate_)) if wide else stack
        first = stack.machines[0]
        rows = Rows(X, placement, first.weights.dtype, keep_sparse=first.is_binary and not dense)
        blocks = rows.blocks(8 * 3 * stack.n_units)
        return placement.give(
            (function(stack, clip_binary(v) if first.is_binary else v) for _, v in blocks), X.shape[0]
        )

    def sample(self, n_samples=1, *, n_steps=500, random_state=None):
        """Let the network dream: chains of the top layer, then down.

        Parameters
        ----------
        n_samples : int, default=1
            Rows wanted, >= 1.
        n_steps : int, default=500
            Steps of parallel tempering in the top layer, >= 1.
        random_state : int, RandomState instance or None, default=None
            Draws the units.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Means of the features given a sample of the units above them.
        """
        check_is_fitted(self)
        validation.check_number("n_samples", n_samples, kind=Integral, low=1)
        random_state = check_random_state(random_state)
        *below, top = self.machines_
        units = top.sample(n_samples, n_steps=n_steps, random_state=random_state)
        for machine in reversed(below[1:]):
            units = machine.sample_visibles(units, random_state=random_state)
        return below[0].inverse_transform(units) if below else units

    @property
    def _n_features_out(self):
        return self.machines_[-1].components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
