"""How likely rows are to a fitted restricted Boltzmann machine: free energies, ln Z, likelihoods."""

import numbers

from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.generative._annealing import annealed, exact
from skamem.generative._bipartite import softplus_sum
from skamem.generative._draws import Draws
from skamem.generative._enumeration import MOST_UNITS
from skamem.generative._layers import LayersEstimator
from skamem.generative._scoring import LikelihoodEstimator

__all__ = ["BipartiteEstimator"]

_FEWEST_STEPS, _MOST_STEPS = 500, 8000  # of annealing


def _has_binary_units(machine):
    if machine.visible == "binary":
        return True
    raise AttributeError(f"pseudo_likelihood is for binary visible units; found visible={machine.visible!r}.")


class BipartiteEstimator(LikelihoodEstimator, LayersEstimator):
    """Abstract base of estimators whose fitted parameters are those of a restricted Boltzmann machine."""

    def free_energy(self, X):
        """-ln of the sum of exp(-E) over all hidden states: low where the model is at home.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units.

        Returns
        -------
        free_energy : array of shape (n_samples,)
            In nats. ln p(v) = -free_energy - ln Z.
        """
        return self._map(X, "free_energy", lambda machine, v: machine.free_energy(v), wide=True)

    def score_samples(self, X):
        """Log-likelihood of each row.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units. For binary units with values between 0 and 1 it is at most the mean over the binary rows that
            these are the probabilities of.

        Returns
        -------
        log_likelihood : array of shape (n_samples,)
            In nats (ln of a density for Gaussian units). The same for every call: ln Z is exact, or estimated once with
            a seed that `fit` drew; see `log_partition`.
        """
        check_is_fitted(self)
        log_partition = self.log_partition().value
        return self._map(X, "score_samples", lambda machine, v: -machine.free_energy(v) - log_partition, wide=True)

    def log_partition(self, *, n_steps="auto", n_chains=100, random_state=None):
        """ln Z, the logarithm of the partition function.

        Parameters
        ----------
        n_steps : "auto" or int, default="auto"
            "auto": exact where the smaller binary layer has at most 20 units; otherwise annealed importance sampling,
            slower until enough chains count. A number: annealing with so many temperatures, after a walk of a tenth as
            many, which says where to lay them.
        n_chains : int, default=100
            Of annealing, >= 2.
        random_state : int, RandomState instance or None, default=None
            Draws the chains; None takes the seed that `fit` drew.

        Returns
        -------
        log_partition : LogPartition
            With `value`, `standard_error`, `effective_sample_size`, and two numbers that tell when an estimate misses
            a mode: `reverse` and `bound`. What the default call finds is kept for `score_samples`.

        Warns
        -----
        UserWarning
            When the estimate is not to be trusted.
        """
        check_is_fitted(self)
        default = isinstance(n_steps, str) and n_chains == 100 and random_state is None
        if default and self._partition is not None:
            return self._partition
        if isinstance(n_steps, str):
            validation.check_option("n_steps", n_steps, ("auto",))
        else:
            validation.check_number("n_steps", n_steps, kind=numbers.Integral, low=1)
        validation.check_number("n_chains", n_chains, kind=numbers.Integral, low=2)
        seed = self.annealing_seed_ if random_state is None else random_state
        found = self._find_log_partition(n_steps, n_chains, check_random_state(seed))
        if default:
            self._partition = found
        self._voice_doubts(
            found,
            "Call log_partition(n_steps=..., n_chains=...) with more of both, or compare models by pseudo_likelihood.",
        )
        return found

    def _find_log_partition(self, n_steps, n_chains, random_state):
        machine, _ = self._machine(wide=True)
        layers = ([machine.n_visible] if machine.is_binary else []) + (
            [] if machine.gaussian_hidden else [machine.n_hidden]
        )
        automatic = isinstance(n_steps, str)
        if automatic and min(layers) <= MOST_UNITS:
            return exact(machine)
        reference = self._reference(machine)
        states = None if self.chains_ is None else arrays.placement_of(reference).asarray(self.chains_, reference.dtype)
        n_steps = (_FEWEST_STEPS, _MOST_STEPS) if automatic else n_steps
        return annealed(machine, reference, Draws(random_state), n_steps=n_steps, n_chains=n_chains, states=states)

    @property
    def log_partition_(self):
        """ln Z as `log_partition` gives it, in nats."""
        return self.log_partition().value

    @property
    def log_partition_error_(self):
        """Standard error of ``log_partition_``; 0 when it is exact."""
        return self.log_partition().standard_error

    @available_if(_has_binary_units)
    def pseudo_likelihood(self, X, *, per_unit=False):
        """Log pseudo-likelihood: how well each visible unit is predicted from all others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Visible units.
        per_unit : bool, default=False
            Whether to give the mean over the units instead of the sum.

        Returns
        -------
        pseudo_likelihood : array of shape (n_samples,)
            Sum over all bits of ln p(v_i | the others), in nats: no bit is left out, nothing is drawn. Cost
            O(n_samples n_features n_components).
        """
        validation.check_option("per_unit", per_unit, (True, False))

        def conditionals(machine, v):
            found = _log_conditionals(machine, v)
            return found / machine.n_visible if per_unit else found

        return self._map(X, "pseudo_likelihood", conditionals, dense=True, wide=True)


def _log_conditionals(machine, v):
    """Sum over the units of ln p(v_i | the others), for binary rows; for rows of probabilities, their cross-entropy."""
    xp = arrays.namespace(v)
    drive = machine.hidden_drive(v) + machine.hidden
    total = xp.zeros_like(drive[:, 0])
    for unit in range(machine.n_visible):
        value, weights = v[:, unit : unit + 1], machine.weights[unit, :]
        # ln of p(on) / p(off), the others fixed: the field on this unit.
        on, off = drive + (1.0 - value) * weights, drive - value * weights
        field = machine.visible[unit] + machine.log_sum_hidden(on) - machine.log_sum_hidden(off)
        total = total + value[:, 0] * field - softplus_sum(field[:, None])
    return total
