"""Patterns to store, and ways to spoil them."""

from skamem.datasets._patterns import corrupt, load_letters, make_patterns

__all__ = ["corrupt", "load_letters", "make_patterns"]
