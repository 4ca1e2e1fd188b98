"""BoltzmannMachine: symmetric couplings among all units, learnt by a local rule."""

from numbers import Integral, Real

import numpy as np
from scipy.optimize import minimize
from sklearn.utils import check_random_state

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import Interval, Options, RandomState
from skamem.core.rows import Rows
from skamem.generative._bipartite import log_odds, sigmoid
from skamem.generative._draws import drawn_states
from skamem.generative._enumeration import MOST_UNITS
from skamem.generative._layers import binary_values, on_host, opened
from skamem.generative._network import Network
from skamem.generative._network_queries import NetworkEstimator

__all__ = ["BoltzmannMachine"]

_ENUMERATED = 16  # units whose states are all visited at each step of learning
_SMALL_WEIGHTS = 0.1  # standard deviation of the first couplings of hidden units: without them all would stay alike


def local_rule(data, model, centre):
    """Ascent direction of the log-likelihood: a coupling grows with what its two units do together.

    Parameters
    ----------
    data, model : tuple of arrays
        Means <x_i> of shape (n_units,) and <x_i x_j> of shape (n_units, n_units) over the data, hidden units as they
        follow, and over the model.
    centre : array of shape (n_units,)
        Offsets; zeros for the plain rule. Biases give back what couplings do to the means.

    Returns
    -------
    weights, bias : arrays
        <x_i x_j>_data - <x_i x_j>_model, centred, diagonal 0; and <x_i>_data - <x_i>_model.

    References
    ----------
    Ackley, Hinton and Sejnowski (1985), Cognitive Science 9:147, doi:10.1207/s15516709cog0901_7.
    """
    xp = arrays.namespace(centre)
    bias = data[0] - model[0]
    weights = data[1] - model[1] - centre[:, None] * bias[None, :] - bias[:, None] * centre[None, :]
    weights = weights * (1.0 - xp.eye(centre.shape[0], dtype=centre.dtype, device=arrays.device(centre)))
    return weights, bias - weights @ centre


class BoltzmannMachine(NetworkEstimator):
    """Boltzmann machine: units of 0 and 1, visible and hidden, all coupled with each other.

    Parameters
    ----------
    n_hidden : int, default=0
        Hidden units, >= 0. Without any, the machine matches the means and the pair correlations of the data and nothing
        else: the maximum entropy model of pairs.
    method : {"auto", "exact", "gibbs"}, default="auto"
        How the model's means are found. "exact": sums over all states, and L-BFGS. "gibbs": chains that go on from step
        to step, and steps up the gradient. "auto": exact up to 16 units in all.
    learning_rate : float > 0, default=0.1
        Of the first step of "gibbs"; it falls linearly to 0.
    weight_decay : float >= 0, default=0.0
        Pull of the couplings to 0. Couplings of data in which a state never occurs grow without end; this stops them.
    max_iter : int, default=1000
        Steps.
    batch_size : int, default=100
        Rows whose hidden units are drawn at a step of "gibbs".
    n_chains : int, default=100
        Chains of the model in "gibbs".
    n_gibbs_steps : int, default=3
        Sweeps over all units at a step of "gibbs".
    random_state : int, RandomState instance or None, default=None
        Seed of first couplings, order of rows and chains.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs). L-BFGS runs on the host.

    Attributes
    ----------
    weights_ : array of shape (n_units, n_units)
        Symmetric couplings, diagonal 0; visible units first.
    bias_ : array of shape (n_units,)
        External fields.
    base_rate_ : array of shape (n_units,)
        Biases of independent units with the data's means, 0 for hidden ones; annealing starts there.
    chains_ : array of shape (n_chains, n_units) or None
        Where the chains are; None when none were needed.
    n_iter_ : int
        Steps made.
    annealing_seed_ : int
        Seed of the estimate of ln Z.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.RestrictedBoltzmannMachine : No couplings inside the layers: much faster, for many units.
    skamem.HopfieldNetwork : The same energy at temperature 0.

    Notes
    -----
    E(x) = -½ xᵀWx - bᵀx, p(x) = exp(-E(x)) / Z; the gradient of the log-likelihood is local,
    <x_i x_j>_data - <x_i x_j>_model. Cost of a step: 2^n_units n_units² for "exact"; n_gibbs_steps sweeps of n_chains
    n_units² for "gibbs".

    References
    ----------
    Ackley, Hinton and Sejnowski (1985), Cognitive Science 9:147, doi:10.1207/s15516709cog0901_7.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import BoltzmannMachine
    >>> X = np.asarray([[1, 1, 0], [1, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 1]])
    >>> machine = BoltzmannMachine(weight_decay=0.01).fit(X)
    >>> bool(machine.weights_[0, 1] > 1)
    True
    >>> bool(machine.score(X) > 3 * np.log(0.5))
    True
    """

    _parameters = {
        "n_hidden": Interval(Integral, low=0),
        "method": Options("auto", "exact", "gibbs"),
        "learning_rate": Interval(Real, low=0, low_open=True),
        "weight_decay": Interval(Real, low=0),
        "max_iter": Interval(Integral, low=1),
        "batch_size": Interval(Integral, low=1),
        "n_chains": Interval(Integral, low=1),
        "n_gibbs_steps": Interval(Integral, low=1),
        "random_state": RandomState(),
    }

    def __init__(
        self,
        n_hidden=0,
        *,
        method="auto",
        learning_rate=0.1,
        weight_decay=0.0,
        max_iter=1000,
        batch_size=100,
        n_chains=100,
        n_gibbs_steps=3,
        random_state=None,
        backend=None,
    ):
        self.n_hidden = n_hidden
        self.method = method
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.n_chains = n_chains
        self.n_gibbs_steps = n_gibbs_steps
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ learning

    @transactional
    def fit(self, X, y=None):
        """Learn the couplings.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Binary features, or probabilities; values outside [0, 1] count as 0 or 1, with a warning.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted machine.

        Raises
        ------
        ValueError
            For NaN or infinite entries, parameters out of range, and ``method="exact"`` with more than 20 units.
        """
        X, placement = self._receive(X, reset=True, accept_sparse="csr")
        remedy = "Scale features with MinMaxScaler, or use RestrictedBoltzmannMachine(visible='gaussian')."
        X = binary_values(X, type(self).__name__, remedy)
        rows = Rows(X, placement, arrays.float_dtype(X, placement.xp))
        data = rows.block(slice(0, len(rows)))
        xp = placement.xp
        random_state = check_random_state(self.random_state)
        self.annealing_seed_ = random_state.randint(np.iinfo(np.int32).max)
        n_hidden = int(self.n_hidden)
        n_units = data.shape[1] + n_hidden
        means = xp.mean(data, axis=0)
        smooth = (means * len(rows) + 0.5) / (len(rows) + 1.0)
        unbiased = xp.zeros(n_hidden, dtype=data.dtype, device=arrays.device(data))
        self.base_rate_ = xp.concat([log_odds(smooth, 0.0), unbiased])
        network = Network(self._first_weights(data, n_units, random_state), self.base_rate_)
        exact = self.method == "exact" or (self.method == "auto" and n_units <= _ENUMERATED)
        learn = self._maximise if exact else self._ascend
        network, self.chains_, self.n_iter_ = learn(network, data, random_state, X, y)
        self.weights_, self.bias_, self._partition = network.weights, network.bias, None
        return self

    def _first_weights(self, data, n_units, random_state):
        drawn = _SMALL_WEIGHTS * random_state.standard_normal((n_units, n_units))
        drawn = np.triu(drawn, 1)
        drawn[:, : data.shape[1]] = 0.0  # only couplings with hidden units must differ from the start
        return arrays.placement_of(data).asarray(drawn + drawn.T, data.dtype)

    def _maximise(self, network, data, random_state, *_):
        """Exact: L-BFGS on the log-likelihood, whose gradient is the local rule on sums over all states."""
        if network.n_units > MOST_UNITS:
            raise ValueError(
                f"method='exact' sums over 2^{network.n_units} states; expected at most {MOST_UNITS} units. Use "
                "method='gibbs', or RestrictedBoltzmannMachine."
            )
        place, dtype = arrays.placement_of(data), data.dtype
        wide = place.xp.astype(data, arrays.widest_float(data), copy=False)
        upper = np.triu_indices(network.n_units, 1)

        def unpack(parameters):
            weights = np.zeros((network.n_units, network.n_units))
            weights[upper] = parameters[: len(upper[0])]
            return Network(
                place.asarray(weights + weights.T, wide.dtype), place.asarray(parameters[len(upper[0]) :], wide.dtype)
            )

        def loss(parameters):
            now = unpack(parameters)
            first, second, log_partition = now.moments()
            seen = now.given_moments(wide)
            value = float(place.xp.mean(now.free_energy(wide))) + log_partition
            weights, bias = local_rule(seen, (first, second), place.xp.zeros_like(first))
            slope = np.concatenate([arrays.to_numpy(weights)[upper], arrays.to_numpy(bias)])
            decay = self.weight_decay * parameters * (np.arange(len(parameters)) < len(upper[0]))
            return value + 0.5 * float(decay @ parameters), decay - slope

        start = np.concatenate([arrays.to_numpy(network.weights)[upper], arrays.to_numpy(network.bias)])
        found = minimize(
            loss, start.astype(np.float64), jac=True, method="L-BFGS-B", options={"maxiter": self.max_iter}
        )
        best = unpack(found.x)
        xp = place.xp
        return Network(xp.astype(best.weights, dtype), xp.astype(best.bias, dtype)), None, int(found.nit)

    def _ascend(self, network, data, random_state, X, y):
        """Steps up the gradient; the model's means come from chains that go on from step to step."""
        place = arrays.placement_of(data)
        xp = place.xp
        n_rows = data.shape[0]
        chains = drawn_states(self.base_rate_, self.n_chains, random_state)
        centre = sigmoid(self.base_rate_)
        seen = network.given_moments(data) if self.n_hidden == 0 else None
        steps = range(self.max_iter)

        def fitted():
            names = "weights_", "bias_", "base_rate_", "chains_", "annealing_seed_", "n_iter_", "_partition"
            now = network.weights, network.bias, self.base_rate_, chains, self.annealing_seed_, done, None
            return dict(zip(names, now, strict=True))

        for step in fit_tasks(self, steps, name="step", n_tasks=self.max_iter, X=X, y=y, attributes=fitted):
            if self.n_hidden:
                index = random_state.randint(n_rows, size=min(self.batch_size, n_rows))
                batch = xp.take(data, place.asarray(index), axis=0)
                seen = self._follow(network, batch, random_state)
                centre = 0.99 * centre + 0.01 * seen[0]
            chains = network.sweep(chains, self.n_gibbs_steps, random_state)
            model = xp.mean(chains, axis=0), chains.T @ chains / self.n_chains
            weights, bias = local_rule(seen, model, centre)
            rate = self.learning_rate * (1.0 - step / self.max_iter)
            network = Network(
                network.weights + rate * (weights - self.weight_decay * network.weights), network.bias + rate * bias
            )
            done = step + 1
        return network, chains, done

    def _follow(self, network, batch, random_state):
        """Means over rows of a batch, their hidden units drawn while the visible ones are held."""
        xp = arrays.namespace(batch)
        place, shape = arrays.placement_of(batch), (batch.shape[0], self.n_hidden)
        hidden = place.asarray(random_state.randint(2, size=shape), batch.dtype)
        states = xp.concat([batch, hidden], axis=1)
        held = xp.broadcast_to(xp.arange(network.n_units, device=arrays.device(batch)) < batch.shape[1], states.shape)
        # Visible values between 0 and 1 are probabilities: as states they are drawn.
        drawn = place.asarray(random_state.random_sample(tuple(states.shape)), batch.dtype)
        states = xp.astype(drawn < states, batch.dtype)
        states = network.sweep(states, self.n_gibbs_steps, random_state, clamped=held)
        return xp.mean(states, axis=0), states.T @ states / states.shape[0]

    # ------------------------------------------------------------------ given numbers

    @classmethod
    def from_weights(cls, weights, bias, *, n_hidden=0, backend=None):
        """A fitted machine of given numbers.

        Parameters
        ----------
        weights : array-like of shape (n_units, n_units)
            Symmetric couplings; the diagonal must be 0.
        bias : array-like of shape (n_units,)
            External fields.
        n_hidden : int, default=0
            How many of the last units are hidden.
        backend : str, default=None
            As the parameter.

        Returns
        -------
        machine : BoltzmannMachine

        Raises
        ------
        ValueError
            For weights that are not symmetric or have a diagonal, and shapes that do not go together.

        Examples
        --------
        >>> from skamem import BoltzmannMachine
        >>> coin = BoltzmannMachine.from_weights([[0.0]], [0.0])
        >>> coin.score_samples([[1.0]])
        array([-0.693147...])
        """
        place = opened(backend, weights)
        weights = on_host(weights, "weights")
        bias = on_host(bias, "bias", ensure_2d=False).astype(weights.dtype)
        n_units = weights.shape[0]
        if weights.shape != (n_units, n_units) or not np.allclose(weights, weights.T, rtol=1e-6, atol=0):
            raise ValueError(f"weights of shape {weights.shape} are not symmetric; expected weights equal weights.T.")
        if np.any(np.diagonal(weights) != 0):
            raise ValueError("weights have a diagonal, which units of 0 and 1 would take for a bias; add it to bias.")
        if bias.shape != (n_units,):
            raise ValueError(f"bias has shape {bias.shape}; expected ({n_units},), one entry a unit.")
        validation.check_number("n_hidden", n_hidden, kind=Integral, low=0, high=n_units - 1)
        machine = cls(n_hidden, backend=backend)
        machine.weights_, machine.bias_ = place.asarray(weights), place.asarray(bias)
        machine.base_rate_ = place.xp.zeros_like(machine.bias_)
        machine.chains_, machine._partition, machine.n_iter_, machine.annealing_seed_ = None, None, 0, 0
        machine.n_features_in_ = n_units - n_hidden
        return machine
