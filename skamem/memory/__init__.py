"""Memories: estimators that store patterns and recall them from noisy or partial cues."""

from skamem.memory._bidirectional import BidirectionalMemory
from skamem.memory._hebbian import HebbianMemory
from skamem.memory._pseudoinverse import PseudoinverseMemory
from skamem.memory._willshaw import WillshawMemory

__all__ = ["BidirectionalMemory", "HebbianMemory", "PseudoinverseMemory", "WillshawMemory"]
