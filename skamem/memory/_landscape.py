"""Memories with an energy of their own: recall in random orders and at temperature, besides what all memories do."""

import numbers

from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.dynamics import heat_bath, wander
from skamem.memory._base import BaseMemory
from skamem.memory._door import states_of

__all__ = ["LandscapeMemory"]


class LandscapeMemory(BaseMemory):
    """Abstract base of memories whose recall goes down a landscape of energy."""

    activation = "sign"

    def recall(self, X, *, clamped=None, order="shared", temperature=0.0, random_state=None):
        """Recall with the whole story: states, steps, convergence, cycles, units left unresolved.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues. NaN marks an unknown unit.
        clamped : array-like of bool, shape (n_samples, n_units) or (n_units,), default=None
            Units held at the value of the cue, in addition to those that ``missing="clamp"`` holds.
        order : {"shared", "random"}, default="shared"
            "shared" updates as `predict` does. "random" visits units one after another, in a new order for each cue
            and sweep: slower.
        temperature : float, default=0.0
            Above 0, units are set at random (Glauber dynamics): on with probability 1 / (1 + exp(-2 field / T)). All
            `n_recall_steps` sweeps are made. In the units of `energy`.
        random_state : int, RandomState instance or None, default=None
            Draws random orders and the noise of a temperature.

        Returns
        -------
        recall : Recall
            One entry a row; see `skamem.core.dynamics.Recall`.

        Raises
        ------
        ValueError
            For bad input; for random orders or a temperature under ``target="y"``; for a temperature where energies are
            known up to a factor only, as those of large exponential memories are.
        """
        check_is_fitted(self)
        validation.check_option("order", order, ("shared", "random"))
        validation.check_number("temperature", temperature, low=0.0)
        self._check_clamped(clamped, X)
        if order == "random" or temperature > 0:
            self._check_feedback("recall in random order or at a temperature")
        if temperature > 0:
            dynamics = self._glauber(temperature, self.n_recall_steps, order == "shared", random_state)
        elif order == "random":
            random_state = check_random_state(random_state)

            def dynamics(field, states, *, clamped):
                steps = {"n_steps": self.n_recall_steps, "random_state": random_state}
                return wander(field, states, clamped=clamped, **steps)
        else:
            dynamics = None
        return self._recall(X, "recall", clamped, dynamics)

    def sample(self, n_samples=1, *, temperature=1.0, n_steps=100, clamped=None, start=None, random_state=None):
        """Draw states with probability proportional to exp(-energy / temperature), by Glauber dynamics.

        Parameters
        ----------
        n_samples : int, default=1
            Chains, each of which gives its last state; as many as rows of `start`, if given.
        temperature : float, default=1.0
            Greater than 0, in the units of `energy`.
        n_steps : int, default=100
            Sweeps over all units; chains in deep valleys need many.
        clamped : array-like of bool, shape (n_units,), default=None
            Units that keep the value of `start`.
        start : array-like of shape (n_samples, n_units), default=None
            States to start from, as patterns; random ones when None.
        random_state : int, RandomState instance or None, default=None
            Draws starts, orders and noise.

        Returns
        -------
        states : array of shape (n_samples, n_units)
            In the coding of the stored patterns. Cost O(n_steps n_samples n_units²).
        """
        check_is_fitted(self)
        self._check_feedback("sample")
        validation.check_number("temperature", temperature, low=0.0, low_open=True)
        validation.check_number("n_steps", n_steps, kind=numbers.Integral, low=0)
        random_state = check_random_state(random_state)
        if start is None:
            validation.check_number("n_samples", n_samples, kind=numbers.Integral, low=1)
            start = self._random_patterns(n_samples, random_state)
        self._check_clamped(clamped, start)
        dynamics = self._glauber(temperature, n_steps, True, random_state)
        return self._told(start, "sample", states_of, clamped, dynamics)

    def _random_patterns(self, n_samples, random_state):
        """Patterns as a user of this memory would give them, each unit on with probability 1/2."""
        learnt = self._home()
        low, high = (-1.0 if self.coding_ == "bipolar" else 0.0), 1.0
        if self.binarize is not None:
            low, high = self.binarize - 1.0, self.binarize + 1.0
        place = arrays.placement_of(learnt, returns_numpy=self.backend is not None, dtype=learnt.dtype)
        on = random_state.random_sample((n_samples, self.n_features_in_)) < 0.5
        return place.give(low + (high - low) * on)

    def _glauber(self, temperature, n_steps, shared, random_state):
        random_state = check_random_state(random_state)

        def dynamics(field, states, *, clamped):
            self._check_temperature(field)
            return heat_bath(
                field,
                states,
                n_steps=n_steps,
                temperature=temperature / self._field_scale,
                random_state=random_state,
                shared=shared,
                clamped=clamped,
            )

        return dynamics

    def _check_feedback(self, wish):
        if self.target != "self":
            raise ValueError(
                f"target={self.target!r} recalls in one pass, without feedback: {type(self).__name__} cannot {wish}; "
                "expected target='self'."
            )

    def _check_temperature(self, field):
        """Raise ValueError where fields are no differences of energy."""
