"""Memories that store patterns and recall them from cues."""

from skamem.memory._bidirectional import BidirectionalMemory
from skamem.memory._dense import DenseMemory
from skamem.memory._hebbian import HebbianMemory
from skamem.memory._hopfield import HopfieldNetwork
from skamem.memory._kernel import KernelMemory
from skamem.memory._modern import ModernHopfieldMemory
from skamem.memory._pseudoinverse import PseudoinverseMemory
from skamem.memory._willshaw import WillshawMemory

__all__ = [
    "BidirectionalMemory",
    "DenseMemory",
    "HebbianMemory",
    "HopfieldNetwork",
    "KernelMemory",
    "ModernHopfieldMemory",
    "PseudoinverseMemory",
    "WillshawMemory",
]
