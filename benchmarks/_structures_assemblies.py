"""Tasks of ``benchmarks/structures.py``: assemblies."""

TASKS = {}
