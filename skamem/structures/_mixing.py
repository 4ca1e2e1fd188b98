"""Vectors of one length put into those of another so that inner products stay: random signs, then a random rotation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.binding import bind, random_keys, unbind

__all__ = ["Mixing", "drawn_mixing"]


@dataclass(frozen=True)
class Mixing:
    """A linear map that keeps inner products of real vectors: exactly where there is room, nearly where there is not.

    x becomes k ⊛ (s x, 0, ..., 0), with random signs s and a unitary key k, whose convolution is a rotation; under
    complex algebras that is the real part, and another such map the imaginary one.

    Parameters
    ----------
    codes : array of shape (1 or 2, 2, n_mixed)
        Signs and key of each part.
    n_inputs, n_units : int
        Lengths of what goes in and of what comes out; n_mixed is the larger one.

    Notes
    -----
    Cost O(n_mixed log n_mixed) a vector, where a matrix of random codes would take O(n_inputs n_units).

    References
    ----------
    Ailon and Chazelle (2009), The fast Johnson-Lindenstrauss transform, SIAM Journal on Computing 39:302.
    """

    codes: Any
    n_inputs: int
    n_units: int

    @property
    def _scale(self):
        """What makes up for the units left out, and for counting both parts."""
        return (self.codes.shape[2] / self.n_units / self.codes.shape[0]) ** 0.5

    def __call__(self, vectors):
        """Vectors (..., n_inputs) as (..., n_units)."""
        xp = arrays.namespace(self.codes)
        if "complex" in arrays.dtype_name(vectors):
            return self(xp.real(vectors)) + 1j * self(xp.imag(vectors))
        parts = [
            self._scale * bind(_padded(vectors * signs[: self.n_inputs], signs.shape[0]), key)[..., : self.n_units]
            for signs, key in self._parts()
        ]
        return parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]

    def back(self, vectors):
        """What real vectors became (..., n_units): the transpose, which is the inverse where there was room."""
        xp = arrays.namespace(self.codes)
        parts = [vectors] if self.codes.shape[0] == 1 else [xp.real(vectors), xp.imag(vectors)]
        found = [
            self._scale * (unbind(_padded(part, signs.shape[0]), key) * signs)[..., : self.n_inputs]
            for part, (signs, key) in zip(parts, self._parts(), strict=True)
        ]
        return found[0] if len(found) == 1 else found[0] + found[1]

    def _parts(self):
        return [(self.codes[part, 0, :], self.codes[part, 1, :]) for part in range(self.codes.shape[0])]


def drawn_mixing(n_inputs, n_units, n_parts, rng):
    """Random codes of a `Mixing`, on the host."""
    n_mixed = max(n_inputs, n_units)
    signs = random_keys(n_parts, n_mixed, algebra="map", random_state=rng)
    return np.stack([signs, random_keys(n_parts, n_mixed, random_state=rng)], axis=1)


def _padded(vectors, length):
    lacking = length - vectors.shape[-1]
    if not lacking:
        return vectors
    xp = arrays.namespace(vectors)
    place = {"dtype": vectors.dtype, "device": arrays.device(vectors)}
    return xp.concat([vectors, xp.zeros((*vectors.shape[:-1], lacking), **place)], axis=-1)
