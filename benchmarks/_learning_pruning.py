"""Tasks of ``benchmarks/learning.py``: pruning."""

TASKS = {}
