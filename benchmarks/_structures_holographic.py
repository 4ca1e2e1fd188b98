"""Tasks of ``benchmarks/structures.py``: holographic."""

TASKS = {}
