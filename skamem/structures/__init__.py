"""Memories with structure: sequences, state machines, bound pairs in one vector, assemblies of neurons."""

__all__: list[str] = []
