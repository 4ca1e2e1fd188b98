"""What iterative fits share: optimizers over named arrays, schedules, batches, input noise, early stopping.

Nothing here knows a model. Parameters are a dict of named arrays and gradients a dict with the same names, so that a
network trained by backpropagation and a Boltzmann machine with its chains are served alike; float32 stays float32, and
every array library works.
"""

from skamem.training._batches import (
    balanced_batches,
    batch_count,
    fold_numbers,
    held_back,
    shuffled_batches,
    shuffled_blocks,
    uploaded,
)
from skamem.training._epochs import Watch, run_epochs
from skamem.training._masks import Masked, as_masks, zero_outside
from skamem.training._noise import NoisePool
from skamem.training._optimizers import Adam, Momentum
from skamem.training._schedules import cosine_schedule, rising_schedule
from skamem.training._softmax import log_softmax
from skamem.training._targets import ClassTargets, RealTargets, orientations
from skamem.training._weights import check_two_classes, class_weights, column_peaks, merged_rows

__all__ = [
    "Adam",
    "ClassTargets",
    "Masked",
    "Momentum",
    "NoisePool",
    "RealTargets",
    "Watch",
    "as_masks",
    "balanced_batches",
    "batch_count",
    "check_two_classes",
    "class_weights",
    "column_peaks",
    "cosine_schedule",
    "fold_numbers",
    "held_back",
    "log_softmax",
    "merged_rows",
    "orientations",
    "rising_schedule",
    "run_epochs",
    "shuffled_batches",
    "shuffled_blocks",
    "uploaded",
    "zero_outside",
]
