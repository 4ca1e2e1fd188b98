"""Memories with structure: sequences, state machines, bound pairs in one vector, assemblies of neurons."""

from skamem.structures._assembly_memory import AssemblyMemory

__all__ = ["AssemblyMemory"]
