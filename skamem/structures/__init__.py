"""Memories with structure: sequences, state machines, bound pairs in one vector, assemblies of neurons."""

from skamem.structures._assembly_classifier import AssemblyClassifier
from skamem.structures._assembly_memory import AssemblyMemory
from skamem.structures._assembly_network import AssemblyNetwork
from skamem.structures._holographic import HolographicMemory
from skamem.structures._machine import FiniteStateMemory
from skamem.structures._recall import SequenceRecall
from skamem.structures._sequences import SequenceMemory
from skamem.structures._table import MachineRun
from skamem.structures._vocabulary import Vocabulary

__all__ = [
    "AssemblyClassifier",
    "AssemblyMemory",
    "AssemblyNetwork",
    "FiniteStateMemory",
    "HolographicMemory",
    "MachineRun",
    "SequenceMemory",
    "SequenceRecall",
    "Vocabulary",
]
