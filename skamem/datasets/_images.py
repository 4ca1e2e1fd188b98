"""Moved copies of images: what a feature that ignores movement has to ignore."""

import itertools
from dataclasses import dataclass
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.utils import check_array, check_random_state

from skamem.core import arrays
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, Pair, RandomState, check_parameters
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = ["make_transformed", "stream_transformed"]

_DISTANCE = Interval(Real, low=0)
_KINDS = {
    "shift": _DISTANCE | Pair(_DISTANCE),
    "rotation": Interval(Real, low=0, high=180),
    "scale": Interval(Real, low=0, high=1, high_open=True),
    "n_copies": COUNT,
    "image_shape": Pair(COUNT) | None,
    "subpixel": BOOLEAN | None,
    "order": Interval(Integral, low=0, high=5),
    "fill": Interval(Real) | Options("nearest"),
    "random_state": RandomState(),
}


def make_transformed(
    images,
    *,
    shift=0,
    rotation=0,
    scale=0,
    n_copies=10,
    image_shape=None,
    subpixel=None,
    order=1,
    fill=0.0,
    random_state=None,
):
    """Copies of images, each shifted, turned and scaled at random: virtual examples.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width) or (n_images, height * width)
        Images, or their pixels row by row; these need `image_shape`.
    shift : float or (float, float), default=0
        Largest shift in pixels, >= 0; one number for both directions, or one down and one across. Shifts are uniform
        between it and its negative.
    rotation : float, default=0
        Largest rotation in degrees, in [0, 180], about the middle of the image; uniform, either way.
    scale : float, default=0
        Largest change of size as a fraction, in [0, 1): factors are uniform between 1 - scale and 1 + scale.
    n_copies : int, default=10
        Copies of each image, >= 1.
    image_shape : (int, int), default=None
        Height and width, for pixels in rows.
    subpixel : bool, default=None
        Whether shifts may be fractions of a pixel. None: where `shift` is a whole number and there is no rotation or
        scale they are whole numbers of pixels, and no copy is interpolated.
    order : int, default=1
        Degree in [0, 5] of the splines that interpolate: 0 is the nearest pixel, 1 linear; from 2 on edges stay sharper
        and are overshot.
    fill : float or "nearest", default=0.0
        Value of what lies beyond the image; "nearest" is that of the closest pixel of its border.
    random_state : int, RandomState instance or None, default=None
        Draws the movements.

    Returns
    -------
    transformed : array of shape (n_copies * n_images, height, width) or (n_copies * n_images, height * width)
        A copy of every image, then another of each, and so on; shaped as `images` are. float32 for float32 images,
        else float64, where `images` were (copies are made on the host).
    identity : int ndarray of shape (n_copies * n_images,)
        Index of the image that a copy is of: its label is ``y[identity]``.

    Raises
    ------
    TypeError, ValueError
        For a parameter out of range, images of another shape, or entries that are not finite.

    See Also
    --------
    stream_transformed : The same copies in blocks, without end if wanted.

    Notes
    -----
    What is moved out of an image is lost: pad images whose borders matter. SciPy's
    `affine_transform` interpolates, O(height * width * (order + 1)^2) a copy.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.datasets import make_transformed
    >>> images = np.eye(3)[None]
    >>> moved, identity = make_transformed(images, shift=1, n_copies=2, random_state=0)
    >>> moved.shape, identity
    ((2, 3, 3), array([0, 0]))
    >>> moved[0]
    array([[0., 1., 0.],
           [0., 0., 1.],
           [0., 0., 0.]])
    """
    movements, images, place = _opened(
        images, shift=shift, rotation=rotation, scale=scale, n_copies=n_copies, image_shape=image_shape,
        subpixel=subpixel, order=order, fill=fill, random_state=random_state,
    )  # fmt: skip
    transformed = np.empty((n_copies, *images.shape), dtype=images.dtype)
    for copies in transformed:
        movements.move(images, copies)
    identity = np.tile(np.arange(images.shape[0]), n_copies)
    return place.asarray(transformed.reshape(-1, *images.shape[1:])), identity


def stream_transformed(
    images,
    *,
    shift=0,
    rotation=0,
    scale=0,
    n_copies=10,
    batch_size=None,
    image_shape=None,
    subpixel=None,
    order=1,
    fill=0.0,
    random_state=None,
):
    """The copies of `make_transformed` in blocks, each made when it is asked for: for ``partial_fit``.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width) or (n_images, height * width)
        As in `make_transformed`.
    shift : float or (float, float), default=0
        Likewise.
    rotation : float, default=0
        Likewise.
    scale : float, default=0
        Likewise.
    n_copies : int or None, default=10
        Copies of each image, >= 1; None goes on for ever.
    batch_size : int, default=None
        Images a block, >= 1; None takes as many as fit scikit-learn's ``working_memory``. A block never holds two
        copies of one image.
    image_shape : (int, int), default=None
        As in `make_transformed`.
    subpixel : bool, default=None
        Likewise.
    order : int, default=1
        Likewise.
    fill : float or "nearest", default=0.0
        Likewise.
    random_state : int, RandomState instance or None, default=None
        Likewise: one seed gives the copies that `make_transformed` gives, whatever the blocks.

    Returns
    -------
    blocks : iterator of (array, ndarray)
        Copies, of shape (n_block, height, width) or (n_block, height * width), and the index of the image that each is
        of, of shape (n_block,).

    Raises
    ------
    TypeError, ValueError
        As `make_transformed`, at once.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.datasets import stream_transformed
    >>> images = np.zeros((5, 8, 8))
    >>> for moved, identity in stream_transformed(images, shift=1, n_copies=2, batch_size=3, random_state=0):
    ...     print(moved.shape, identity)
    (3, 8, 8) [0 1 2]
    (2, 8, 8) [3 4]
    (3, 8, 8) [0 1 2]
    (2, 8, 8) [3 4]
    """
    check_parameters(
        SimpleNamespace(n_copies=n_copies, batch_size=batch_size),
        {"n_copies": COUNT | None, "batch_size": COUNT | None},
    )
    movements, images, place = _opened(
        images, shift=shift, rotation=rotation, scale=scale, n_copies=n_copies or 1, image_shape=image_shape,
        subpixel=subpixel, order=order, fill=fill, random_state=random_state,
    )  # fmt: skip
    return _stream(movements, images, place, n_copies, batch_size)


def _stream(movements, images, place, n_copies, batch_size):
    for _ in itertools.count() if n_copies is None else range(n_copies):
        drawn = movements.draw(images.shape[0])
        for rows in row_blocks(images.shape[0], 2 * images[0].nbytes, at_most=batch_size):
            copies = np.empty_like(images[rows])
            movements.move(images[rows], copies, drawn[rows])
            yield place.asarray(copies), np.arange(rows.start, rows.stop)


def _opened(images, **parameters):
    """The door: movements, images on the host, and where they were."""
    check_parameters(SimpleNamespace(**parameters), _KINDS)
    xp = arrays.input_namespace(images)
    images = check_array(images, dtype=(xp.float64, xp.float32), allow_nd=True, input_name="images")
    place, images = arrays.placement_of(images), np.ascontiguousarray(arrays.to_numpy(images))
    shape, shift, fill = _image_shape(images, parameters["image_shape"]), parameters["shift"], parameters["fill"]
    down, across = map(float, np.broadcast_to(shift, 2))
    if down > shape[0] or across > shape[1]:
        raise ValueError(
            f"shift={shift!r} moves images of {shape[0]} x {shape[1]} pixels out of sight; use a smaller one."
        )
    whole, subpixel = down.is_integer() and across.is_integer(), parameters["subpixel"]
    if not (whole or subpixel or subpixel is None):
        raise ValueError(f"shift={shift!r} is no whole number of pixels; use subpixel=True, or round it.")
    if fill != "nearest" and abs(float(fill)) > float(np.finfo(images.dtype).max):
        raise ValueError(f"fill={fill!r} is beyond {images.dtype}, the type of images; give them as float64.")
    rotation, scale = np.deg2rad(float(parameters["rotation"])), float(parameters["scale"])
    if subpixel is None:
        subpixel = not whole or rotation > 0 or scale > 0
    rng = check_random_state(parameters["random_state"])
    movements = _Movements(shape, (down, across), rotation, scale, bool(subpixel), int(parameters["order"]), fill, rng)
    return movements, images, place


def _image_shape(images, expected):
    found = images.shape[1:]
    if len(found) == 1 and expected is None:
        raise ValueError(
            f"images has shape {images.shape}: rows of pixels. Pass image_shape=(height, width) beside them, or images "
            "of shape (n_images, height, width)."
        )
    if len(found) not in (1, 2):
        raise ValueError(
            f"images has shape {images.shape}; expected (n_images, height, width), or rows of pixels with image_shape. "
            "Move each colour channel by itself, with one seed."
        )
    shape = tuple(map(int, found if expected is None else expected))
    if found not in (shape, (shape[0] * shape[1],)):
        raise ValueError(f"images has shape {images.shape}, which holds no images of image_shape={shape}.")
    if 0 in shape:
        raise ValueError(f"images has shape {images.shape}: no pixels; expected (n_images, height, width).")
    return shape


@dataclass
class _Movements:
    """Random movements about the middle of images of one shape."""

    shape: tuple
    shift: tuple
    rotation: float
    scale: float
    subpixel: bool
    order: int
    fill: Any
    rng: Any

    @property
    def interpolates(self):
        """Whether a copy is more than pixels shifted by whole numbers."""
        return self.subpixel or self.rotation > 0 or self.scale > 0

    def draw(self, n_images):
        """Shift down and across, angle and factor of a copy of each image: an array of shape (n_images, 4)."""
        # One draw for all images of a pass, so that copies do not depend on the blocks they are made in.
        drawn = self.rng.random_sample((n_images, 4))
        if self.subpixel:
            shifts = (2 * drawn[:, :2] - 1) * self.shift
        else:  # floor: all whole numbers between the ends are equally frequent
            shifts = np.floor(drawn[:, :2] * (2 * np.asarray(self.shift) + 1)) - self.shift
        return np.column_stack((shifts, (2 * drawn[:, 2] - 1) * self.rotation, 1 + (2 * drawn[:, 3] - 1) * self.scale))

    def move(self, images, copies, drawn=None):
        """Write a moved copy of each image into `copies`, of the shape of `images`."""
        drawn = self.draw(images.shape[0]) if drawn is None else drawn
        images, copies = (array.reshape(-1, *self.shape) for array in (images, copies))
        if self.interpolates:
            self._interpolate(images, copies, drawn)
            return
        row_bytes = 3 * 8 * images[0].size
        for rows in row_blocks(images.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, np)):
            copies[rows] = self._picked(images[rows], drawn[rows, :2].astype(np.intp))

    def _interpolate(self, images, copies, drawn):
        # A call an image: SciPy's loops in C beat NumPy's gathering over all images at once from 10 x 10 pixels on.
        options = {"order": self.order, "mode": "nearest" if self.fill == "nearest" else "grid-constant"}
        if self.fill != "nearest":
            options["cval"] = float(self.fill)
        middle = (np.asarray(self.shape) - 1) / 2
        cosine, sine = np.cos(drawn[:, 2]) / drawn[:, 3], np.sin(drawn[:, 2]) / drawn[:, 3]
        back = np.stack((np.stack((cosine, sine), axis=1), np.stack((-sine, cosine), axis=1)), axis=1)
        # A pixel's value comes from where it was before: shifted back, then turned back and scaled back.
        offsets = middle - (back @ (middle + drawn[:, :2])[:, :, None])[:, :, 0]
        for image, copy, matrix, offset in zip(images, copies, back, offsets, strict=True):
            ndimage.affine_transform(image, matrix, offset, output=copy, **options)

    def _picked(self, images, shifts):
        """Images shifted by whole pixels."""
        y, x = (np.arange(length) - shifts[:, axis, None] for axis, length in enumerate(self.shape))
        inside = [(index >= 0) & (index < length) for index, length in zip((y, x), self.shape, strict=True)]
        y, x = (np.clip(index, 0, length - 1) for index, length in zip((y, x), self.shape, strict=True))
        copies = images[np.arange(len(images))[:, None, None], y[:, :, None], x[:, None, :]]
        if self.fill != "nearest":
            copies[~(inside[0][:, :, None] & inside[1][:, None, :])] = self.fill
        return copies
