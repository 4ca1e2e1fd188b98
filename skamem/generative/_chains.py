"""Where the samples of the model come from while it learns: contrastive divergence, persistent chains, tempering."""

from skamem.core import arrays
from skamem.generative._path import Path

__all__ = ["SAMPLERS", "ContrastiveDivergence", "ParallelTempering", "PersistentChains"]


class ContrastiveDivergence:
    """Chains that start anew at the rows of each batch (CD-k).

    Cheap and steady, but the model keeps probability where no chain that starts at data comes.

    References
    ----------
    Hinton (2002), Neural Computation 14:1771, doi:10.1162/089976602760128018.
    """

    starts_at_batch = True

    def __init__(self, n_steps, draws):
        self._n_steps, self._draws = n_steps, draws

    states = None
    """Nothing is kept between batches."""

    def sample(self, machine, reference, hidden):
        """Visible states after the steps.

        Parameters
        ----------
        machine : Bipartite
            Whose samples are wanted.
        reference : array of shape (n_visible,)
            Visible biases of independent units.
        hidden : array of shape (n_samples, n_hidden) or None
            Means of the hidden units given the batch; counts where the sampler `starts_at_batch`.
        """
        return _gibbs(machine, hidden, self._n_steps, self._draws)

    def rest(self, hidden):
        """Take notice of the means of the hidden units given the states that `sample` returned."""


class PersistentChains:
    """Chains that go on from batch to batch (PCD-k).

    Between batches they rest at the means of the hidden units given their states, if these are told: the next step
    draws from them, found before the parameters moved by one update, and no product is made twice.

    References
    ----------
    Tieleman (2008), ICML '08:1064, doi:10.1145/1390156.1390290.
    """

    starts_at_batch = False

    def __init__(self, n_steps, draws, states):
        self._n_steps, self._draws, self.states, self._hidden = n_steps, draws, states, None

    def sample(self, machine, reference, hidden):
        """As `ContrastiveDivergence.sample`, of all chains."""
        resting = machine.hidden_mean(self.states) if self._hidden is None else self._hidden
        self.states, self._hidden = _gibbs(machine, resting, self._n_steps, self._draws), None
        return self.states

    def rest(self, hidden):
        """As `ContrastiveDivergence.rest`."""
        self._hidden = hidden


class ParallelTempering:
    """Chains at several temperatures that swap their states, so that modes far apart are all visited.

    The hottest chains have independent units: they forget in one step, and what they find travels down.

    Parameters
    ----------
    n_steps : int
        Gibbs steps, each followed by swaps, before a sample is taken.
    draws : Draws
        Random numbers.
    states : array of shape (n_temperatures, n_chains, n_visible)
        From the coldest, t = 1, to the hottest, t = 0.

    References
    ----------
    Desjardins et al. (2010), AISTATS, PMLR 9:145.
    """

    starts_at_batch = False

    def __init__(self, n_steps, draws, states):
        self._n_steps, self._draws, self.states = n_steps, draws, states
        xp = arrays.namespace(states)
        self._ladder = xp.linspace(1.0, 0.0, states.shape[0], dtype=states.dtype, device=arrays.device(states))
        self._odd = False

    @classmethod
    def started(cls, path, n_chains, n_temperatures, n_steps, draws):
        """Chains at all temperatures that start at independent units."""
        xp = arrays.namespace(path.reference)
        return cls(n_steps, draws, xp.stack([path.start(n_chains, draws) for _ in range(n_temperatures)]))

    def sample(self, machine, reference, hidden):
        """As `ContrastiveDivergence.sample`, of the chains at t = 1."""
        path, xp = Path(machine, reference), arrays.namespace(self.states)
        n_temperatures, n_chains, n_visible = self.states.shape
        t = xp.repeat(self._ladder, n_chains)[:, None]
        v = xp.reshape(self.states, (-1, n_visible))
        for _ in range(self._n_steps):
            v, h = path.gibbs(path.drive(v), t, self._draws)
            slope = xp.reshape(path.slope(v, path.drive(v), h), (n_temperatures, n_chains))
            v = self._swapped(xp.reshape(v, self.states.shape), slope)
            v = xp.reshape(v, (-1, n_visible))
        self.states = xp.reshape(v, self.states.shape)
        return self.states[0, ...]

    def rest(self, hidden):
        """Swaps look at all temperatures: nothing is to be spared."""

    def _swapped(self, v, slope):
        """Neighbours in temperature change places with the probability of Metropolis; even and odd pairs in turn."""
        xp = arrays.namespace(v)
        n_temperatures = slope.shape[0]
        first = int(self._odd)
        self._odd = not self._odd
        n_pairs = (n_temperatures - first) // 2
        if n_pairs == 0:
            return v
        cold, hot = (slice(first + end, first + 2 * n_pairs, 2) for end in (0, 1))
        # Joint densities at t are exp(t * slope) times what does not depend on t, so only the slopes are compared.
        gap = (self._ladder[cold] - self._ladder[hot])[:, None] * (slope[hot, :] - slope[cold, :])
        swap = xp.log(self._draws.uniform(gap)) < gap
        order = xp.broadcast_to(xp.arange(n_temperatures, device=arrays.device(v))[:, None], slope.shape)
        order = xp.asarray(order, copy=True)
        low, high = order[cold, :], order[hot, :]
        order[cold, :], order[hot, :] = xp.where(swap, high, low), xp.where(swap, low, high)
        return xp.take_along_axis(v, xp.broadcast_to(order[:, :, None], v.shape), axis=0)


def _gibbs(machine, hidden, n_steps, draws):
    """Visible states after steps that start with a draw of hidden units of the means `hidden`."""
    v = None
    for _ in range(n_steps):
        h = machine.draw_hidden(hidden if v is None else machine.hidden_mean(v), draws)
        v = machine.draw_visible(machine.visible_mean(h), draws)
    return v


SAMPLERS = {"pcd": PersistentChains, "cd": ContrastiveDivergence, "pt": ParallelTempering}
"""Samplers by name."""
