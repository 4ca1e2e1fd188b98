"""Tasks of ``benchmarks/learning.py``: layerwise."""

TASKS = {}
