"""Memories with structure: what they do, beside the laws, the tables and the peers.

``python benchmarks/structures.py [TASK ...] [--threads 1] [--repeats 5] [--mnist FILE]`` prints numbers, and
whether they meet their goal where there is one.
"""

import _structures_assemblies
import _structures_holographic
import _structures_machines
import _structures_sequences
from timing import run_tasks

if __name__ == "__main__":
    run_tasks(__doc__, (_structures_assemblies, _structures_holographic, _structures_machines, _structures_sequences))
