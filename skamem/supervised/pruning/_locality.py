"""Are the pixels that a unit keeps near to each other? Asked of masks that keep each unit's number and each pixel's."""

import math

import numpy as np
from sklearn.utils import Bunch, check_random_state

__all__ = ["mask_locality"]


def mask_locality(mask, image_shape, *, n_permutations=1999, random_state=None):
    """Mean distance between the pixels that a unit keeps, beside that of random masks with the same margins.

    The null keeps for each unit how many pixels it sees, and for each pixel how many units see it: that the middle of
    the image matters more than its rim is no locality.

    Parameters
    ----------
    mask : array-like of bool, shape (n_units, n_pixels)
        Which pixels each unit keeps.
    image_shape : tuple of int
        (height, width), or (height, width, n_channels); their product is n_pixels.
    n_permutations : int, default=1999
        Random masks.
    random_state : int, RandomState or None, default=None
        Draws them.

    Returns
    -------
    locality : Bunch
        "mean_distance", in pixels, over the pairs of pixels of a unit, as a mean over the units that keep two or more
        (NaN when none does); "null_mean" and "null_std" of the random masks; "z", by how many standard deviations the
        distance is below their mean, positive where masks are local; "p_value", one-sided, at least
        1 / (n_permutations + 1); "n_units" that keep two or more.

    Raises
    ------
    ValueError
        When the image has not as many pixels as the mask.

    Notes
    -----
    The random masks are states of a Markov chain of trades [1]_: units are paired at random, and each pair deals out
    anew, at random, the pixels that one of the two has. The uniform distribution over all masks with these margins is
    its stationary one. The chain runs forth and back from the mask itself, which stands at a random place in it: so the
    p-value is exact, however slowly the chain mixes [2]_. Cost: n_permutations times n_units n_pixels².

    References
    ----------
    .. [1] Carstens, Berger and Strona (2018), A unifying framework for fast randomization of ecological networks with
       fixed (node) degrees, MethodsX 5:773, doi:10.1016/j.mex.2018.06.018.
    .. [2] Besag and Clifford (1989), Generalized Monte Carlo significance tests, Biometrika 76:633,
       doi:10.1093/biomet/76.4.633.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.supervised.pruning import mask_locality
    >>> blocks = np.kron(np.eye(4, dtype=bool), np.ones((2, 2), dtype=bool))  # four units, each a block
    >>> image = np.zeros((4, 4, 4), dtype=bool)
    >>> for unit, (row, column) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
    ...     image[unit, row : row + 2, column : column + 2] = True
    >>> locality = mask_locality(image.reshape(4, 16), (4, 4), random_state=0)
    >>> round(locality.mean_distance, 2), locality.p_value < 0.01
    (1.14, True)
    """
    mask = np.asarray(mask, dtype=bool)
    if math.prod(image_shape) != mask.shape[1]:
        raise ValueError(
            f"image_shape={tuple(image_shape)} has {math.prod(image_shape)} pixels; expected {mask.shape[1]}, the "
            "number of features."
        )
    random_state = check_random_state(random_state)
    used = mask.any(axis=0)
    mask, distances = mask[:, used], _distances(image_shape)[np.ix_(used, used)]
    n_kept = mask.sum(axis=1)
    n_units = int(np.sum(n_kept > 1))
    if n_units == 0:
        nan = float("nan")
        return Bunch(mean_distance=nan, null_mean=nan, null_std=nan, z=nan, p_value=1.0, n_units=0)
    weights = np.where(n_kept > 1, 1.0 / np.maximum(n_kept * (n_kept - 1.0), 1.0), 0.0) / n_units

    def mean_distance(kept):
        # Products of 0 and 1 with distances: float32 is exact to seven digits, and twice as fast.
        sums = np.einsum("ij,ij->i", kept.astype(np.float32) @ distances, kept, dtype=np.float64)
        return float(weights @ sums)

    observed = mean_distance(mask)
    forth = random_state.randint(0, n_permutations + 1)
    null = []
    for length in (forth, n_permutations - forth):
        state = mask.copy()
        for _ in range(length):
            _trade(state, random_state)
            null.append(mean_distance(state))
    null = np.asarray(null)
    # Equal but for rounding is equal: a mask that cannot be dealt otherwise is no local one.
    p_value = (1.0 + np.sum(null <= observed * (1.0 + 1e-6))) / (1.0 + n_permutations)
    spread = float(null.std())
    z = (float(null.mean()) - observed) / spread if spread > 1e-6 * observed else 0.0
    return Bunch(
        mean_distance=observed, null_mean=float(null.mean()), null_std=spread, z=z, p_value=float(p_value),
        n_units=n_units,
    )  # fmt: skip


def _distances(image_shape):
    """Distances between the pixels of an image; channels of a pixel are at the same place."""
    height, width, n_channels = (*image_shape, 1)[:3]
    rows, columns = np.divmod(np.repeat(np.arange(height * width), n_channels), width)
    return np.hypot(rows[:, None] - rows, columns[:, None] - columns).astype(np.float32)


def _trade(mask, random_state):
    """Deal out anew, in random pairs of units, what only one of the two has; in place."""
    order = random_state.permutation(len(mask))
    half = len(order) // 2
    first, second = order[:half], order[half : 2 * half]
    one, other = mask[first], mask[second]
    pairs, pixels = np.nonzero(one != other)
    n_first = np.sum(one & ~other, axis=1)
    dealt = np.lexsort((random_state.random_sample(len(pairs)), pairs))  # shuffled within each pair
    place = np.arange(len(pairs)) - np.searchsorted(pairs, pairs)
    to_first = place < n_first[pairs]
    pixels = pixels[dealt]
    mask[first[pairs], pixels] = to_first
    mask[second[pairs], pixels] = ~to_first
