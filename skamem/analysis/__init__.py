"""Questions to a fitted memory: how wide its basins are, how its memories vote, and how far it can be fooled."""

from skamem.analysis._attack import AdversarialSamples, attack
from skamem.analysis._basins import BasinMap, BasinProfile, attraction_index, basin_map, basin_profile
from skamem.analysis._intervals import wilson_interval
from skamem.analysis._prototypes import DecisiveMemories, MemoryVotes, decisive_memories, votes_per_memory
from skamem.analysis._transfer import TransferTable, transfer_table

__all__ = [
    "AdversarialSamples",
    "BasinMap",
    "BasinProfile",
    "DecisiveMemories",
    "MemoryVotes",
    "TransferTable",
    "attack",
    "attraction_index",
    "basin_map",
    "basin_profile",
    "decisive_memories",
    "transfer_table",
    "votes_per_memory",
    "wilson_interval",
]
