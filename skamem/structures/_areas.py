"""What neurons of an area do: add up what comes in, let the k that receive most fire, strengthen what led to it."""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays, validation
from skamem.core.dynamics import settle
from skamem.core.thresholds import k_cap
from skamem.structures._synapses import CEILING

__all__ = ["Path", "Plasticity", "fire_most", "named_pairs", "received", "recur", "run"]

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


@dataclass(frozen=True, eq=False)
class Path:
    """Synapses from one group of neurons to an area.

    Parameters
    ----------
    source, target : str
        Their names.
    synapses : SparseSynapses or DenseSynapses
        Between them.
    loud : float or array of shape (1, 1), default=1.0
        How loud the source is as a whole.
    """

    source: str
    target: str
    synapses: Any
    loud: Any = 1.0


def run(paths, firing, caps, plasticity, *, n_rounds, learn=True):
    """Rounds in which all areas fire at once, each by what its sources did in the round before.

    Parameters
    ----------
    paths : list of Path
        What sends where. Areas that are no target go on as they are.
    firing : dict of str to array of shape (1, n_neurons)
        Who fires before, for every source and target: masks, or strengths in [0, 1] of sources that are no targets.
    caps : dict of str to int
        Neurons that fire, for every target.
    plasticity : Plasticity
        How the synapses of the paths change; they do, in place.
    n_rounds : int
        Rounds at most, >= 1.
    learn : bool, default=True
        False leaves the synapses as they are.

    Returns
    -------
    rounds : list of dict of str to bool array of shape (1, n_neurons)
        Who fires in each target after each round. It ends with the first round that changed nothing, or with the last.

    Notes
    -----
    Once a round fires the same neurons as the one before, so do all that follow: only synapses among those grow. What
    they grow by in the rounds that are left is then done at once.
    """
    firing, rounds, reaches = dict(firing), [], {}
    for n_done in range(1, n_rounds + 1):
        for path in paths:
            if path not in reaches:
                reaches[path] = path.synapses.reach(firing[path.source])
        winners = {}
        for target, k in caps.items():
            into = (
                received(path.synapses, reaches[path], plasticity, path.loud) for path in paths if path.target == target
            )
            winners[target] = fire_most(sum(into), k)
        moved = {name for name in caps if bool(arrays.namespace(winners[name]).any(winners[name] != firing[name]))}
        for path in paths if learn else ():
            path.synapses.strengthen(
                reaches[path],
                winners[path.target][0, :],
                plasticity.beta,
                n_times=1 if moved else n_rounds - n_done + 1,
                most=plasticity.max_weight,
            )
        rounds.append(winners)
        if not moved:
            break
        firing |= winners
        reaches = {path: reach for path, reach in reaches.items() if path.source not in moved}
    return rounds


def named_pairs(paths):
    """Paths as pairs of names, each once, in their order; raise for anything else."""
    pairs = validation.check_sequence("paths", paths, "pairs (source, area) of names")
    for pair in pairs:
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            raise TypeError(f"paths has {pair!r}; expected pairs (source, area) of names.")
    return list(dict.fromkeys(map(tuple, pairs)))


def recur(inputs, recurrent, k, plasticity, *, n_rounds, firing):
    """Rounds of an area under constant input, without learning, until each row is at rest; rows are independent.

    Parameters
    ----------
    inputs : array of shape (n_rows, n_neurons)
        What comes in from elsewhere in every round.
    recurrent : SparseSynapses or DenseSynapses
        Of the area onto itself.
    k : int
        Neurons that fire.
    plasticity : Plasticity
        For what neurons receive.
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
