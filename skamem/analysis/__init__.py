"""Questions to a memory: how much it holds and what else, how wide its basins are, how it votes, how it is fooled."""

from skamem.analysis._attack import AdversarialSamples, attack
from skamem.analysis._attractors import Attractors, attractors
from skamem.analysis._basins import BasinMap, BasinProfile, attraction_index, basin_map, basin_profile
from skamem.analysis._capacity import bit_error_probability, capacity, retrieval_overlap
from skamem.analysis._capacity_curve import CapacityCurve, capacity_curve
from skamem.analysis._crosstalk import Crosstalk, crosstalk
from skamem.analysis._energies import EnergyPath, energy_path
from skamem.analysis._holographic import cdma_bit_error, holographic_accuracy
from skamem.analysis._intervals import wilson_interval
from skamem.analysis._likelihood import LikelihoodCurve, LikelihoodRecorder
from skamem.analysis._orbit import LinearOrbit, linear_orbit
from skamem.analysis._prototypes import DecisiveMemories, MemoryVotes, decisive_memories, votes_per_memory
from skamem.analysis._spurious import SpuriousStates, spurious_states
from skamem.analysis._transfer import TransferTable, transfer_table

__all__ = [
    "AdversarialSamples",
    "Attractors",
    "BasinMap",
    "BasinProfile",
    "CapacityCurve",
    "Crosstalk",
    "DecisiveMemories",
    "EnergyPath",
    "LikelihoodCurve",
    "LikelihoodRecorder",
    "LinearOrbit",
    "MemoryVotes",
    "SpuriousStates",
    "TransferTable",
    "attack",
    "attraction_index",
    "attractors",
    "basin_map",
    "basin_profile",
    "bit_error_probability",
    "capacity",
    "capacity_curve",
    "cdma_bit_error",
    "crosstalk",
    "decisive_memories",
    "energy_path",
    "holographic_accuracy",
    "linear_orbit",
    "retrieval_overlap",
    "spurious_states",
    "transfer_table",
    "votes_per_memory",
    "wilson_interval",
]
