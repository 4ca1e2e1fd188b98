"""Two recipes for training a dense memory: Adam, the modern default, and that of Krotov and Hopfield.

A recipe answers what the two answer differently: how long to train, in which batches, how much noise, where the
memories start and which optimizer moves them.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skamem.core import arrays
from skamem.supervised.dense import _start as start
from skamem.supervised.dense._choice import choose
from skamem.supervised.dense._defaults import (
    ADAM_RATE,
    INITIAL_OVERLAP,
    INITIAL_POTENTIAL,
    LOW_DEGREE,
    PAPER_EPOCHS,
    PAPER_RATE,
    auto_decay,
    auto_epochs,
    auto_groups,
    auto_narrow,
    auto_noise,
    auto_rate,
    auto_temperature,
)
from skamem.supervised.dense._network import Memories, Network
from skamem.supervised.dense._paper import PaperSolver
from skamem.training import Adam, balanced_batches, batch_count, shuffled_batches, zero_outside

__all__ = ["RECIPES", "AdamRecipe", "PaperRecipe"]

_REFERENCE_SIZE = 0.05  # root mean square of parameters that move at the learning rate itself
_PAPER_MEMORY_MEAN, _PAPER_MEMORY_SPREAD = -0.3, 0.3


@dataclass(frozen=True)
class _Recipe:
    """What both recipes know: the estimator's parameters of these names, and its energy."""

    interaction: Any
    equation: str
    n_memories: int
    init: str
    scale: Any
    fit_intercept: bool
    temperature: Any
    learning_rate: Any
    max_iter: Any
    noise: Any

    @classmethod
    def of(cls, estimator, interaction):
        """Recipe with the parameters of an estimator."""
        own = {name: getattr(estimator, name) for name in cls.own}
        return cls(
            interaction=interaction,
            equation=estimator.readout,
            n_memories=int(estimator.n_memories),
            init=estimator.init,
            scale=estimator.scale,
            fit_intercept=bool(estimator.fit_intercept),
            temperature=estimator.temperature,
            learning_rate=estimator.learning_rate_init,
            max_iter=estimator.max_iter,
            noise=estimator.noise,
            **own,
        )

    own: ClassVar[tuple] = ()

    def n_epochs(self, n_batches):
        """How many epochs of `n_batches` updates."""
        return self._auto_epochs(n_batches) if self.max_iter == "auto" else int(self.max_iter)

    def noise_level(self, data, random_state):
        """Standard deviation of the input noise."""
        return self._auto_noise(data, random_state) if self.noise == "auto" else float(self.noise)

    def settled(self, data, loss, batch_size):
        """Recipe whose "auto" values are chosen by the data, where there is something to choose."""
        return self

    def by_rule(self, n_rows):
        """Recipe whose "auto" values follow the number of rows alone."""
        return self

    def _rate(self, automatic):
        return automatic if self.learning_rate == "auto" else float(self.learning_rate)


@dataclass(frozen=True)
class AdamRecipe(_Recipe):
    """Adam with a cosine schedule, shuffled batches, input noise and weight decay."""

    weight_decay: Any
    adversarial: float
    noise_share: float = 1.0
    n_groups: int = 1
    narrow_share: float = 0.0
    group_decays: tuple = ()
    own: ClassVar[tuple] = ("weight_decay", "adversarial")
    # Steps of Adam do not shrink with the gradient: units saturate at the wrong end now and then and must find back.
    saturated_slope: ClassVar[float] = 0.1

    @property
    def decay(self):
        """Weight decay λ, once it is settled."""
        return float(self.weight_decay)

    @property
    def rate(self):
        """Learning rate."""
        return self._rate(ADAM_RATE)

    def settled(self, data, loss, batch_size):
        """Recipe whose decay and share of the noise are chosen by the data, or by the rule; then length and rate."""
        n_batches, recipe, brief = batch_count(len(data), batch_size), self._parted(data), False
        if self.weight_decay == "auto":
            choice = choose(recipe, data, loss, batch_size, self.n_epochs(n_batches) * n_batches)
            if choice is None:
                recipe = recipe.by_rule(len(data))
            else:
                brief = choice.brief
                recipe = dataclasses.replace(
                    recipe,
                    weight_decay=choice.weight_decay,
                    noise_share=choice.noise_share,
                    group_decays=choice.decays(recipe.n_groups),
                )
        n_epochs = self._auto_epochs(n_batches, brief) if self.max_iter == "auto" else int(self.max_iter)
        return dataclasses.replace(
            recipe,
            max_iter=n_epochs,
            learning_rate=self._rate(auto_rate(n_epochs * n_batches)),
        )

    def _parted(self, data):
        """Recipe whose memories part the work: in groups that learn apart, and some with a few features only.

        Where potentials add up, and many memories vote. Few features tell something where each is a quantity of its
        own, which those that are scaled alike, pixels say, are not.
        """
        degree = getattr(self.interaction, "degree", 0)
        if self.equation != "linear" or self.init != "random" or degree > LOW_DEGREE:
            return self
        narrow_share = 0.0
        if self.scale == "feature":
            narrow_share = auto_narrow(self.n_memories, data.rows.n_features, len(data))
        return dataclasses.replace(self, n_groups=auto_groups(self.n_memories, len(data)), narrow_share=narrow_share)

    def by_rule(self, n_rows):
        """Recipe whose decay follows the number of rows alone."""
        return dataclasses.replace(self, weight_decay=auto_decay(n_rows)) if self.weight_decay == "auto" else self

    @staticmethod
    def batches(codes, n_batches, random_state):
        """Batches of an epoch, lists of row indices."""
        return shuffled_batches(len(codes), n_batches, random_state)

    def begin(self, data, random_state):
        """Optimizer with fresh memories."""
        place, dtype = data.rows.placement, data.rows.offset.dtype
        temperature = self._first_temperature(data.rows.n_features)
        visible, bias, chosen = start.initial_visible(
            data.rows, self.n_memories, temperature, self.init, self.fit_intercept, random_state
        )
        masks = {}
        if self.narrow_share:
            mask = start.narrow_mask(*visible.shape, self.narrow_share, random_state)
            # Of fewer weights each is larger: overlaps start alike.
            visible *= place.asarray(mask * (mask.shape[1] / mask.sum(axis=1, keepdims=True)) ** 0.5, dtype)
            masks = {"visible": place.asarray(mask)}
        if chosen is None:
            shape = self.n_memories, data.targets.shape[1]
            drawn = place.asarray(random_state.standard_normal(shape) * data.signs, dtype)
        else:
            drawn = place.xp.take(data.targets, place.asarray(chosen), axis=0)
        overlaps = start.probe_rows(data.rows, random_state) @ visible.T + bias
        degree = getattr(self.interaction, "degree", 0)
        if self.temperature == "auto" and (self.init == "data" or degree > LOW_DEGREE):
            # Where few memories decide, it is the best match that must start at a given overlap, not the average one.
            peak, level = start.peak_and_level(degree, self.fit_intercept, self.init == "data")
            excess = start.mean_peak(overlaps) / peak
            temperature, visible = temperature * excess, visible / excess
            bias, overlaps = bias / excess + level, overlaps / excess + level
        # Eq. (10), where there is one, is in proportion to the recognition weights: one division sets its size.
        equation = "linear" if hasattr(self.interaction, "curvature") else "exact"
        readout = Network.of(equation, self.interaction, drawn.shape[1], place.xp, dtype).readout
        # Each group starts with potentials of that size; of the mean of several independent ones less is left.
        recognition = start.initial_recognition(drawn, overlaps, readout) / self.n_groups**0.5
        return self.resume(Memories(visible, bias, recognition), temperature, masks=masks)

    def resume(self, memories, temperature, state=None, masks=None):
        """Optimizer that goes on from given memories, and from its own earlier `state` if there is one.

        Weights outside of `masks`, by the names of the memories' parts, are 0 and stay it.
        """
        return _MemoryAdam(
            memories,
            temperature,
            state,
            masks or {},
            learning_rate=self.rate,
            decay=self._decay_of(memories),
            fit_intercept=self.fit_intercept,
        )

    def _decay_of(self, memories):
        """Decay of all memories, or a column of one for each."""
        if len(set(self.group_decays)) < 2:
            return self.decay
        size = memories.bias.shape[0] // self.n_groups
        column = np.repeat(np.asarray(self.group_decays), size)[:, None]
        return arrays.placement_of(memories.visible).asarray(column, memories.visible.dtype)

    def _first_temperature(self, n_features):
        return (
            auto_temperature(n_features + self.fit_intercept) if self.temperature == "auto" else float(self.temperature)
        )

    def _auto_epochs(self, n_batches, brief=False):
        # A rate of one's own is one for usual steps, of which there must be more.
        return auto_epochs(n_batches, brief) * (1 if self.learning_rate == "auto" else 2)

    def _auto_noise(self, data, random_state):
        # Rows moved uphill in the loss are noise enough.
        return 0.0 if self.adversarial > 0 else self.noise_share * auto_noise(data.rows, data.codes, random_state)


class _MemoryAdam(Adam):
    """Adam in which every parameter's rate is relative to its size at the start, so that no unit of measure counts."""

    def __init__(self, memories, temperature, state, masks, *, learning_rate, decay, fit_intercept):
        rate = None if state is None else state["recognition_rate"]
        # Memories without any vote, of a constant target, may yet learn one.
        self._recognition_rate = rate or start.root_mean_square(memories.recognition) / _REFERENCE_SIZE or 1.0
        rates = {
            "visible": 1 / temperature,
            "bias": fit_intercept / temperature,
            "recognition": self._recognition_rate,
        }
        super().__init__(memories._asdict(), learning_rate=learning_rate, rates=rates, decay=decay, state=state)
        self.temperature, self.masks = temperature, masks

    def step(self, gradients, factor=1.0):
        """Make one update, within the masks."""
        zero_outside(gradients, self.masks)
        super().step(gradients, factor)

    @property
    def state(self):
        """What a later run needs to go on from here."""
        return super().state | {"recognition_rate": self._recognition_rate}


@dataclass(frozen=True)
class PaperRecipe(_Recipe):
    """Normalised momentum descent in class-balanced batches, at an annealed temperature, without input noise."""

    momentum: float
    own: ClassVar[tuple] = ("momentum",)
    saturated_slope: ClassVar[float] = 0.0
    decay: ClassVar[float] = 0.0
    n_groups: ClassVar[int] = 1
    batches: ClassVar[Any] = staticmethod(balanced_batches)

    @property
    def rate(self):
        """Learning rate."""
        return self._rate(PAPER_RATE)

    def begin(self, data, random_state):
        """Optimizer with fresh memories."""
        place, dtype = data.rows.placement, data.rows.offset.dtype
        n_outputs, n_features = data.targets.shape[1], data.rows.n_features
        drawn = random_state.standard_normal((self.n_memories, n_features + 1 + n_outputs))
        drawn = place.asarray(np.clip(_PAPER_MEMORY_MEAN + _PAPER_MEMORY_SPREAD * drawn, -1, 1), dtype)
        visible, recognition = drawn[:, :n_features], drawn[:, n_features + 1 :]
        bias = drawn[:, n_features] * int(self.fit_intercept)
        if self.init == "data":
            chosen = place.asarray(random_state.randint(0, len(data), self.n_memories))
            visible = 0.5 * data.rows.take(chosen) + 0.02 * visible
            recognition = 0.5 * place.xp.take(data.targets, chosen, axis=0)
        memories = Memories(visible, bias, recognition)
        probes = start.probe_rows(data.rows, random_state)
        return self._solver(memories, self._first_temperature(memories, probes, place.xp))

    def resume(self, memories, temperature, state=None):
        """Optimizer that goes on from given memories."""
        visible, bias, recognition = memories
        units = visible * temperature, bias * temperature, recognition * (temperature / 2)
        return self._solver(Memories(*units), temperature)

    def _first_temperature(self, memories, probes, xp):
        """T at which overlaps start with root mean square 0.4 and, where the degree allows it, potentials with 0.5."""
        if self.temperature != "auto":
            return self.temperature
        overlaps = probes @ memories.visible.T + memories.bias
        temperature = start.root_mean_square(overlaps) / INITIAL_OVERLAP or 1.0
        degree = getattr(self.interaction, "degree", None)
        if degree is None:
            return temperature
        # A polynomial scales with T^-n: one number sets the size of the potentials.
        visible, bias, recognition = memories
        scaled = Memories(visible / temperature, bias / temperature, recognition * (2 / temperature))
        network = Network.of(self.equation, self.interaction, recognition.shape[1], xp, probes.dtype)
        size = start.root_mean_square(network.potentials(probes, scaled))
        return temperature * (size / INITIAL_POTENTIAL or 1.0) ** (1 / degree)

    def _solver(self, memories, temperature):
        pair = tuple(temperature) if isinstance(temperature, tuple | list) else (temperature, temperature)
        return PaperSolver(
            memories._asdict(),
            temperature=tuple(float(end) for end in pair),  # a NumPy scalar would make float32 arrays float64
            learning_rate=self.rate,
            momentum=float(self.momentum),
            fit_intercept=self.fit_intercept,
        )

    @staticmethod
    def _auto_epochs(n_batches):
        return PAPER_EPOCHS

    def _auto_noise(self, data, random_state):
        return 0.0


RECIPES = {"adam": AdamRecipe, "paper": PaperRecipe}
"""Recipes by the name of the solver. A recipe reads the parameters it shares and those it names in `own`."""
