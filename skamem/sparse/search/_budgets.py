"""How much work a stage of the search may take, and the margins it trusts: found by benchmarks/sparse.py."""

__all__ = [
    "COMFORTABLE_MARGIN",
    "FEW_FEATURES",
    "GRAM_FEATURES",
    "MAX_SWAPS",
    "PAIR_FEATURES",
    "SMALL",
    "STEP_WORK",
    "SURE_MARGIN",
]

FEW_FEATURES = 18
"""Features up to which all subsets are looked at: 2^18 of them take a tenth of a second."""

SMALL = 5e7
"""Multiplications for one look at all columns, below which the search looks at all of them from the start."""

COMFORTABLE_MARGIN = 4.0
"""A margin below this has been seen on wrong supports often enough to look at all columns before stopping."""

SURE_MARGIN = 2.0
"""Below this margin other starts are worthwhile: benchmarks/sparse.py prints the greatest margin of a wrong support."""

PAIR_FEATURES = 2000
"""Features up to which exchanges of two members are looked at, whatever they cost: their Gram matrix takes 32 MB."""

GRAM_FEATURES = 2000
"""Features up to which a cross-validation may make the Gram matrices of all folds; beyond, rows of them when needed."""

STEP_WORK = 8e7
"""Multiplications for Gram matrices of all folds that cost as much as one size of the path of one fold by itself."""

MAX_SWAPS = 500
"""Exchanges of one member after which a local search ends, a bound that only cycles of rounding would meet."""
