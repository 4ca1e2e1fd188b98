"""Tasks of ``benchmarks/learning.py``: invariance."""

TASKS = {}
