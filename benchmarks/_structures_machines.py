"""Tasks of ``benchmarks/structures.py``: machines."""

TASKS = {}
