"""Moved copies of images: whole shifts are exact, a hill moves as it should, streams give the same copies."""

import itertools

import numpy as np
import pytest
from sklearn import config_context

from skamem.datasets import make_transformed, stream_transformed

IMAGES = np.random.RandomState(0).random_sample((7, 6, 9))
MOVES = {"shift": (2, 1), "rotation": 20, "scale": 0.2}


def shifted(image, down, across, fill):
    """`image` moved by whole pixels, by slices."""
    moved = np.full_like(image, fill)
    height, width = image.shape
    moved[max(down, 0) : height + min(down, 0), max(across, 0) : width + min(across, 0)] = image[
        max(-down, 0) : height - max(down, 0), max(-across, 0) : width - max(across, 0)
    ]
    return moved


# ------------------------------------------------------------------------------------------- which copies, and whose


@pytest.mark.parametrize("fill", [0.0, -3.0])
def test_whole_shifts_move_pixels_and_come_equally_often(fill):
    moved, identity = make_transformed(IMAGES, shift=(2, 1), n_copies=300, fill=fill, random_state=0)
    np.testing.assert_array_equal(identity, np.tile(np.arange(7), 300))
    counts = dict.fromkeys(itertools.product(range(-2, 3), range(-1, 2)), 0)
    for copy, image in zip(moved, IMAGES[identity], strict=True):
        (found,) = [move for move in counts if np.array_equal(shifted(image, *move, fill), copy)]
        counts[found] += 1
    # 2100 draws of 15 shifts, 140 each with a standard deviation of 11.4: 5 of them, error probability below 1e-5.
    assert 80 < min(counts.values()) <= max(counts.values()) < 200


def test_nearest_goes_on_with_the_border():
    moved, _ = make_transformed(np.ones((4, 5, 5)), **MOVES, n_copies=5, fill="nearest", random_state=0)
    np.testing.assert_allclose(moved, 1, rtol=1e-12)
    whole, _ = make_transformed(IMAGES, shift=2, n_copies=1, fill="nearest", random_state=0)
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (6, 9), axis=(1, 2)).reshape(7, 25, 6, 9)
    assert np.all(np.any(np.all(windows == whole[:, None], axis=(2, 3)), axis=1))


@pytest.mark.parametrize("order", range(6))
def test_splines_of_every_order_agree_on_whole_shifts(order):
    whole, _ = make_transformed(IMAGES, shift=1, n_copies=1, random_state=0)
    turned, _ = make_transformed(
        IMAGES, shift=1, rotation=1e-9, subpixel=False, order=order, n_copies=1, random_state=0
    )
    np.testing.assert_allclose(turned, whole, atol=1e-7)


def test_a_smooth_hill_moves_as_it_should():
    """A broad Gaussian has a mean and a covariance, which say shift, angle and factor."""
    y, x = np.mgrid[:41, :61]
    hill = np.exp(-(((y - 20) / 3) ** 2 + ((x - 30) / 6) ** 2) / 2)
    moves = {"shift": (3.0, 5.0), "rotation": 40.0, "scale": 0.3}
    moved, _ = make_transformed(hill[None], **moves, order=3, n_copies=200, random_state=0)
    mass = moved.sum(axis=(1, 2))
    mean = np.stack(((moved * y).sum(axis=(1, 2)), (moved * x).sum(axis=(1, 2)))) / mass
    down, across = (grid - at[:, None, None] for grid, at in zip((y, x), mean, strict=True))
    yy, xx, xy = ((moved * a * b).sum(axis=(1, 2)) / mass for a, b in ((down, down), (across, across), (down, across)))
    for found, largest in zip(mean - [[20], [30]], (3.0, 5.0), strict=True):
        assert 0.9 * largest < np.abs(found).max() <= largest + 0.01
        assert abs(found.mean()) < 5 * largest / np.sqrt(3 * 200)
    angle = np.rad2deg(np.arctan2(2 * xy, xx - yy) / 2)
    assert 36 < np.abs(angle).max() <= 40.2
    factor = (yy * xx - xy**2) ** 0.25 / np.sqrt(18)
    assert 0.7 - 0.01 < factor.min() < 0.73
    assert 1.27 < factor.max() < 1.3 + 0.01


def test_nothing_to_move_gives_equal_copies():
    moved, identity = make_transformed(IMAGES, random_state=0)
    np.testing.assert_array_equal(moved, IMAGES[identity])
    assert not np.shares_memory(moved, IMAGES)


def test_fractions_of_a_pixel_come_where_copies_are_interpolated_anyway():
    ramp = np.broadcast_to(np.arange(9.0), (50, 9, 9))

    def middles(**options):
        moved, _ = make_transformed(ramp, n_copies=1, random_state=0, **options)
        return moved[:, 4, 4]

    assert np.all(middles(shift=2) == np.round(middles(shift=2)))
    for options in ({"shift": 2, "subpixel": True}, {"shift": 1.5}, {"shift": 2, "scale": 0.01}):
        assert np.unique(middles(**options)).size == 50
    np.testing.assert_allclose(middles(shift=2, scale=1e-9, subpixel=False), middles(shift=2), atol=1e-7)


# ------------------------------------------------------------------------------------------------ shapes and streams


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_rows_of_pixels_are_images(dtype):
    images = (255 * IMAGES).astype(dtype)
    given = images.copy()
    moved, identity = make_transformed(images, **MOVES, n_copies=3, random_state=0)
    rows, same = make_transformed(images.reshape(7, 54), **MOVES, n_copies=3, image_shape=(6, 9), random_state=0)
    np.testing.assert_array_equal(rows, moved.reshape(21, 54))
    np.testing.assert_array_equal(same, identity)
    np.testing.assert_array_equal(images, given)
    assert moved.dtype == rows.dtype == ("float32" if dtype == "float32" else "float64")
    wide, _ = make_transformed(images.astype("float64"), **MOVES, n_copies=3, random_state=0)
    np.testing.assert_allclose(moved, wide, rtol=1e-5)


@pytest.mark.parametrize("moves", [MOVES, {"shift": 2}])
@pytest.mark.parametrize("batch_size", [None, 1, 3, 100])
def test_streams_give_the_same_copies_whatever_the_blocks(moves, batch_size):
    moved, identity = make_transformed(IMAGES, **moves, n_copies=4, random_state=3)
    with config_context(working_memory=1e-3):
        blocks = list(stream_transformed(IMAGES, **moves, n_copies=4, batch_size=batch_size, random_state=3))
    assert all(1 <= len(copies) == len(index) <= (batch_size or 7) for copies, index in blocks)
    np.testing.assert_array_equal(np.concatenate([copies for copies, _ in blocks]), moved)
    np.testing.assert_array_equal(np.concatenate([index for _, index in blocks]), identity)


def test_streams_can_go_on_for_ever():
    stream = stream_transformed(IMAGES, shift=1, n_copies=None, random_state=0)
    moved, _ = make_transformed(IMAGES, shift=1, n_copies=20, random_state=0)
    np.testing.assert_array_equal(np.concatenate([copies for copies, _ in itertools.islice(stream, 20)]), moved)


@pytest.mark.parametrize(
    "function", [make_transformed, lambda *args, **options: next(stream_transformed(*args, **options))]
)
def test_images_come_back_where_they_were(function, place, dispatched):
    with dispatched():
        moved, identity = function(place.put(IMAGES), **MOVES, n_copies=1, random_state=0)
    assert isinstance(identity, np.ndarray)
    expected, _ = make_transformed(IMAGES, **MOVES, n_copies=1, random_state=0)
    np.testing.assert_array_equal(place.get(moved), expected)


# ----------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("function", [make_transformed, stream_transformed])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"images": IMAGES.reshape(7, 54)}, ValueError, "Pass image_shape"),
        ({"images": IMAGES.reshape(7, 54), "image_shape": (6, 8)}, ValueError, "holds no images of image_shape"),
        ({"image_shape": (9, 6)}, ValueError, "holds no images of image_shape"),
        ({"images": IMAGES[..., None]}, ValueError, "expected \\(n_images, height, width\\)"),
        ({"images": np.zeros((3, 0, 4))}, ValueError, "no pixels"),
        ({"images": np.full((2, 3, 3), np.nan)}, ValueError, "images contains NaN"),
        ({"shift": -1}, ValueError, "shift"),
        ({"shift": 7}, ValueError, "out of sight"),
        ({"shift": 1.5, "subpixel": False}, ValueError, "no whole number"),
        ({"shift": (1, 2, 3)}, TypeError, "expected a number >= 0, or a pair"),
        ({"rotation": 181}, ValueError, "rotation"),
        ({"scale": 1}, ValueError, "scale"),
        ({"n_copies": 0}, ValueError, "n_copies"),
        ({"order": 6}, ValueError, "order"),
        ({"fill": np.nan}, ValueError, "fill"),
        ({"fill": "black"}, ValueError, "'nearest'"),
        ({"images": IMAGES.astype("float32"), "fill": 1e300}, ValueError, "beyond float32"),
        ({"random_state": "zero"}, TypeError, "random_state"),
    ],
)
def test_errors_come_at_once_and_say_what_to_do(function, options, error, message):
    with pytest.raises(error, match=message):
        function(**{"images": IMAGES, **options})


def test_batches_have_a_size():
    with pytest.raises(ValueError, match="batch_size"):
        stream_transformed(IMAGES, batch_size=0)
