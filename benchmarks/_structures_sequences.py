"""Tasks of ``benchmarks/structures.py``: sequences."""

TASKS = {}
