"""Memories that store patterns and recall them from cues."""

from skamem.memory._dense import DenseMemory
from skamem.memory._hebbian import HebbianMemory
from skamem.memory._hopfield import HopfieldNetwork
from skamem.memory._pseudoinverse import PseudoinverseMemory

__all__ = ["DenseMemory", "HebbianMemory", "HopfieldNetwork", "PseudoinverseMemory"]
