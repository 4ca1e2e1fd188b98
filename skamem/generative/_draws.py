"""Random numbers for long chains: drawn on the host, so that one seed gives one result on every device."""

import math

import numpy as np

from skamem.core import arrays
from skamem.generative._bipartite import sigmoid

__all__ = ["Draws", "drawn_states"]


def drawn_states(biases, n_samples, random_state):
    """States of independent units of these biases: array of shape (n_samples, n_units)."""
    place = arrays.placement_of(biases)
    uniform = place.asarray(random_state.random_sample((n_samples, biases.shape[0])), biases.dtype)
    return place.xp.astype(uniform < sigmoid(biases), biases.dtype)


class Draws:
    """Uniform, normal and binary draws in a floating type, where a machine computes.

    A chain of a hundred rows needs as many random numbers as it has units, at every step, so drawing them must cost
    less than the products beside them: NumPy's SFC64 in the type asked for is several times faster than RandomState,
    and its raw bits, two float32 from each word, twice as fast again.

    Parameters
    ----------
    random_state : RandomState
        Gives the seed.
    """

    def __init__(self, random_state):
        seed = random_state.randint(np.iinfo(np.int32).max, size=4)
        self._generator = np.random.Generator(np.random.SFC64(seed))

    def uniform(self, like, shape=None):
        """Numbers in [0, 1) of the type and on the device of the array `like`, by default of its shape."""
        return self._drawn(self._random, like, shape)

    def normal(self, like, shape=None):
        """Standard normal numbers, likewise."""
        return self._drawn(self._generator.standard_normal, like, shape)

    def bernoulli(self, probability):
        """Ones with these probabilities, zeros otherwise."""
        on = self.uniform(probability) < probability
        return arrays.namespace(probability).astype(on, probability.dtype)

    def kept(self, share, like, shape=None):
        """Zeros with probability `share`, to 16 bits, and ones otherwise: the same in every floating type."""
        numbers = self._generator.integers(2**16, size=tuple(like.shape) if shape is None else shape, dtype=np.uint16)
        return arrays.placement_of(like).asarray(numbers >= round(share * 2**16), like.dtype)

    def permutation(self, n):
        """A random order of n rows, on the host."""
        return self._generator.permutation(n)

    def _random(self, shape, dtype):
        if dtype == np.float64:
            return self._generator.random(shape)
        size = math.prod(shape)
        bits = self._generator.bit_generator.random_raw((size + 1) // 2).view(np.uint32)
        bits = bits if size % 2 == 0 else bits[:-1]
        # All 24 bits that float32 holds, so that 1 is never reached.
        bits >>= 8
        numbers = bits.view(np.int32).astype(np.float32)  # signed integers convert faster
        numbers *= np.float32(2.0**-24)
        return numbers.reshape(shape)

    @staticmethod
    def _drawn(draw, like, shape):
        xp = arrays.namespace(like)
        host = np.float32 if like.dtype == xp.float32 else np.float64
        numbers = draw(tuple(like.shape) if shape is None else shape, dtype=host)
        if arrays.is_host(like):
            return numbers
        return arrays.placement_of(like).asarray(numbers, like.dtype)
