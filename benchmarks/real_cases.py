"""Is it right on real cases? A table kind by kind: a small input, the right value, ours.

``python benchmarks/real_cases.py [kinds ...]`` asks the cases of some kinds, all when left out, in one or two minutes;
each value is computed here and now. The kinds come from public reports and questions of people who regress sparsely,
complete tables, store patterns and classify: ill-conditioned dictionaries (1), warm starts (2), choice at rounding
level (3), signs (4), copies (5), magnitudes (6), exact fits (7), selection (8), weights (9), wide data (10), pipelines
(11), probabilities (12); memories in float32 (13), real patterns (14), offsets and scales (15), the order of rows
(16), rows beside (17), empty rows (18), complete rows (19), the perceptron (20), what does not stay (21), fixed points
(22), words (23), classifiers on memories (24); dense classifiers and regressors (25), kernels (26); series that
overflow (27), empty folds (28), forced features (29), convergence (30), peaks (31), ties (32), parameters (33), mixed
precision (34), warnings (35), threads (36), hostile input (37).
"""

import sys
import textwrap
from pathlib import Path

import _real_memories
import _real_sparse
import _real_supervised
from _real_cases import CASES

sys.path.append(str(Path(__file__).parents[1]))  # tests/fuzz
PARTS = (_real_sparse, _real_memories, _real_supervised)


def main(kinds):
    """Print a row a case, then how many are right."""
    chosen = sorted((one for one in CASES if not kinds or one.kind in kinds), key=lambda one: one.kind)
    print(f"{'':3} {'':5}  {'given':64}  {'right':48}  ours")
    n_right = 0
    for one in chosen:
        row = one.answered()
        n_right += row.is_right
        given, right = textwrap.wrap(row.given, 64), textwrap.wrap(row.right, 48)
        ours = textwrap.wrap(row.ours, 60) or [""]
        for line in range(max(map(len, (given, right, ours)))):
            cells = [column[line] if line < len(column) else "" for column in (given, right, ours)]
            head = (str(row.kind), "right" if row.is_right else "WRONG") if not line else ("", "")
            print(f"{head[0]:>3} {head[1]:5}  {cells[0]:64}  {cells[1]:48}  {cells[2]}".rstrip(), flush=True)
    print(f"{n_right} of {len(chosen)} right")


if __name__ == "__main__":
    main({int(argument) for argument in sys.argv[1:]})
