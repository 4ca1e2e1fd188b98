"""Tasks of ``benchmarks/learning.py``: composition."""

TASKS = {}
