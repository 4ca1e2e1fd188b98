"""Patterns to store, ways to spoil them, and images that move."""

from skamem.datasets._images import make_transformed, stream_transformed
from skamem.datasets._patterns import corrupt, load_letters, make_patterns

__all__ = ["corrupt", "load_letters", "make_patterns", "make_transformed", "stream_transformed"]
