"""AssemblyNetwork: areas of neurons, stimuli, and the operations of the assembly calculus between them."""

import zlib
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skamem.core import arrays, validation
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Kind, Options, RandomState, check_parameters
from skamem.structures._areas import Path, Plasticity, named_pairs, run
from skamem.structures._assembly_base import default_p
from skamem.structures._synapses import CEILING, draw_synapses

__all__ = ["AssemblyNetwork"]


@dataclass
class _Group:
    """Neurons with a name: an area, or a stimulus, some of the inputs, which fire whenever it is presented."""

    n_active: int
    firing: Any
    is_stimulus: bool

    @property
    def n_neurons(self):
        return self.firing.shape[1]


class AssemblyNetwork:
    """Areas of neurons and stimuli, with the operations of the assembly calculus.

    A stimulus is a set of inputs that fire together, out of `n_inputs` that all stimuli share. All areas may send to
    each other and to themselves. Each pair has a random graph, drawn when it is first used from a seed that its two
    names decide, so that no graph depends on what was done before. In a round all neurons decide at once; in each area
    the `n_active` that receive most fire; synapses from a neuron that fires to one that fires next grow by the factor
    1 + `beta`.

    Parameters
    ----------
    n_inputs : int, default=1000
        Inputs there are, >= 1.
    p : float or "auto", default="auto"
        Probability of a synapse, in [0, 1]. "auto" is 24 / n_active of the area it leads to, at most 1/2.
    beta : float, default=0.1
        Plasticity, >= 0.
    max_weight : float or None, default=2.0
        Where synapses saturate, >= 1; they begin at 1. None lets them grow (to 2**16).
    homeostasis : bool, default=True
        Each neuron scales what it receives from a group so that its weights from there always have the same sum.
    random_state : int, RandomState or None, default=None
        Draws the graphs.

    See Also
    --------
    skamem.AssemblyMemory : One area as an estimator.

    Notes
    -----
    ``p=0.01, max_weight=None, homeostasis=False`` is the model of the original paper, which needs areas of 100,000
    neurons and more. Here, as in `AssemblyMemory`, a stimulus is as loud as an assembly of the area it fires into,
    whatever the number of its inputs.

    A round costs n_active n_neurons p additions for each pair that sends, and 8 bytes of memory a synapse.

    References
    ----------
    Papadimitriou, Vempala, Mitropolsky, Collins and Maass (2020), Brain computation by assemblies of neurons, PNAS
    117:14464, doi:10.1073/pnas.2001893117.

    Examples
    --------
    >>> from skamem.structures import AssemblyNetwork
    >>> brain = AssemblyNetwork(random_state=0)
    >>> brain.add_area("A", 1000)
    >>> brain.add_stimulus("cat")
    >>> brain.add_stimulus("dog")
    >>> cat, dog = brain.project("cat", "A"), brain.project("dog", "A")
    >>> len(cat), brain.overlap(cat, dog) < 0.2
    (32, True)
    >>> brain.overlap(brain.complete("A", cat[::2]), cat) > 0.8
    True
    """

    _parameters: ClassVar[dict[str, Kind]] = {
        "n_inputs": COUNT,
        "p": Interval(Real, low=0, high=1) | Options("auto"),
        "beta": Interval(Real, low=0),
        "max_weight": Interval(Real, low=1) | None,
        "homeostasis": BOOLEAN,
        "random_state": RandomState(),
    }

    def __init__(self, *, n_inputs=1000, p="auto", beta=0.1, max_weight=2.0, homeostasis=True, random_state=None):
        self.n_inputs, self.p, self.beta, self.max_weight, self.homeostasis = n_inputs, p, beta, max_weight, homeostasis
        self.random_state = random_state
        check_parameters(self, self._parameters)
        self._seed = int(check_random_state(random_state).randint(2**31))
        self._groups, self._synapses = {}, {}

    def __repr__(self):
        stimuli = sorted(self._groups.keys() - set(self._areas()))
        return f"AssemblyNetwork(areas={self._areas()}, stimuli={stimuli})"

    # ------------------------------------------------------------------ who is there

    def add_area(self, name, n_neurons=2000, *, n_active="auto"):
        """Add an area, silent at first.

        Parameters
        ----------
        name : str
            How it is called.
        n_neurons : int, default=2000
            Neurons, >= 1.
        n_active : int or "auto", default="auto"
            Neurons that fire in a round, <= n_neurons; "auto" is the square root.

        Raises
        ------
        TypeError, ValueError
            For a name that is taken, or numbers out of range.
        """
        _check(COUNT, "n_neurons", n_neurons)
        _check(COUNT | Options("auto"), "n_active", n_active)
        k = max(1, round(n_neurons**0.5)) if n_active == "auto" else int(n_active)
        if k > n_neurons:
            raise ValueError(f"n_active={k} neurons cannot fire in an area of n_neurons={n_neurons}; expected fewer.")
        self._add(name, _Group(k, np.zeros((1, int(n_neurons)), dtype=bool), is_stimulus=False))

    def add_stimulus(self, name, n_active=50, *, like=None, similarity=0.8):
        """Add a stimulus: a random set of inputs, which fire whenever it is presented.

        Parameters
        ----------
        name : str
            How it is called; the name and the seed of the network decide which inputs.
        n_active : int, default=50
            How many, 1 <= n_active <= n_inputs.
        like : str, default=None
            A stimulus with which it shares inputs; it then has as many. None for none in particular.
        similarity : float, default=0.8
            The share of the inputs of `like` that it has, in [0, 1].

        Raises
        ------
        TypeError, ValueError
            For a name that is taken, or numbers out of range.
        """
        _check(COUNT, "n_active", n_active)
        _check(Interval(Real, low=0, high=1), "similarity", similarity)
        rng = self._draws("stimulus", str(name))
        kept = np.asarray([], dtype=np.int64)
        if like is not None:
            if not self._group(like).is_stimulus:
                raise ValueError(f"like={like!r} is an area; expected a stimulus.")
            known = self.firing(like)
            n_active, kept = len(known), rng.permutation(known)[: round(similarity * len(known))]
        others = np.setdiff1d(np.arange(int(self.n_inputs)), kept if like is None else known)
        n_new = int(n_active) - len(kept)
        if n_new > len(others):
            raise ValueError(
                f"n_active={n_active} needs {n_new} inputs of the {len(others)} left of n_inputs={self.n_inputs}; "
                "expected fewer."
            )
        firing = np.zeros((1, int(self.n_inputs)), dtype=bool)
        firing[0, kept] = firing[0, rng.permutation(others)[:n_new]] = True
        self._add(name, _Group(int(n_active), firing, is_stimulus=True))

    def _draws(self, *names):
        """A source of random numbers that the seed and some names decide."""
        return np.random.RandomState([self._seed, *(zlib.crc32(name.encode()) for name in names)])

    def _add(self, name, group):
        if not isinstance(name, str):
            raise TypeError(f"name={name!r} is {validation.type_of(name)}; expected a string.")
        if name in self._groups:
            raise ValueError(f"name={name!r} is taken; expected another one than {sorted(self._groups)}.")
        self._groups[name] = group

    def _group(self, name, *, area=False):
        group = self._groups.get(name) if isinstance(name, str) else None
        if group is None:
            raise ValueError(f"{name!r} is unknown; expected one of {sorted(self._groups)}, or add it first.")
        if area and group.is_stimulus:
            raise ValueError(f"{name!r} is a stimulus; expected an area, of {self._areas()}.")
        return group

    def _areas(self):
        return sorted(name for name, group in self._groups.items() if not group.is_stimulus)

    def firing(self, area):
        """Neurons of an area that fire now.

        Parameters
        ----------
        area : str
            Its name.

        Returns
        -------
        neurons : int ndarray of shape (n_firing,)
            Sorted; at most `n_active`.
        """
        return np.flatnonzero(self._group(area).firing)

    def set_firing(self, area, neurons):
        """Let certain neurons of an area fire; none silences it.

        Parameters
        ----------
        area : str
            Its name.
        neurons : array-like of int, or of bool of shape (n_neurons,)
            Which, each in [0, n_neurons), or a mask.

        Raises
        ------
        ValueError
            For neurons that the area does not have.
        """
        group = self._group(area, area=True)
        found = np.asarray(neurons)
        if found.dtype == bool and found.shape == (group.n_neurons,):
            found = np.flatnonzero(found)
        if found.size and (found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= group.n_neurons):
            raise ValueError(
                f"neurons={neurons!r} are not all whole numbers in [0, {group.n_neurons}), those of {area!r}."
            )
        firing = np.zeros((1, group.n_neurons), dtype=bool)
        firing[0, found.astype(np.int64)] = True
        group.firing = firing

    def weights(self, source, area):
        """Weights of the synapses from a group of neurons to an area.

        Parameters
        ----------
        source, area : str
            Names; they may be the same. Of a stimulus: the synapses of all inputs.

        Returns
        -------
        weights : csr array of shape (n_source_neurons, n_neurons)
            float32; a copy.
        """
        return self._between(source, area).matrix().copy()

    def _between(self, source, target):
        senders, area = self._group(source), self._group(target, area=True)
        pair = ("inputs of stimuli" if senders.is_stimulus else f"area {source}", f"area {target}")
        if pair not in self._synapses:
            p = default_p(area.n_active) if self.p == "auto" else float(self.p)
            shape, host = (senders.n_neurons, area.n_neurons), arrays.placement_of(senders.firing)
            self._synapses[pair] = draw_synapses(self._draws(*pair), *shape, p, host, loops=source != target)
        return self._synapses[pair]

    # ------------------------------------------------------------------ rounds

    def fire(self, paths, n_rounds=10, *, learn=True):
        """Rounds of firing along the given paths: what all operations are made of.

        Parameters
        ----------
        paths : list of (str, str)
            Pairs (source, area). A source is a stimulus, which fires in every round, or an area, which sends what
            fires in it. ``(area, area)`` is recurrence; an area that nothing leads to goes on as it is.
        n_rounds : int, default=10
            Rounds, >= 1.
        learn : bool, default=True
            Whether synapses change.

        Returns
        -------
        rounds : list of dict of str to int ndarray
            Neurons that fire after each round, for each area that something leads to; up to the first round that
            changed nothing. Synapses are those after `n_rounds` all the same.

        Raises
        ------
        ValueError
            For names that are unknown, or a stimulus as a target.
        """
        _check(COUNT, "n_rounds", n_rounds)
        paths = named_pairs(paths)
        known = [Path(*pair, self._between(*pair), self._loudness(*pair)) for pair in paths]
        before = {name: self._group(name).firing for pair in paths for name in pair}
        caps = {target: self._group(target).n_active for _, target in paths}
        most = CEILING if self.max_weight is None else min(CEILING, float(self.max_weight))
        plasticity = Plasticity(float(self.beta), most, bool(self.homeostasis))
        rounds = run(known, before, caps, plasticity, n_rounds=int(n_rounds), learn=learn) if paths else []
        for name, firing in rounds[-1].items() if rounds else ():
            self._groups[name].firing = firing
        return [{name: np.flatnonzero(firing) for name, firing in each.items()} for each in rounds]

    def _loudness(self, source, target):
        group = self._group(source)
        return self._group(target).n_active / group.n_active if group.is_stimulus else 1.0

    # ------------------------------------------------------------------ the operations

    def project(self, source, area, n_rounds=10, *, learn=True):
        """Project a stimulus, or the assembly that fires in another area, into an area that is silent at first.

        Parameters
        ----------
        source : str
            A stimulus, or an area in which something fires, whose neurons go on firing as they do.
        area : str
            Where the assembly forms.
        n_rounds : int, default=10
            Rounds, >= 1.
        learn : bool, default=True
            False recalls.

        Returns
        -------
        assembly : int ndarray of shape (n_active,)
            Neurons of `area` that fire in the end.
        """
        return self._together([source], area, n_rounds, learn=learn)

    def associate(self, a, b, area, n_rounds=10):
        """Let two sources fire together into the area in which each has an assembly: the two come to overlap.

        Parameters
        ----------
        a, b : str
            Stimuli, or areas in which something fires and goes on firing.
        area : str
            Where both have been projected to.
        n_rounds : int, default=10
            Rounds, >= 1.

        Returns
        -------
        assembly : int ndarray of shape (n_active,)
            Neurons that fire for both together. What each leads to now says ``project(a, area, learn=False)``.
        """
        return self._together([a, b], area, n_rounds)

    def _together(self, sources, area, n_rounds, *, learn=True):
        for source in sources:
            if source == area:
                raise ValueError(f"{area!r} cannot project into itself; use complete, or fire([({area!r}, {area!r})]).")
            self._require_firing(source)
        self.set_firing(area, ())
        self.fire([*((source, area) for source in sources), (area, area)], n_rounds, learn=learn)
        return self.firing(area)

    def _require_firing(self, source, *, area=False):
        if not self._group(source, area=area).firing.any():
            raise ValueError(f"Nothing fires in {source!r}; project something into it first.")

    def reciprocal_project(self, stimulus, a, b, n_rounds=10):
        """Project a stimulus into area `a` and on into area `b`, which sends back: two assemblies that hold each other.

        Parameters
        ----------
        stimulus : str
            What fires into `a`.
        a, b : str
            Areas.
        n_rounds : int, default=10
            Rounds, >= 1.

        Returns
        -------
        assemblies : tuple of two int ndarrays
            Neurons that fire in `a` and in `b` in the end.
        """
        self.project(stimulus, a, n_rounds)
        self.set_firing(b, ())
        self.fire([(stimulus, a), (a, a), (b, a), (a, b), (b, b)], n_rounds)
        return self.firing(a), self.firing(b)

    def merge(self, a, b, area, n_rounds=10):
        """Merge the assemblies that fire in two areas into one of a third, which either of them recalls.

        Parameters
        ----------
        a, b : str
            Areas in which an assembly fires, and goes on to.
        area : str
            Where the merged assembly forms; it sends back to both.
        n_rounds : int, default=10
            Rounds, >= 1.

        Returns
        -------
        assembly : int ndarray of shape (n_active,)
            Neurons of `area` that fire in the end.
        """
        for name in (a, b):
            self._require_firing(name, area=True)
        if len({a, b, area}) < 3:
            raise ValueError(f"merge needs three areas; found {a!r}, {b!r} and {area!r}.")
        self.set_firing(area, ())
        self.fire([(a, a), (b, b), (a, area), (b, area), (area, area), (area, a), (area, b)], n_rounds)
        return self.firing(area)

    def complete(self, area, part, n_rounds=10):
        """Complete an assembly from a part of it, by recurrence, without learning.

        Parameters
        ----------
        area : str
            Where it is.
        part : array-like of int, or of bool of shape (n_neurons,)
            Neurons that fire at first, or their mask.
        n_rounds : int, default=10
            Rounds at most, >= 1.

        Returns
        -------
        assembly : int ndarray of shape (n_active,)
            Neurons that fire in the end.
        """
        self.set_firing(area, part)
        self.fire([(area, area)], n_rounds, learn=False)
        return self.firing(area)

    @staticmethod
    def overlap(first, second):
        """Share of neurons that two assemblies have in common, of the larger one; 0 for none.

        Parameters
        ----------
        first, second : array-like of int, or of bool
            Neurons, or masks of them.

        Returns
        -------
        overlap : float
            In [0, 1].
        """
        first, second = (
            np.flatnonzero(those) if np.asarray(those).dtype == bool else np.unique(those) for those in (first, second)
        )
        return len(np.intersect1d(first, second)) / max(1, len(first), len(second))


def _check(kind, name, value):
    if not kind.accepts(value):
        kind.refuse(name, value)
