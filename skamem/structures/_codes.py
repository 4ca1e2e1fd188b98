"""Random codes of labels: how wide they must be for a clean-up that does not err, and what clean-up says."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays

__all__ = ["CodeBook", "code_width", "random_codes", "sure_margin"]

_GRAIN = 8  # widths are multiples of it


def code_width(n_states, n_pairs, *, flip_rate, error_rate):
    """Units that random bipolar codes need so that a state machine does not err.

    Parameters
    ----------
    n_states : int
        Codes that clean-up tells apart.
    n_pairs : int
        Pairs of a state and a symbol that the memory tells apart.
    flip_rate : float
        Probability that a unit of the state is flipped, in [0, 1).
    error_rate : float
        Probability of a wrong state in a step, at most; in (0, 1).

    Returns
    -------
    width : float
        A multiple of 8; infinity where `flip_rate` is 1/2 or more, which no width stands.

    Examples
    --------
    >>> code_width(8, 32, flip_rate=0.05, error_rate=1e-12)
    96
    >>> code_width(1000, 4000, flip_rate=0.05, error_rate=1e-12)
    112
    """
    if flip_rate >= 0.5:
        return math.inf
    # Clean-up takes the nearest code. A wrong one is as near as the right one if, of the units in which both differ,
    # half or more are flipped. A unit of two random codes differs with probability 1/2; flipped, it brings the wrong
    # code nearer by 2, else it takes it off by 2. Chernoff: P(sum >= 0) <= E[exp(λ x)] to the power of n for every λ >=
    # 0, and λ = ln((1 - p) / p) / 4 makes E = 1/2 + 1/2 (p e^{2λ} + (1 - p) e^{-2λ}) = 1/2 + sqrt(p (1 - p)) least. The
    # union over S - 1 wrong codes: P(error) <= (S - 1) (1/2 + sqrt(p (1 - p)))^n.
    rate = -math.log(0.5 + math.sqrt(flip_rate * (1.0 - flip_rate)))
    for_states = math.log(max(1, n_states - 1) / error_rate) / rate
    # An exponential memory of K keys answers right if the wrong keys together weigh less than the right one, e^n. An
    # overlap with a random key is a sum of n fair signs, E[exp(sum)] = cosh(1)^n, so by Markov's inequality
    # P(they weigh more) <= (K - 1) (cosh(1) / e)^n; for all K keys at once another factor K.
    for_pairs = math.log(max(1, n_pairs * (n_pairs - 1)) / error_rate) / (1.0 - math.log(math.cosh(1.0)))
    return _GRAIN * math.ceil(max(for_states, for_pairs) / _GRAIN)


def sure_margin(n_states, n_units, *, flip_rate, error_rate):
    """Margin of clean-up beyond which no other state is right with a probability of `error_rate` or more.

    Parameters
    ----------
    n_states, n_units : int
        Codes, and their width.
    flip_rate : float
        Probability that a unit is flipped.
    error_rate : float
        Bound on the probability that any other state is right.

    Returns
    -------
    margin : float
        Difference of overlaps by the unit, as `CodeBook.margins` gives it.
    """
    if flip_rate == 0:
        return 0.0
    # A code that overlaps by a margin of d less differs from the pattern in n d / 2 more units, each of which makes it
    # less likely by the odds p / (1 - p); there are S - 1 others.
    odds = math.log((1.0 - flip_rate) / flip_rate)
    return 2.0 * math.log(max(1, n_states - 1) / error_rate) / (n_units * odds)


def random_codes(n_codes, n_units, seed):
    """Random bipolar codes, one a row; more codes of one seed begin with the same ones.

    Parameters
    ----------
    n_codes, n_units : int
        Shape.
    seed : int
        Draws them.

    Returns
    -------
    codes : float32 ndarray of shape (n_codes, n_units)
        Entries in {-1, +1}.
    """
    bits = np.random.RandomState(seed).randint(2, size=(n_codes, n_units), dtype=np.int8)
    return (2 * bits - 1).astype(np.float32)


@dataclass(frozen=True)
class CodeBook:
    """Codes of labels on a device, and the clean-up of patterns to the nearest one.

    Parameters
    ----------
    codes : array of shape (n_codes, n_units)
        Entries in {-1, +1}.
    xp : module
        Their namespace.
    """

    codes: Any
    xp: Any

    def overlaps(self, patterns):
        """Overlaps (..., n_codes) of patterns (..., n_units) in {-1, 0, +1}: whole numbers, so that ties are ties."""
        return patterns @ self.xp.matrix_transpose(self.codes)

    def margins(self, overlaps, winners):
        """By how much the overlaps of the winners exceed all others, by the unit: in [0, 2], 0 for a tie."""
        xp, n_units = self.xp, self.codes.shape[1]
        index = xp.arange(self.codes.shape[0], device=arrays.device(self.codes))
        others = xp.where(index == winners[..., None], -float(n_units), overlaps)
        return (xp.max(overlaps, axis=-1) - xp.max(others, axis=-1)) / n_units
