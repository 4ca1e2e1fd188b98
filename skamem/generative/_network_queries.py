"""What a fitted Boltzmann machine answers: energies, likelihoods, samples, and the Hopfield network it is."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.rows import Rows
from skamem.generative._annealing import annealed_network, known
from skamem.generative._bipartite import sigmoid
from skamem.generative._draws import drawn_states
from skamem.generative._enumeration import MOST_UNITS
from skamem.generative._layers import clip_binary
from skamem.generative._network import Network
from skamem.generative._scoring import LikelihoodEstimator
from skamem.memory import HopfieldNetwork

__all__ = ["NetworkEstimator"]

_SUMMED = 12  # open units of a row whose states are all visited by `reconstruct`
_ANNEALING = {"n_steps": 1000, "n_chains": 100}


class NetworkEstimator(LikelihoodEstimator):
    """Abstract base of estimators whose fitted parameters are ``weights_`` and ``bias_`` of a Boltzmann machine."""

    _anchor = "weights_"

    # ------------------------------------------------------------------ answers

    def energy(self, X, hidden=None):
        """E(x) = -½ xᵀWx - bᵀx of full states.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Visible units.
        hidden : array-like of shape (n_samples, n_hidden), default=None
            Hidden units; required when there are any.

        Returns
        -------
        energy : array of shape (n_samples,)
            In nats.
        """
        check_is_fitted(self)
        n_hidden = self._n_hidden
        found = 0 if hidden is None else arrays.shape_of(hidden)[-1]
        if found != n_hidden:
            raise ValueError(f"energy found {found} hidden units; expected hidden= of shape (n_samples, {n_hidden}).")

        def full(network, visible, rows):
            if n_hidden == 0:
                return network.energy(visible)
            xp = arrays.namespace(visible)
            there = arrays.placement_of(visible).asarray(hidden, visible.dtype)[rows, :]
            return network.energy(xp.concat([visible, there], axis=1))

        return self._map(X, "energy", full)

    def field(self, X):
        """ln of p(on) / p(off) of each visible unit, all others fixed; machines without hidden units only.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units.

        Returns
        -------
        field : array of shape (n_samples, n_features)
            The energy that switching a unit on saves.

        Raises
        ------
        ValueError
            With hidden units.
        """
        check_is_fitted(self)
        if self._n_hidden:
            raise ValueError(
                f"field found {self._n_hidden} hidden units, on which it depends; expected none. Use "
                "to_hopfield().field."
            )
        return self._map(X, "field", lambda network, visible, rows: network.field(visible))

    def free_energy(self, X):
        """-ln of the sum of exp(-E) over all states of the hidden units; the energy, when there are none.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units.

        Returns
        -------
        free_energy : array of shape (n_samples,)
            In nats. Cost 2^n_hidden for each row.

        Raises
        ------
        ValueError
            With more than 20 hidden units.
        """
        self._check_few_hidden()
        return self._map(X, "free_energy", lambda network, visible, rows: network.free_energy(visible))

    def score_samples(self, X):
        """Log-likelihood of each row.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units.

        Returns
        -------
        log_likelihood : array of shape (n_samples,)
            In nats; the same for every call.

        Raises
        ------
        ValueError
            With more than 20 hidden units.
        """
        self._check_few_hidden()
        log_partition = self.log_partition().value
        return self._map(X, "score_samples", lambda net, visible, rows: -net.free_energy(visible) - log_partition)

    def log_partition(self):
        """ln Z: exact up to 20 units, by annealed importance sampling beyond.

        Returns
        -------
        log_partition : LogPartition
            Kept for later calls.

        Warns
        -----
        UserWarning
            When the estimate is not to be trusted.
        """
        check_is_fitted(self)
        if self._partition is None:
            network, _ = self._network(wide=True)
            if network.n_units <= MOST_UNITS:
                self._partition = known(network.log_partition())
            else:
                self._partition = self._anneal(network)
                self._voice_doubts(self._partition, "Compare models by what they sample, or use fewer units.")
        return self._partition

    def _anneal(self, network):
        random_state = check_random_state(self.annealing_seed_)
        xp = arrays.namespace(network.bias)
        reference = xp.astype(self.base_rate_, network.bias.dtype)
        chains = self.chains_
        if chains is None:
            chains = drawn_states(reference, _ANNEALING["n_chains"], random_state)
            chains = network.sweep(chains, 100, random_state)
        states = xp.astype(chains, network.bias.dtype)
        return annealed_network(network, reference, random_state, states=states, **_ANNEALING)

    def sample(self, n_samples=1, *, n_steps=200, random_state=None):
        """Draw visible units from the model.

        Parameters
        ----------
        n_samples : int, default=1
            Rows wanted, >= 1.
        n_steps : int, default=200
            Sweeps while the temperature falls from infinity to that of the model, then as many there; >= 1.
        random_state : int, RandomState instance or None, default=None
            Draws the units.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Zeros and ones.
        """
        check_is_fitted(self)
        validation.check_number("n_samples", n_samples, kind=Integral, low=1)
        validation.check_number("n_steps", n_steps, kind=Integral, low=1)
        random_state = check_random_state(random_state)
        network, placement = self._network()
        states = drawn_states(self.base_rate_, n_samples, random_state)
        for step in range(n_steps):
            states = network.at((step + 1) / n_steps, self.base_rate_).sweep(states, 1, random_state)
        states = network.sweep(states, n_steps, random_state)
        return placement.release(states[:, : self.n_features_in_])

    def reconstruct(self, X, *, n_steps=20, clamped=False, noise=False, random_state=None):
        """What the model makes of rows, unknown entries (NaN) filled in.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Visible units; NaN marks those that are unknown.
        n_steps : int, default=20
            Updates of the units that are open, the unknown ones and the hidden, while the known ones are held; >= 1.
        clamped : bool, default=False
            Whether known entries are returned as given; otherwise they too become what the other units say.
        noise : bool, default=False
            False: no chance, and rows do not depend on those beside. Means of the open units are exact, by the sum over
            their states, in rows where they are 12 at most, and by mean field elsewhere. True: Gibbs sampling; what is
            returned is the mean over the second half of the steps.
        random_state : int, RandomState instance or None, default=None
            Draws the units when `noise`.

        Returns
        -------
        visibles : array of shape (n_samples, n_features)
            Means: probabilities of the units.
        """
        validation.check_number("n_steps", n_steps, kind=Integral, low=1)
        validation.check_option("clamped", clamped, (True, False))
        validation.check_option("noise", noise, (True, False))
        random_state = check_random_state(random_state) if noise else None

        def fill(network, visible, rows):
            xp = arrays.namespace(visible)
            hidden = xp.full(
                (visible.shape[0], self._n_hidden), xp.nan, dtype=visible.dtype, device=arrays.device(visible)
            )
            given = xp.concat([visible, hidden], axis=1)
            if noise:
                means = self._drawn_means(network, given, n_steps, random_state)
            else:
                means = self._settled_means(network, given, n_steps)
                # Known units become what the others say, each of which is at its mean.
                means = xp.where(xp.isnan(given), means, sigmoid(network.field(means)))
            means = means[:, : visible.shape[1]]
            return xp.where(xp.isnan(visible), means, visible) if clamped else means

        return self._map(X, "reconstruct", fill, nan=True)

    def _settled_means(self, network, given, n_steps):
        """Known units as given, means of the open ones (NaN) without chance; rows open in the same units together."""
        place = arrays.placement_of(given)
        xp = place.xp
        masks, kinds = np.unique(arrays.to_numpy(xp.isnan(given)), axis=0, return_inverse=True)
        kinds = kinds.ravel()
        parts = [
            self._filled(network, xp.take(given, place.asarray(np.flatnonzero(kinds == kind)), axis=0), mask, n_steps)
            for kind, mask in enumerate(masks)
        ]
        back = np.argsort(np.argsort(kinds, kind="stable"))
        return xp.take(xp.concat(parts, axis=0), place.asarray(back), axis=0)

    def _filled(self, network, rows, mask, n_steps):
        """Rows whose units in `mask` are open, these at their means: exact where they are few."""
        place = arrays.placement_of(rows)
        xp, n_open = place.xp, int(mask.sum())
        if n_open == 0:
            return rows
        if n_open > _SUMMED:
            free = place.asarray(mask)
            start = sigmoid(xp.astype(self.base_rate_, rows.dtype, copy=False))
            return network.mean_field(xp.where(free, start, rows), free, n_steps)
        order = np.argsort(mask, kind="stable")  # known units first
        known = xp.take(rows, place.asarray(order[: len(mask) - n_open]), axis=1)
        states = xp.concat([known, network.of_units(place.asarray(order)).open_means(known)], axis=1)
        return xp.take(states, place.asarray(np.argsort(order)), axis=1)

    def _drawn_means(self, network, given, n_steps, random_state):
        """Means over the second half of sweeps that leave known units as they are."""
        xp = arrays.namespace(given)
        known = ~xp.isnan(given)
        start = drawn_states(self.base_rate_, given.shape[0], random_state)
        states = xp.where(known, given, xp.astype(start, given.dtype))
        total, n_kept = xp.zeros_like(states), 0
        for step in range(n_steps):
            states = network.sweep(states, 1, random_state, clamped=known)
            if 2 * step >= n_steps - 1:
                total, n_kept = total + sigmoid(network.field(states)), n_kept + 1
        return total / n_kept

    def to_hopfield(self, **parameters):
        """The Hopfield network of the same energy: recall instead of sampling.

        Parameters
        ----------
        **parameters
            Of `skamem.HopfieldNetwork`, such as `update`.

        Returns
        -------
        network : HopfieldNetwork
            Of all units, hidden ones last, with patterns of 0 and 1: its energy differs from this one by a constant.
        """
        check_is_fitted(self)
        network, placement = self._network()
        weights, fields = network.spins()
        options = {"coding": "binary", "binarize": 0.5, "backend": self.backend} | parameters
        return HopfieldNetwork.from_weights(placement.release(weights), placement.release(fields), **options)

    # ------------------------------------------------------------------ how it is done

    @property
    def _n_hidden(self):
        return self.bias_.shape[0] - self.n_features_in_

    def _check_few_hidden(self):
        check_is_fitted(self)
        if self._n_hidden > MOST_UNITS:
            raise ValueError(
                f"The likelihood sums over the states of {self._n_hidden} hidden units; expected at most {MOST_UNITS}. "
                "RestrictedBoltzmannMachine has a likelihood for any number."
            )

    def _network(self, *, wide=False):
        placement = arrays.placement_of(self.weights_, returns_numpy=self._backend is not None)
        xp, dtype = placement.xp, arrays.widest_float(self.weights_) if wide else self.weights_.dtype
        network = Network(xp.astype(self.weights_, dtype, copy=False), xp.astype(self.bias_, dtype, copy=False))
        return network, placement

    def _map(self, X, method, function, *, nan=False):
        check_is_fitted(self)
        options = {"ensure_all_finite": "allow-nan"} if nan else {"accept_sparse": "csr"}
        X, placement = self._receive(X, reset=False, method=method, **options)
        network, _ = self._network(wide=True)
        blocks = Rows(X, placement, network.bias.dtype).blocks(8 * 8 * network.n_units)
        return placement.give((function(network, clip_binary(visible), rows) for rows, visible in blocks), X.shape[0])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "density_estimator"  # scikit-learn's mixin brings a score of its own, which is None
        tags.input_tags.sparse = True
        return tags
