"""Tasks of ``benchmarks/learning.py``: quantization."""

TASKS = {}
