"""Questions to a memory: how much it holds, how its memories vote and decide, and how far it can be fooled."""

from skamem.analysis._attack import AdversarialSamples, attack
from skamem.analysis._capacity import bit_error_probability, capacity, retrieval_overlap
from skamem.analysis._capacity_curve import CapacityCurve, capacity_curve
from skamem.analysis._crosstalk import Crosstalk, crosstalk
from skamem.analysis._intervals import wilson_interval
from skamem.analysis._prototypes import DecisiveMemories, MemoryVotes, decisive_memories, votes_per_memory
from skamem.analysis._transfer import TransferTable, transfer_table

__all__ = [
    "AdversarialSamples",
    "CapacityCurve",
    "Crosstalk",
    "DecisiveMemories",
    "MemoryVotes",
    "TransferTable",
    "attack",
    "bit_error_probability",
    "capacity",
    "capacity_curve",
    "crosstalk",
    "decisive_memories",
    "retrieval_overlap",
    "transfer_table",
    "votes_per_memory",
    "wilson_interval",
]
