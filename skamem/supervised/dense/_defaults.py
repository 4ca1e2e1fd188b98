"""What a dense memory sets by itself: the meaning of every "auto", and the sizes from which training starts.

The numbers were found on nine small data sets and MNIST so that one setting serves all. Their common idea: overlaps
z start with root mean square 0.4 and potentials Φ with 0.5, whatever the number, the units and the spread of the
features.
"""

import numpy as np

from skamem.core import arrays

__all__ = [
    "ADAM_RATE",
    "AUTO",
    "BRIEF_DECAY",
    "BRIEF_LOSS",
    "CHOICE_DECAYS",
    "CHOICE_DECAY_GAIN",
    "CHOICE_FOLDS",
    "CHOICE_HELD",
    "CHOICE_MEMORIES",
    "CHOICE_NOISES",
    "CHOICE_NOISE_GAIN",
    "CHOICE_NUMBERS",
    "CHOICE_RATE",
    "CHOICE_ROWS",
    "CHOICE_UPDATES",
    "INITIAL_MEMORY",
    "INITIAL_OVERLAP",
    "INITIAL_PEAK",
    "INITIAL_POTENTIAL",
    "LOW_DEGREE",
    "MOST_CHOICE_ROWS",
    "NARROW_WIDTH",
    "PAPER_EPOCHS",
    "PAPER_RATE",
    "WRONG_LABELS",
    "auto_decay",
    "auto_epochs",
    "auto_groups",
    "auto_narrow",
    "auto_noise",
    "auto_rate",
    "auto_temperature",
]

ADAM_RATE, PAPER_RATE = 1e-3, 0.04
PAPER_EPOCHS = 500

INITIAL_MEMORY = 0.05
"""Root mean square of the memories' entries at the start."""
INITIAL_OVERLAP = 0.4
"""... of the overlaps z."""
INITIAL_POTENTIAL = 0.5
"""... of the potentials Φ."""
INITIAL_PEAK = 1.2
"""... of the overlap with the best matching memory, where that counts."""
LOW_DEGREE = 3
"""Up to this degree the root mean square of all overlaps sets the temperature, above it their peak."""

NARROW_WIDTH = 3
"""Features that a narrow memory sees at most."""

_FEW_EPOCHS, _USUAL_EPOCHS, _FEW_UPDATES, _MANY_UPDATES = 25, 75, 500, 1000
# Updates times rate: how far training goes, in units of a memory's size. Short trainings take larger steps.
_PATH, _LARGEST_RATE = 4.0, 4e-3
_MOST_GROUPS, _SMALLEST_GROUP = 4, 64
_NARROW_SHARE, _LEAST_VIEWS = 0.5, 8
_MOST_DECAY, _DECAY_ROWS = 3.0, 2000.0
_NOISE_SHARE, _MOST_NOISE = 0.15, 0.7
_NOISE_ROWS = 1000
# Columns of the sample that are dense at once: 8 MB, whatever the number of features.
_NOISE_COLUMNS = 1024

CHOICE_DECAYS = (0.1, 1.0, 3.0, 10.0, 30.0)
"""Weight decays among which the rows choose."""
CHOICE_NOISES = (0.0, 0.4)
"""Shares of the automatic noise that are tried besides all of it."""
CHOICE_DECAY_GAIN, CHOICE_NOISE_GAIN = 0.01, 0.03
"""What another decay than the usual or less noise must gain, in nats or in shares of the target's variance."""
WRONG_LABELS = 0.02
"""Share of labels that may be anything, when rows held back judge probabilities."""
CHOICE_FOLDS, CHOICE_HELD = 3, 400
"""Folds of the rows; as many of them are held back in turn as together have this many rows."""
CHOICE_MEMORIES, CHOICE_UPDATES, CHOICE_RATE = 64, 300, 4.0
"""Memories and updates of a candidate, and its learning rate in units of the usual one."""
CHOICE_ROWS, CHOICE_NUMBERS, MOST_CHOICE_ROWS = 2000, 2**22, 5000
"""The choice looks at this many rows and numbers at most, and leaves larger tables to the rule."""
BRIEF_DECAY, BRIEF_LOSS = 3.0, 0.1
"""From this decay chosen on, or below this loss on the rows held back, the fewest updates will do."""


def _listed(numbers):
    return ", ".join(f"{number:g}" for number in numbers[:-1]) + f" and {numbers[-1]:g}"


AUTO = {
    "learning_rate_init": f"{_PATH:g} / updates, but between {ADAM_RATE:g} and {_LARGEST_RATE:g}",
    "max_iter": (
        f"{_USUAL_EPOCHS}, but between {_FEW_UPDATES} and {_MANY_UPDATES} updates, and {_FEW_EPOCHS} at least"
    ),
    "temperature": f"lets overlaps start at root mean square {INITIAL_OVERLAP:g}",
    "noise": f"min({_NOISE_SHARE:g} d, {_MOST_NOISE:g})",
    "weight_decay": (
        f"what rows held back choose among {_listed(CHOICE_DECAYS)}; min({_MOST_DECAY:g}, {_DECAY_ROWS:.0f} / n_rows) "
        f"where they cannot tell: beyond {MOST_CHOICE_ROWS} rows, below {2 * CHOICE_FOLDS}, in fits of less than "
        f"{CHOICE_UPDATES} updates, in `partial_fit`"
    ),
}
"""What "auto" means, parameter by parameter, in the words of the docstrings (a test compares)."""


def auto_temperature(n_units):
    """Temperature at which memories of root mean square 0.05 overlap with standardised rows at root mean square 0.4."""
    return INITIAL_MEMORY * n_units**0.5 / INITIAL_OVERLAP


def auto_decay(n_rows):
    """Weight decay λ = min(3, 2000 / n) where the rows have no say: small samples need it, large ones do not."""
    return min(_MOST_DECAY, _DECAY_ROWS / n_rows)


def auto_rate(n_updates):
    """Learning rate of Adam in a training of known length: 4 / updates, but between 0.001 and 0.004.

    Parameters
    ----------
    n_updates : int
        Updates of the training.

    Returns
    -------
    rate : float

    Examples
    --------
    >>> [auto_rate(n_updates) for n_updates in (500, 2000, 20000)]
    [0.004, 0.002, 0.001]
    """
    return min(_LARGEST_RATE, max(ADAM_RATE, _PATH / n_updates))


def auto_groups(n_memories, n_rows):
    """Number of equal groups in which the memories of a small table learn apart: 4 at most, of 64 memories at least.

    What several groups agree on is less an accident of their start and of the noise; a large table needs them all.

    Parameters
    ----------
    n_memories, n_rows : int
        Sizes.

    Returns
    -------
    n_groups : int

    Examples
    --------
    >>> [auto_groups(n_memories, 1000) for n_memories in (50, 200, 333, 500)], auto_groups(500, 10000)
    ([1, 2, 3, 4], 1)
    """
    if n_rows > MOST_CHOICE_ROWS:
        return 1
    most = min(_MOST_GROUPS, n_memories // _SMALLEST_GROUP)
    return next((n_groups for n_groups in range(most, 1, -1) if n_memories % n_groups == 0), 1)


def auto_narrow(n_memories, n_features, n_rows):
    """Share of the memories of a small table that see one to three features only: half, where that covers the features.

    Parameters
    ----------
    n_memories, n_features, n_rows : int
        Sizes.

    Returns
    -------
    share : float
        0 where there are too many features for each to be seen eight times, or three at most.

    Examples
    --------
    >>> [auto_narrow(500, n_features, 1000) for n_features in (3, 4, 62, 63)], auto_narrow(500, 20, 10000)
    ([0.0, 0.5, 0.5, 0.0], 0.0)
    """
    most = _NARROW_SHARE * n_memories * (1 + NARROW_WIDTH) / 2 / _LEAST_VIEWS
    return _NARROW_SHARE if n_rows <= MOST_CHOICE_ROWS and NARROW_WIDTH < n_features <= most else 0.0


def auto_epochs(n_batches, brief=False):
    """Number of epochs: 75, but between 500 and 1000 updates, and 25 at least.

    Parameters
    ----------
    n_batches : int
        Updates an epoch.
    brief : bool, default=False
        Whether 500 updates are the most, too.

    Returns
    -------
    n_epochs : int

    Examples
    --------
    >>> [auto_epochs(n_batches) for n_batches in (1, 2, 10, 15, 500)]
    [500, 250, 75, 67, 25]
    """
    most = _FEW_UPDATES if brief else _MANY_UPDATES
    updates = max(_FEW_EPOCHS * n_batches, min(most, max(_FEW_UPDATES, _USUAL_EPOCHS * n_batches)))
    return -(-updates // n_batches)


def auto_noise(rows, codes, random_state):
    """Input noise σ = min(0.15 d, 0.7), d the median distance to the nearest row of another class.

    Parameters
    ----------
    rows : StandardRows
        Standardised rows.
    codes : ndarray of shape (n_rows,)
        Class indices.
    random_state : RandomState
        Draws the rows that are looked at, 1000 at most.

    Returns
    -------
    noise : float
        Standard deviation per entry, in units of the standardised rows; 0 when no other class is seen.
    """
    chosen = random_state.permutation(len(rows))[:_NOISE_ROWS]
    xp, squares, gram = rows.placement.xp, 0.0, 0.0
    for part in rows.column_parts(chosen, _NOISE_COLUMNS):
        squares = xp.sum(part * part, axis=1) + squares
        gram = part @ part.T + gram
    squares, gram = arrays.to_numpy(squares), arrays.to_numpy(gram)
    distances = squares[:, None] + squares - 2 * gram
    distances[codes[chosen][:, None] == codes[chosen]] = np.inf
    nearest = np.sqrt(np.maximum(distances.min(axis=1), 0.0))
    nearest = nearest[np.isfinite(nearest)]
    return min(_NOISE_SHARE * float(np.median(nearest)), _MOST_NOISE) if nearest.size else 0.0
