"""What neurons of an area do: add up what comes in, let the k that receive most fire, strengthen what led to it."""

from dataclasses import dataclass

from skamem.core import arrays
from skamem.core.dynamics import settle
from skamem.core.thresholds import k_cap
from skamem.structures._synapses import CEILING

__all__ = ["Plasticity", "fire_most", "project", "received", "recur"]

_SAME = 16.0  # in units of rounding: inputs that are no farther apart are equal


@dataclass(frozen=True)
class Plasticity:
    """How synapses of an area change.

    Parameters
    ----------
    beta : float
        A synapse from a neuron that fires to one that fires next grows by the factor 1 + beta.
    max_weight : float, default=2**16
        What no weight goes beyond.
    homeostasis : bool, default=False
        Whether each neuron scales what it receives so that its incoming weights always sum to the same.
    """

    beta: float
    max_weight: float = CEILING
    homeostasis: bool = False


def received(synapses, reach, plasticity, scale=1.0):
    """What neurons receive by some synapses.

    Parameters
    ----------
    synapses : SparseSynapses or DenseSynapses
        From those that fire to those that receive.
    reach : Reach or array
        ``synapses.reach(firing)``.
    plasticity : Plasticity
        With homeostasis, what a neuron receives is divided by the present sum of its weights, and multiplied by the
        mean sum before anything was learnt.
    scale : float or array of shape (n_rows, 1), default=1.0
        How loud the firing is as a whole.

    Returns
    -------
    input : float64 array of shape (n_rows, n_neurons)
    """
    driven = synapses.drive(reach)
    if not plasticity.homeostasis:
        return driven * scale
    xp = arrays.namespace(driven)
    # Sums are exact, and one division follows: equal shares are equal numbers.
    share = driven / xp.where(synapses.incoming > 0, synapses.incoming, xp.ones_like(synapses.incoming))
    return share * (scale * synapses.fan_in)


def fire_most(inputs, k):
    """The k-cap: mask of the `k` neurons of each row that receive most.

    Parameters
    ----------
    inputs : array of shape (n_rows, n_neurons)
        What they receive, >= 0.
    k : int
        Neurons that fire, 1 <= k <= n_neurons.

    Returns
    -------
    firing : bool array of shape (n_rows, n_neurons)
        Exactly `k` True a row, among equals the lower index; fewer where fewer receive anything at all. Inputs that
        differ by rounding only are equal.
    """
    xp = arrays.namespace(inputs)
    rounding = _SAME * xp.finfo(inputs.dtype).eps * xp.max(inputs, axis=1, keepdims=True)
    return k_cap(inputs, k, rounding, xp=xp) & (inputs > 0.0)


def project(sources, recurrent, k, plasticity, *, n_rounds, firing=None):
    """Let sources fire into an area, round after round, and learn: an assembly forms.

    Parameters
    ----------
    sources : list of (synapses, array of shape (1, n_sources), float)
        Synapses into the area, who fires at their other end in every round, and how loud.
    recurrent : SparseSynapses or DenseSynapses
        Of the area onto itself.
    k : int
        Neurons of the area that fire.
    plasticity : Plasticity
        How the synapses change; they do, in place.
    n_rounds : int
        Rounds, >= 1.
    firing : bool array of shape (1, n_neurons), default=None
        Who fires in the area before; None for nobody.

    Returns
    -------
    firing : bool array of shape (1, n_neurons)
        Who fires in the end: the assembly.
    n_moving : int
        Rounds until nothing changed any more, the one that shows it included; `n_rounds` where something did to the
        end.

    Notes
    -----
    Once a round fires the same neurons as the one before, so do all that follow: only synapses among those grow. What
    they grow by in the rounds that are left is then done at once.
    """
    fixed = [(synapses, synapses.reach(those), loud) for synapses, those, loud in sources]
    reach = None if firing is None else recurrent.reach(firing)
    for n_done in range(1, n_rounds + 1):
        paths = fixed if reach is None else [*fixed, (recurrent, reach, 1.0)]
        inputs = sum(received(synapses, those, plasticity, loud) for synapses, those, loud in paths)
        winners = fire_most(inputs, k)
        rests = firing is not None and bool(arrays.namespace(winners).all(winners == firing))
        n_times = n_rounds - n_done + 1 if rests else 1
        for synapses, those, _ in paths:
            synapses.strengthen(those, winners[0, :], plasticity.beta, n_times=n_times, most=plasticity.max_weight)
        if rests:
            return winners, n_done
        firing, reach = winners, recurrent.reach(winners)
    return firing, n_rounds


def recur(inputs, recurrent, k, plasticity, *, n_rounds, firing):
    """Rounds of an area under constant input, without learning, until each row is at rest; rows are independent.

    Parameters
    ----------
    inputs : array of shape (n_rows, n_neurons)
        What comes in from elsewhere in every round.
    recurrent, k, plasticity
        As in `project`.
    n_rounds : int
        Rounds at most, >= 0.
    firing : bool array of shape (n_rows, n_neurons)
        Who fires before.

    Returns
    -------
    recall : Recall
        As `skamem.core.dynamics.settle` gives; ``states`` says who fires in the end.
    """

    def update(firing, inputs):
        return fire_most(inputs + received(recurrent, recurrent.reach(firing), plasticity), k)

    return settle(update, firing, n_steps=n_rounds, clamped=inputs)
