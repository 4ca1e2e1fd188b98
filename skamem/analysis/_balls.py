"""Balls around samples, in which adversarial samples are searched: where uphill is, and the way back inside."""

from dataclasses import dataclass

from skamem.core import arrays
from skamem.supervised.dense._network import unit_rows

__all__ = ["BALLS", "L2Ball", "LInfBall"]


@dataclass(frozen=True)
class LInfBall:
    """All points of which no feature differs by more than `radius`.

    Parameters
    ----------
    radius : float
        eps >= 0.
    clip : None or pair of float
        Bounds of valid features.
    """

    radius: float
    clip: tuple | None = None

    def direction(self, gradient):
        """Step of length 1 that climbs fastest: the sign of the gradient."""
        return arrays.namespace(gradient).sign(gradient)

    def projection(self, points, centre):
        """Nearest points of the ball that are valid."""
        xp = arrays.namespace(points)
        return _clipped(xp.minimum(xp.maximum(points, centre - self.radius), centre + self.radius), self.clip)

    def random_points(self, centre, random_state):
        """One random point of the ball around each centre, made valid; numbers drawn on the host, row by row."""
        drawn = random_state.uniform(-self.radius, self.radius, tuple(centre.shape))
        return self.projection(centre + _like(drawn, centre), centre)

    def length(self, change):
        """Largest change of a feature, of shape (n_samples,)."""
        xp = arrays.namespace(change)
        return xp.max(xp.abs(change), axis=1)


@dataclass(frozen=True)
class L2Ball:
    """All points at a Euclidean distance of at most `radius`.

    Parameters
    ----------
    radius : float
        eps >= 0.
    clip : None or pair of float
        Bounds of valid features.
    """

    radius: float
    clip: tuple | None = None

    def direction(self, gradient):
        """Step of length 1 that climbs fastest: along the gradient; 0 where the gradient is 0."""
        return unit_rows(gradient)

    def projection(self, points, centre):
        """Points of the ball that are valid: back along the radius first, then to the bounds, which shortens again."""
        xp = arrays.namespace(points)
        change = points - centre
        length = self.length(change)[:, None]
        change = xp.where(length > self.radius, change * (self.radius / xp.where(length > 0, length, 1.0)), change)
        return _clipped(centre + change, self.clip)

    def random_points(self, centre, random_state):
        """One random point of the ball around each centre, made valid; numbers drawn on the host, row by row."""
        n_samples, n_features = centre.shape
        # The first n coordinates of a random point of the sphere in n + 2 dimensions are uniform in the n-ball.
        drawn = random_state.standard_normal((n_samples, n_features + 2))
        drawn *= self.radius / ((drawn**2).sum(axis=1, keepdims=True)) ** 0.5
        return self.projection(centre + _like(drawn[:, :n_features], centre), centre)

    def length(self, change):
        """Euclidean length of each row, of shape (n_samples,)."""
        xp = arrays.namespace(change)
        return xp.sqrt(xp.sum(change * change, axis=1))


BALLS = {"linf": LInfBall, "l2": L2Ball}
"""Balls by the name of their norm: ``(radius, clip) -> ball``."""


def _like(drawn, points):
    return arrays.placement_of(points).asarray(drawn, points.dtype)


def _clipped(points, clip):
    if clip is None:
        return points
    xp = arrays.namespace(points)
    low, high = (xp.asarray(end, dtype=points.dtype, device=arrays.device(points)) for end in clip)
    return xp.minimum(xp.maximum(points, low), high)
