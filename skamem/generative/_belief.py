"""DeepBeliefNetwork: restricted Boltzmann machines in a stack, each learning what the one below tells."""

from numbers import Integral

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import validation
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import COUNT, RandomState, WithData
from skamem.core.rows import Rows
from skamem.generative._layers import clip_binary, machine_of
from skamem.generative._rbm import RestrictedBoltzmannMachine

__all__ = ["DeepBeliefNetwork", "stack"]

LAYERS = WithData("a tuple of numbers of hidden units, or of RestrictedBoltzmannMachine, one a layer")


def stack(layers, prototype, random_state):
    """Machines, not fitted, for the layers asked for, each with a seed of its own.

    Parameters
    ----------
    layers : sequence of int or RestrictedBoltzmannMachine
        From the bottom up.
    prototype : RestrictedBoltzmannMachine or None
        Gives the other parameters of layers that are numbers; above the first they see binary features.
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
    if isinstance(layers, str) or not isinstance(layers, tuple | list) or len(layers) == 0:
        raise ValueError(f"layers={layers!r}; expected {LAYERS}.")
    prototype = RestrictedBoltzmannMachine() if prototype is None else prototype
    if not isinstance(prototype, RestrictedBoltzmannMachine):
        raise TypeError(
            f"rbm={prototype!r} is a {type(prototype).__name__}; expected a RestrictedBoltzmannMachine or None."
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


class DeepBeliefNetwork(ClassNamePrefixFeaturesOutMixin, SkamemTransformer):
    """Deep belief network: a stack of restricted Boltzmann machines, trained from the bottom up.

    Each machine learns the hidden probabilities of the one below, so that its prior over them takes the place of the
    one it replaces.

    Parameters
    ----------
    layers : tuple of int or of RestrictedBoltzmannMachine, default=(256, 256)
        Hidden units of each layer, from the bottom up, or machines with parameters of their own.
    rbm : RestrictedBoltzmannMachine, default=None
        Parameters of the layers that are numbers; None for the defaults. Its `visible` is that of the features.
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
    Layers take as long as their machines: with the defaults at least 10 epochs and up to 5,000 updates each, seconds on
    small tables. ``rbm=RestrictedBoltzmannMachine(max_iter=10)`` is often enough in front of a classifier.

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

    def __init__(self, layers=(256, 256), *, rbm=None, random_state=None, backend=None):
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
        machines = stack(self.layers, self.rbm, check_random_state(self.random_state))
        X, _ = self._receive(X, reset=True, accept_sparse="csr")
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
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method="transform", accept_sparse="csr")
        machines = [machine_of(machine) for machine in self.machines_]
        binary, width = machines[0].is_binary, sum(machine.n_hidden for machine in machines)
        rows = Rows(X, placement, machines[0].weights.dtype, keep_sparse=binary)

        def up(v):
            v = clip_binary(v) if binary else v
            for machine in machines:
                v = machine.hidden_mean(v)
            return v

        return placement.give(up(v) for _, v in rows.blocks(8 * 2 * (X.shape[1] + width)))

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
