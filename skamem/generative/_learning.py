"""How a restricted Boltzmann machine starts to learn, goes on, and what of it is kept."""

import copy
from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.generative._bipartite import Bipartite, log_odds, sigmoid
from skamem.generative._chains import ContrastiveDivergence, ParallelTempering, PersistentChains
from skamem.generative._draws import Draws
from skamem.generative._hopfield_map import stored
from skamem.generative._path import Path
from skamem.generative._trainer import Trainer
from skamem.generative._units import Units, column_deviations, column_means, standard_units

__all__ = ["Learning", "given_sigma"]

# Of learning, by sampler. Chains that swap stand larger steps: they follow a model that changes fast.
_RATES = {"pcd": 0.1, "cd": 0.1, "pt": 0.2}
# With Gaussian features, whose noise shrinks as the model learns: chains that start at the data then move too little.
_GAUSSIAN_RATES = {"pcd": 0.02, "cd": 0.01, "pt": 0.02}
_GAUSSIAN_HIDDEN_RATE = 0.01
# First couplings: as random as lets a unit's drive vary by this much, whichever layer varies more. Smaller ones leave
# hidden units alike for long: all learn the same step, and then too much of it, until many no longer vary at all.
_FIRST_DRIVE = 0.5
_FIRST_COUPLINGS_GAUSSIAN = 0.01  # standard deviation with Gaussian hidden units, whose first steps are linear in it
# Chains of "pcd" for small machines: as many as need no more multiplications a product than cost little.
_MOST_CHAINS, _CHEAP_PRODUCT, _CHEAP_DRAWS = 1000, 800_000, 2**15
# First drive of hidden units where the features are at their means. From 0, centred learning leaves hidden units half
# on: features nearly linear in the input, which tell a classifier little, and a lower likelihood in the end.
_FIRST_HIDDEN = -2.0
_UPDATES, _LEAST_EPOCHS, _MOST_EPOCHS = 5000, 10, 500  # of max_iter="auto"


class Learning:
    """A machine while it learns from rows: its trainer, the units of the features, and the random numbers.

    Parameters
    ----------
    rbm : RestrictedBoltzmannMachine
        Gives the parameters.
    rows : Rows
        Training data.
    draws : Draws
        Random numbers.
    seed : int
        For annealing, later.
    """

    def __init__(self, rbm, rows, draws, seed):
        self._rbm, self._rows, self.draws, self.seed = rbm, rows, draws, seed
        self.units, self.trainer = Units(), None

    @classmethod
    def begun(cls, rbm, rows):
        """From small couplings and the biases of independent features."""
        random_state = check_random_state(rbm.random_state)
        learning = cls(rbm, rows, Draws(random_state), random_state.randint(np.iinfo(np.int32).max))
        learning._begin()
        return learning

    @classmethod
    def resumed(cls, rbm, rows, machine, base_rate, past):
        """From where an earlier run was: its `machine` in the user's units, and its `past`."""
        # A copy: if this call fails, the numbers it drew are not lost.
        learning = cls(rbm, rows, copy.deepcopy(past["draws"]), rbm.annealing_seed_)
        units = learning.units = Units(past["offset"], past["scale"])
        reference = units.inside(base_rate)
        sampler = learning._sampler(Path(machine, reference), past["ladder"])
        learning.trainer = learning._trainer(
            units.machine_inside(machine),
            reference,
            past["means"],
            sampler,
            hidden_means=past["hidden_means"],
            state=past["optimizer"],
        )
        return learning

    @classmethod
    def of_numbers(cls, rbm, weights, visible, hidden, sigma):
        """Fitted attributes of given numbers, in the user's units: a run that has not begun."""
        machine = Bipartite(weights, visible, hidden, sigma, rbm.hidden == "gaussian")
        learning = cls(rbm, (), Draws(check_random_state(0)), 0)
        means = sigmoid(visible) if sigma is None else visible
        learning.trainer = learning._trainer(machine, visible, means, ContrastiveDivergence(1, None))
        return learning.fitted(n_iter_=0, monitor_curve_=[], monitor_errors_=[])

    # ------------------------------------------------------------------ the parameters that are "auto"

    @property
    def rate(self):
        """Rate of the first update."""
        rbm = self._rbm
        if not isinstance(rbm.learning_rate, str):
            return float(rbm.learning_rate)
        if rbm.hidden == "gaussian":
            return _GAUSSIAN_HIDDEN_RATE
        return (_GAUSSIAN_RATES if rbm.visible == "gaussian" else _RATES)[rbm.sampler]

    @property
    def batch_size(self):
        """Rows for an update."""
        n_rows = len(self._rows)
        if isinstance(self._rbm.batch_size, str):
            return min(100, max(10, n_rows // 10))
        return min(n_rows, int(self._rbm.batch_size))

    @property
    def n_batches(self):
        """Updates an epoch."""
        return -(-len(self._rows) // self.batch_size)

    @property
    def n_epochs(self):
        """Epochs of `fit`."""
        if isinstance(self._rbm.max_iter, str):
            return min(_MOST_EPOCHS, max(_LEAST_EPOCHS, -(-_UPDATES // self.n_batches)))
        return int(self._rbm.max_iter)

    # ------------------------------------------------------------------ updates

    def epoch(self, order, factor):
        """Update with all rows in this order; ``factor(batch)`` is the schedule's."""
        size = self.batch_size
        with np.errstate(over="ignore", invalid="ignore"):
            for batch in range(self.n_batches):
                v = self._rows.take(order[batch * size : (batch + 1) * size])
                self.trainer.update(self.units.inside(v), factor(batch))
        self._check_finite()

    def _check_finite(self):
        xp = arrays.namespace(self.trainer.reference)
        if not all(bool(xp.all(xp.isfinite(values))) for values in self.trainer.optimizer.parameters.values()):
            rbm = self._rbm
            raise ValueError(
                f"Training diverged at learning_rate={rbm.learning_rate!r} and weight_decay={rbm.weight_decay!r}: "
                "parameters are not finite. Lower them."
            )

    def _begin(self):
        rbm, rows, place = self._rbm, self._rows, self._rows.placement
        xp, n_visible = place.xp, rows.shape[1]
        like = xp.zeros(1, dtype=rows.dtype, device=place.device)
        row_bytes = 8 * 4 * n_visible
        if rbm.visible == "binary":
            means = column_means(rows, row_bytes)
            # As if each feature had been seen half a time more on and off: none is certain.
            smooth = place.asarray((means * len(rows) + 0.5) / (len(rows) + 1.0), like.dtype)
            means, biases, sigma = place.asarray(means, like.dtype), log_odds(smooth, 0.0), None
        else:
            means = column_means(rows, row_bytes)
            self.units = standard_units(means, column_deviations(rows, means, row_bytes), like)
            means = biases = xp.zeros_like(self.units.offset)
            sigma = xp.ones_like(self.units.scale)
            if not isinstance(rbm.sigma, str):
                sigma = place.asarray(given_sigma(rbm.sigma, n_visible), like.dtype) / self.units.scale
        machine = self._first(means, biases, sigma)
        if not isinstance(rbm.init, str):
            machine = stored(machine, rbm.init, means)
        self.trainer = self._trainer(machine, biases, means, self._sampler(Path(machine, biases), None))

    def _first(self, means, biases, sigma):
        """Random couplings that leave visible units of these `means`, and biases if independent, where they are."""
        xp, n_hidden = arrays.namespace(biases), int(self._rbm.n_components)
        weights = self.draws.normal(biases, (biases.shape[0], n_hidden))
        if self._rbm.hidden == "gaussian":
            weights *= _FIRST_COUPLINGS_GAUSSIAN
            return Bipartite(weights, biases, xp.zeros_like(weights[0, :]), sigma, True)
        drive = xp.zeros_like(weights[0, :]) + _FIRST_HIDDEN
        h = sigmoid(drive)
        machine = Bipartite(weights, biases, drive, sigma)
        varying = xp.sum(means * (1.0 - means) if sigma is None else 1.0 / sigma**2), xp.sum(h * (1.0 - h))
        weights *= _FIRST_DRIVE / max(float(variance) for variance in varying) ** 0.5
        # About the means of both layers: a large random drive is no reason to be on more, or less, than before.
        hidden = drive - machine.hidden_drive(means)
        return replace(machine, visible=biases - machine.visible_drive(h), hidden=hidden)

    def _trainer(self, machine, reference, means, sampler, **past):
        rbm = self._rbm
        return Trainer(
            machine,
            reference,
            means,
            sampler,
            learning_rate=self.rate,
            momentum=float(rbm.momentum),
            weight_decay=float(rbm.weight_decay),
            centered=bool(rbm.centered),
            learns_variance=rbm.visible == "gaussian" and isinstance(rbm.sigma, str),
            **past,
        )

    def _sampler(self, path, ladder):
        """The sampler asked for, on the chains of an earlier run where these fit it."""
        rbm, draws = self._rbm, self.draws
        n_steps = int(rbm.n_gibbs_steps)
        if rbm.sampler == "cd":
            return ContrastiveDivergence(n_steps, draws)
        n_chains = self._automatic_chains(path) if isinstance(rbm.n_chains, str) else int(rbm.n_chains)
        if rbm.sampler == "pcd":
            if ladder is None:
                ladder = path.start(n_chains, draws)
            return PersistentChains(n_steps, draws, ladder if ladder.ndim == 2 else ladder[0, ...])
        if ladder is None or ladder.ndim == 2:
            return ParallelTempering.started(path, n_chains, int(rbm.n_temperatures), n_steps, draws)
        return ParallelTempering(n_steps, draws, ladder)

    def _automatic_chains(self, path):
        """Few chains follow the model they sample, and drive it away from where they are: as many as cost little."""
        if self._rbm.sampler == "pt":
            return 20
        n_visible, n_hidden = path.machine.n_visible, path.machine.n_hidden
        free = min(_MOST_CHAINS, _CHEAP_PRODUCT // (n_visible * n_hidden), _CHEAP_DRAWS // (n_visible + n_hidden))
        return max(100, self.batch_size, free)

    # ------------------------------------------------------------------ what is kept

    def fitted(self, **counts):
        """Fitted attributes (dict) in the user's units."""
        trainer, units = self.trainer, self.units
        machine, states = units.machine_outside(trainer.machine), trainer.sampler.states
        xp = arrays.namespace(machine.weights)
        chains = states if states is None or states.ndim == 2 else states[0, ...]
        attributes = {
            "components_": arrays.copy(xp.matrix_transpose(machine.weights)),
            "intercept_visible_": arrays.copy(machine.visible),
            "intercept_hidden_": arrays.copy(machine.hidden),
            "base_rate_": units.outside(trainer.reference),
            "chains_": None if chains is None else units.outside(chains),
            "annealing_seed_": self.seed,
            "_past": {
                "ladder": states,
                "offset": units.offset,
                "scale": units.scale,
                "means": trainer.means,
                "hidden_means": trainer.hidden_means,
                "optimizer": trainer.optimizer.state,
                "draws": self.draws,
            },
            "_hidden": self._rbm.hidden,
            "_partition": None,
        }
        return attributes | counts | ({} if machine.is_binary else {"sigma_": machine.sigma})


def given_sigma(sigma, n_visible):
    """`sigma` as one number a feature, on the host.

    Raises
    ------
    ValueError
        When it is no positive number, nor one a feature.
    """
    try:
        values = np.asarray(sigma, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(())
    if values.shape not in ((), (n_visible,)) or not np.all((values > 0) & np.isfinite(values)):
        raise ValueError(
            f"sigma={sigma!r} is no standard deviation; expected 'auto', a positive number, or {n_visible} of them, "
            "one a feature."
        )
    return np.broadcast_to(values, (n_visible,)).copy()
