"""Memories: estimators that store patterns and recall them from noisy or partial cues."""

from skamem.memory._hebbian import HebbianMemory
from skamem.memory._kernel import KernelMemory
from skamem.memory._modern import ModernHopfieldMemory
from skamem.memory._pseudoinverse import PseudoinverseMemory

__all__ = ["HebbianMemory", "KernelMemory", "ModernHopfieldMemory", "PseudoinverseMemory"]
