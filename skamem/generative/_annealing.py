"""ln Z of machines that are too large to enumerate: annealed importance sampling, and what tells when it errs."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from skamem.core import arrays
from skamem.generative import _enumeration
from skamem.generative._bipartite import binary_entropy, softplus_sum
from skamem.generative._draws import drawn_states
from skamem.generative._path import Path

__all__ = ["LogPartition", "annealed", "annealed_network", "annealing_weights", "exact", "known", "mean_field_bound"]


_ENOUGH = 0.3  # of the chains: that count, before annealing more slowly stops
_PILOT = 10  # a walk of so many times fewer steps says where to lay the temperatures


@dataclass(frozen=True)
class LogPartition:
    """The logarithm of a partition function, and how far to trust it.

    Parameters
    ----------
    value : float
        ln Z, in nats.
    standard_error : float
        Of `value`; 0 when it is exact. It knows of the spread of the chains, not of states that no chain found.
    effective_sample_size : float
        Chains that count, (Σw)² / Σw²; NaN when the value is exact.
    reverse : float
        Estimate by chains that walk from the machine back to independent units. Forward estimates of ln Z are too low
        in the mean; reverse ones too high, if the chains that they start from have found the machine's modes. NaN when
        the value is exact.
    bound : float
        What ln Z exceeds for certain: the largest mean-field bound of the modes found; -inf when the value is exact.
    method : {"exact", "ais"}
        How it was found.

    Examples
    --------
    >>> from skamem import RestrictedBoltzmannMachine
    >>> coins = RestrictedBoltzmannMachine.from_parameters([[0.0, 0.0]], [0.0, 0.0], [0.0])
    >>> found = coins.log_partition()
    >>> round(found.value, 4), found.method, found.doubts  # ln 8: three units that are free
    (2.0794, 'exact', '')
    """

    value: float
    standard_error: float
    effective_sample_size: float
    reverse: float
    bound: float
    method: str

    @property
    def doubts(self):
        """Why not to trust the estimate: a sentence, empty if there is no reason."""
        if self.method == "exact":
            return ""
        error = max(self.standard_error, 1e-12)
        if self.effective_sample_size < 5:
            return f"only {self.effective_sample_size:.1f} chains count"
        if self.bound > self.value + 3 * error:
            return f"a mode that the chains missed alone gives ln Z >= {self.bound:.2f}"
        if abs(self.reverse - self.value) > 1.0 + 3 * error:
            return f"chains that walk back from the machine give {self.reverse:.2f}"
        return ""


def known(value):
    """`LogPartition` of a value that is exact."""
    return LogPartition(value, 0.0, math.nan, math.nan, -math.inf, "exact")


def exact(machine):
    """`LogPartition` of a `Bipartite` machine by enumeration."""
    return known(_enumeration.log_partition(machine))


def annealing_weights(path, ladder, n_chains, draws):
    """ln of the importance weights of chains that walk from the reference to the machine.

    Parameters
    ----------
    path : Path
        From independent units to the machine.
    ladder : ndarray of shape (n_steps + 1,)
        Inverse temperatures on the way, from 0 to 1.
    n_chains : int
        Independent chains.
    draws : Draws
        Random numbers.

    Returns
    -------
    log_weights : ndarray of shape (n_chains,)
        Their exponentials have the mean Z / Z_reference.
    v : array of shape (n_chains, n_visible)
        Where the chains ended.
    steps : ndarray of shape (n_steps,)
        Standard deviation over the chains of what each step adds to the weights.

    References
    ----------
    Neal (2001), Statistics and Computing 11:125, doi:10.1023/A:1008923215028; Salakhutdinov and Murray (2008), ICML
    '08:872, doi:10.1145/1390156.1390266.
    """
    xp = arrays.namespace(path.reference)
    v = path.start(n_chains, draws)
    total, steps = 0.0, []
    for old, new in itertools.pairwise(ladder.tolist()):
        drive = path.drive(v)
        step = path.log_step(v, drive, old, new)
        total = total + step
        steps.append(xp.std(step))
        v, _ = path.gibbs(drive, new, draws)
    return arrays.to_numpy(total), v, arrays.to_numpy(xp.stack(steps))


def reverse_weights(path, v, ladder, draws):
    """ln of the weights of chains that walk back from states `v` of the machine; their mean is Z_reference / Z."""
    total, drive = 0.0, path.drive(v)
    for old, new in itertools.pairwise(ladder[::-1].tolist()):
        v, _ = path.gibbs(drive, old, draws)
        drive = path.drive(v)
        total = total + path.log_step(v, drive, old, new)
    return arrays.to_numpy(total)


def even_ladder(ladder, steps, n_steps):
    """Inverse temperatures for a longer walk, closer together where weights spread fastest on a shorter one.

    Parameters
    ----------
    ladder, steps : ndarray
        The walk that was made, and what `annealing_weights` said of its steps.
    n_steps : int
        Steps wanted.

    Returns
    -------
    ladder : ndarray of shape (n_steps + 1,)
        From 0 to 1. The variance of the weights of chains near equilibrium is least for a given number of steps if all
        steps add the same (Gelman and Meng 1998, doi:10.1214/ss/1028905934). Half of the steps are laid so; the
        others are equal in t, since a short walk does not see all of what a longer one will.
    """
    share = steps / steps.sum() if steps.sum() > 0 else np.diff(ladder)
    # A step's share is noisy: steps beside each other differ little.
    width = max(1, len(share) // 50)
    share = np.convolve(np.pad(share, width, mode="edge"), np.full(2 * width + 1, 1.0 / (2 * width + 1)), "valid")
    density = 0.5 * share / share.sum() + 0.5 * np.diff(ladder)
    covered = np.concatenate([[0.0], np.cumsum(density)])
    even = np.interp(np.linspace(0.0, covered[-1], n_steps + 1), covered, ladder)
    even[0], even[-1] = 0.0, 1.0
    return even


def annealed(machine, reference, draws, *, n_steps, n_chains, states=None):
    """`LogPartition` by annealed importance sampling, with a reverse estimate and a bound beside.

    Parameters
    ----------
    machine : Bipartite
        In the wide floating type.
    reference : array of shape (n_visible,)
        Visible biases of the independent units to start from.
    draws : Draws
        Random numbers.
    n_steps : int or tuple of int
        Temperatures; or the fewest and the most to try, until `_ENOUGH` of the chains count.
    n_chains : int
        Chains.
    states : array of shape (n_states, n_visible), default=None
        Where the reverse chains start: states of long chains of the machine, its persistent ones say. None for the
        ends of the forward chains.

    Returns
    -------
    log_partition : LogPartition

    Notes
    -----
    A short walk says where to lay the temperatures of the long one, and how long that must be: the variance of the
    weights falls in proportion to the number of steps. Chains walk back once, along the last ladder.
    """
    path = Path(machine, reference)
    least, most = n_steps if isinstance(n_steps, tuple) else (max(1, n_steps // _PILOT), n_steps)
    searching = isinstance(n_steps, tuple)
    ladder = np.linspace(0.0, 1.0, least + 1)
    while True:
        log_weights, ends, steps = annealing_weights(path, ladder, n_chains, draws)
        value, error, n_effective = _log_mean(log_weights)
        made = len(ladder) - 1
        if made == most or (searching and n_effective >= _ENOUGH * n_chains):
            break
        # Few weights that count tell little of their variance: not more than eightfold at once.
        wanted = made * log_weights.var() / -math.log(2.0 * _ENOUGH) if searching else most
        ladder = even_ladder(ladder, steps, int(min(most, max(2 * made, min(8 * made, wanted))) if searching else most))
    base = path.log_partition_at_reference()
    starts = ends if states is None else states
    back, *_ = _log_mean(reverse_weights(path, starts, ladder, draws))
    modes = starts if states is None else arrays.namespace(ends).concat([ends, states], axis=0)
    bound = mean_field_bound(machine, modes)
    return LogPartition(base + value, error, n_effective, base - back, bound, "ais")


def _log_mean(log_weights):
    """ln of the mean of exp(log_weights), its standard error, and the number of weights that count."""
    largest = log_weights.max()
    weights = np.exp(log_weights - largest)
    mean = weights.mean()
    error = weights.std(ddof=1) / mean / math.sqrt(len(weights)) if len(weights) > 1 else math.inf
    return float(largest + math.log(mean)), float(error), float(weights.sum() ** 2 / (weights**2).sum())


def mean_field_bound(machine, v, n_steps=30):
    """A lower bound of ln Z: the best factorised density found from these states, and from every single hidden unit.

    Parameters
    ----------
    machine : Bipartite
        Any.
    v : array of shape (n_samples, n_visible)
        Starts.
    n_steps : int, default=30
        Mean-field updates.

    Returns
    -------
    bound : float
        max over the starts of -F(q) <= ln Z (Gibbs, Bogoliubov). Exact where a mode holds all the mass and its units
        are independent.
    """
    xp = arrays.namespace(machine.weights)
    device = arrays.device(machine.weights)
    if machine.gaussian_hidden:
        for _ in range(n_steps):
            v = machine.visible_mean(machine.hidden_mean(v))
        return float(xp.max(binary_entropy(v) - machine.free_energy(v)))
    alone = xp.eye(machine.n_hidden, dtype=machine.weights.dtype, device=device)
    h = xp.concat([machine.hidden_mean(v), alone, 1 - alone], axis=0)
    for _ in range(n_steps):
        h = machine.hidden_mean(machine.visible_mean(h))
    # ln Z = ln Σ_h exp(-F(h)) >= <-F(h)> + entropy >= -F(<h>) + entropy: Gibbs, then Jensen, as -F is convex in h.
    return float(xp.max(binary_entropy(h) - machine.hidden_free_energy(h)))


def annealed_network(network, reference, random_state, *, n_steps, n_chains, states):
    """`annealed` for a `Network`, whose chains sweep over single units.

    Parameters
    ----------
    network : Network
        In the wide floating type.
    reference : array of shape (n_units,)
        Biases of the independent units to start from.
    random_state : RandomState
        Random numbers.
    n_steps, n_chains : int
        Temperatures, and chains.
    states : array of shape (n_states, n_units)
        States of long chains of the network, where the reverse chains start.

    Returns
    -------
    log_partition : LogPartition
    """
    xp = arrays.namespace(reference)
    start = drawn_states(reference, n_chains, random_state)
    base = float(softplus_sum(reference[None, :])[0])

    def walk(x, ladder):
        total = 0.0
        for old, new in itertools.pairwise(ladder.tolist()):
            if new < old:  # back: move first, so that the path is the forward one read from its end
                x = network.at(old, reference).sweep(x, 1, random_state)
            total = total + (new - old) * (-network.energy(x) - x @ reference)
            if new > old:
                x = network.at(new, reference).sweep(x, 1, random_state)
        return arrays.to_numpy(total), x

    ladder = np.linspace(0.0, 1.0, n_steps + 1)
    log_weights, ends = walk(start, ladder)
    value, error, n_effective = _log_mean(log_weights)
    back, *_ = _log_mean(walk(states, ladder[::-1])[0])
    bound = network.mean_field_bound(xp.concat([ends, states], axis=0))
    return LogPartition(base + value, error, n_effective, base - back, bound, "ais")
