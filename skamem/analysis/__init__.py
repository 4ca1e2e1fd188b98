"""Questions to a fitted memory: what it holds, how its memories vote, and how far it can be fooled."""

from skamem.analysis._attack import AdversarialSamples, attack
from skamem.analysis._attractors import Attractors, attractors
from skamem.analysis._energies import EnergyPath, energy_path
from skamem.analysis._intervals import wilson_interval
from skamem.analysis._orbit import LinearOrbit, linear_orbit
from skamem.analysis._prototypes import DecisiveMemories, MemoryVotes, decisive_memories, votes_per_memory
from skamem.analysis._spurious import SpuriousStates, spurious_states
from skamem.analysis._transfer import TransferTable, transfer_table

__all__ = [
    "AdversarialSamples",
    "Attractors",
    "DecisiveMemories",
    "EnergyPath",
    "LinearOrbit",
    "MemoryVotes",
    "SpuriousStates",
    "TransferTable",
    "attack",
    "attractors",
    "decisive_memories",
    "energy_path",
    "linear_orbit",
    "spurious_states",
    "transfer_table",
    "votes_per_memory",
    "wilson_interval",
]
