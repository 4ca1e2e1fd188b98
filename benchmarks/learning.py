"""Learning by layers, composition, invariance and pruning: what they reach, beside their peers.

``python benchmarks/learning.py [TASK ...] [--threads 1] [--repeats 5] [--mnist FILE]`` prints numbers, and
whether they meet their goal where there is one.
"""

import _learning_composition
import _learning_invariance
import _learning_layerwise
import _learning_pruning
import _learning_quantization
from timing import run_tasks

PARTS = (_learning_composition, _learning_invariance, _learning_layerwise, _learning_pruning, _learning_quantization)

if __name__ == "__main__":
    run_tasks(__doc__, PARTS)
