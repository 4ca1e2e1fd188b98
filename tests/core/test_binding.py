"""Binding: direct sums, laws, the same numbers everywhere, statistics of random keys, and what is refused.

The tests run over `ALGEBRAS`: a new algebra is tested by being registered.
"""

import math

import numpy as np
import pytest

from skamem.core import binding
from skamem.core.binding import (
    ALGEBRAS,
    Algebra,
    bind,
    bundle,
    despread,
    identity,
    inverse,
    permute,
    random_keys,
    similarity,
    spread,
    superpose,
    unbind,
    unitary,
)

every_algebra = pytest.mark.parametrize("algebra", ALGEBRAS)
every_length = pytest.mark.parametrize("n_units", [1, 2, 3, 8, 31, 64])
ONE_MILLION_TO_ONE = 4.9  # standard deviations


def some(algebra, *shape, seed=0, single=False):
    """Vectors that are not unitary."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal(shape)
    if ALGEBRAS[algebra].is_complex:
        vectors = vectors + 1j * rng.standard_normal(shape)
    return vectors.astype("complex64" if np.iscomplexobj(vectors) else "float32") if single else vectors


def directly_bound(x, y, algebra):
    """By the definition: O(n²) for circular convolution."""
    if algebra != "hrr":
        return np.asarray([a * b for a, b in zip(x, y, strict=True)])
    n_units = len(x)
    return np.asarray([sum(x[j] * y[(k - j) % n_units] for j in range(n_units)) for k in range(n_units)])


def directly_unbound(x, key, algebra):
    if algebra != "hrr":
        return np.asarray([a * np.conj(b) for a, b in zip(x, key, strict=True)])
    n_units = len(x)
    return np.asarray([sum(key[j] * x[(k + j) % n_units] for j in range(n_units)) for k in range(n_units)])


# ------------------------------------------------------------------------------------------------------ the definition


@every_algebra
@every_length
def test_binding_is_the_direct_sum(algebra, n_units):
    x, y = some(algebra, 2, n_units)
    scale = np.linalg.norm(x) * np.linalg.norm(y)
    assert np.max(np.abs(bind(x, y, algebra=algebra) - directly_bound(x, y, algebra))) <= 1e-12 * scale
    assert np.max(np.abs(unbind(x, y, algebra=algebra) - directly_unbound(x, y, algebra))) <= 1e-12 * scale


# ------------------------------------------------------------------------------------------------------------ the laws


@every_algebra
@every_length
def test_binding_commutes_and_associates(algebra, n_units):
    x, y, z = some(algebra, 3, n_units)
    np.testing.assert_allclose(bind(x, y, algebra=algebra), bind(y, x, algebra=algebra), atol=1e-12)
    left = bind(bind(x, y, algebra=algebra), z, algebra=algebra)
    right = bind(x, bind(y, z, algebra=algebra), algebra=algebra)
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(bind(x, y, z, algebra=algebra), left, rtol=1e-10, atol=1e-10)


@every_algebra
@every_length
def test_the_identity_changes_nothing_and_is_its_own_inverse(algebra, n_units):
    x, one = some(algebra, n_units), identity(n_units, algebra)
    np.testing.assert_allclose(bind(x, one, algebra=algebra), x, atol=1e-12)
    np.testing.assert_allclose(inverse(one, algebra), one, atol=1e-12)


@every_algebra
@every_length
def test_binding_is_linear(algebra, n_units):
    x, y, z = some(algebra, 3, n_units)
    together = bind(bundle(2.5 * x, y, algebra=algebra), z, algebra=algebra)
    apart = bundle(2.5 * bind(x, z, algebra=algebra), bind(y, z, algebra=algebra), algebra=algebra)
    np.testing.assert_allclose(together, apart, rtol=1e-10, atol=1e-10)


@every_algebra
@every_length
def test_unitary_keys_invert_exactly_and_keep_lengths(algebra, n_units):
    keys, x = random_keys(5, n_units, algebra=algebra, random_state=1), some(algebra, 5, n_units)
    bound = bind(keys, x, algebra=algebra)
    np.testing.assert_allclose(unbind(bound, keys, algebra=algebra), x, atol=1e-12)
    np.testing.assert_allclose(bind(bound, inverse(keys, algebra), algebra=algebra), x, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(bound, axis=1), np.linalg.norm(x, axis=1), rtol=1e-12)
    np.testing.assert_allclose(ALGEBRAS[algebra].power(keys), 1.0, rtol=1e-12)
    np.testing.assert_allclose(unitary(keys, algebra), keys, atol=1e-12)


@every_algebra
def test_any_vector_has_an_exact_inverse_and_one_that_never_amplifies(algebra):
    x = some(algebra, 4, 32)
    one = bind(x, inverse(x, algebra, exact=True), algebra=algebra)
    np.testing.assert_allclose(one, np.broadcast_to(identity(32, algebra), one.shape), atol=1e-9)
    np.testing.assert_array_equal(inverse(inverse(x, algebra), algebra).round(12), x.round(12))
    np.testing.assert_allclose(np.linalg.norm(inverse(x, algebra)), np.linalg.norm(x))


@every_algebra
def test_unitary_is_the_nearest_of_unitary_vectors(algebra):
    x = some(algebra, 32)
    nearest = np.linalg.norm(x - unitary(x, algebra))
    others = random_keys(200, 32, algebra=algebra, random_state=3)
    assert np.all(np.linalg.norm(x - others, axis=1) >= nearest)


@every_algebra
def test_superposing_is_bundling_what_is_bound(algebra):
    keys, values = some(algebra, 2, 300, 40)
    weights = np.random.default_rng(2).uniform(-1.0, 2.0, 300)
    bound = bind(keys, values, algebra=algebra)
    np.testing.assert_allclose(superpose(keys, values, algebra), bundle(bound, algebra=algebra), atol=1e-10)
    weighted = bundle(weights[:, None] * bound, algebra=algebra)
    np.testing.assert_allclose(superpose(keys, values, algebra, weights=weights), weighted, atol=1e-10)
    np.testing.assert_array_equal(superpose(keys[:0], values[:0], algebra), 0 * bound[0])


@every_algebra
def test_blocks_change_nothing(algebra, monkeypatch):
    keys, values = some(algebra, 2, 100, 24)
    whole = [f(keys, values, algebra=algebra) for f in (bind, unbind, superpose)]
    monkeypatch.setattr(binding, "_CACHE", 1)
    for f, expected in zip((bind, unbind, superpose), whole, strict=True):
        np.testing.assert_allclose(f(keys, values, algebra=algebra), expected, atol=1e-12)


@every_algebra
def test_batches_broadcast(algebra):
    x, y, z = some(algebra, 3, 4, 16), some(algebra, 4, 16, seed=1), some(algebra, 16, seed=2)
    for a, b in [(x, y), (y, x), (x, z), (z, y), (x, x), (x[:, :1], y[None]), (x[:1], x)]:
        found = bind(a, b, algebra=algebra)
        a, b = np.broadcast_arrays(a, b)
        assert found.shape == a.shape
        for place in np.ndindex(a.shape[:-1]):
            np.testing.assert_allclose(found[place], directly_bound(a[place], b[place], algebra), atol=1e-10)


@every_algebra
def test_permuting_is_undone_and_keeps_sums_and_products_of_spectra(algebra):
    x, y = some(algebra, 2, 16)
    np.testing.assert_array_equal(permute(permute(x, 3, algebra), -3, algebra), x)
    order = np.random.default_rng(0).permutation(16)
    np.testing.assert_array_equal(permute(x, order, algebra), x[order])
    np.testing.assert_array_equal(permute(permute(x, order, algebra), np.argsort(order), algebra), x)
    np.testing.assert_array_equal(permute(x, 16 + 5, algebra), np.roll(x, 5))
    np.testing.assert_array_equal(permute(x + y, 2, algebra), permute(x, 2, algebra) + permute(y, 2, algebra))


def test_shifts_go_through_convolution_and_permutations_through_products():
    x, y = some("hrr", 2, 16)
    np.testing.assert_allclose(permute(bind(x, y)), bind(permute(x), y), atol=1e-12)
    x, y = some("map", 2, 16)
    np.testing.assert_allclose(
        permute(bind(x, y, algebra="map"), algebra="map"),
        bind(permute(x, algebra="map"), permute(y, algebra="map"), algebra="map"),
    )


def test_one_algebra_is_the_fourier_domain_of_the_other():
    x, y = some("hrr", 2, 16)
    spectrum = np.fft.fft(bind(x, y))
    np.testing.assert_allclose(spectrum, bind(np.fft.fft(x), np.fft.fft(y), algebra="fhrr"), atol=1e-12)


def test_an_algebra_is_added_by_one_record():
    hadamard = np.ones((1, 1))
    while len(hadamard) < 16:
        hadamard = np.kron(hadamard, [[1, 1], [1, -1]])
    walsh = Algebra(
        lambda vectors: vectors @ hadamard,
        lambda spectra, n_units: spectra @ hadamard / n_units,
        lambda n_units: 1.0,
    )
    keys, x = random_keys(3, 16, algebra=walsh, random_state=0), some("map", 3, 16)
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1.0)
    np.testing.assert_allclose(unbind(bind(keys, x, algebra=walsh), keys, algebra=walsh), x)
    np.testing.assert_allclose(bind(x, identity(16, walsh), algebra=walsh), x)


# ---------------------------------------------------------------------------------------------------- spread spectrum


@every_algebra
def test_spreading_is_a_sum_of_codes_and_orthogonal_ones_are_told_apart_exactly(algebra):
    codes = np.linalg.qr(some(algebra, 16, 16))[0][:5] * 3.0
    bits = np.random.default_rng(0).choice([-1.0, 1.0], size=(7, 2, 5))
    signal = spread(bits, codes, algebra)
    np.testing.assert_allclose(signal, np.sum(bits[..., None] * codes, axis=-2), atol=1e-12)
    np.testing.assert_allclose(despread(signal, codes, algebra), bits, atol=1e-12)


def test_a_code_of_zeros_hears_nothing():
    np.testing.assert_array_equal(despread([1.0, 2.0], [[0.0, 0.0], [1.0, 0.0]]), [0.0, 1.0])


# --------------------------------------------------------------------------------------------------------- statistics


@every_algebra
@pytest.mark.parametrize("is_unitary", [True, False])
def test_random_keys_have_power_one_and_resemble_each_other_by_chance_only(algebra, is_unitary):
    # 300 keys, 44,850 pairs: their mean square cosine is 1 / (freedom n) within 4.9 sd, wrong once in a million.
    n_units, record = 200, ALGEBRAS[algebra]
    keys = random_keys(300, n_units, algebra=algebra, unitary=is_unitary, random_state=0)
    assert keys.dtype == (np.complex128 if record.is_complex else np.float64)
    power = record.power(keys)[:, 0]
    mean_power = abs(power.mean() - 1.0)
    assert mean_power <= (1e-12 if is_unitary else ONE_MILLION_TO_ONE * math.sqrt(2 / (300 * n_units)))
    cosines = similarity(keys, keys, algebra)[np.triu_indices(300, 1)]
    expected = 1.0 / (record.freedom * n_units)
    spread_of_mean = expected * math.sqrt(2.0 / len(cosines))
    assert abs(np.mean(cosines**2) - expected) <= 1.2 * ONE_MILLION_TO_ONE * spread_of_mean


@every_algebra
def test_what_is_bound_resembles_neither(algebra):
    # 3 x 400 cosines of standard deviation 1 / sqrt(freedom n): beyond 6 sd once in a million such tests.
    keys, values = (random_keys(400, 256, algebra=algebra, random_state=seed) for seed in (0, 1))
    bound = bind(keys, values, algebra=algebra)
    limit = 6.5 / math.sqrt(256 * ALGEBRAS[algebra].freedom)
    for other in (keys, values):
        cosines = [similarity(b, o, algebra) for b, o in zip(bound, other, strict=True)]
        assert np.max(np.abs(cosines)) < limit


@every_algebra
def test_keys_are_drawn_by_their_seed(algebra):
    options = {"algebra": algebra, "random_state": 3}
    np.testing.assert_array_equal(random_keys(2, 9, **options), random_keys(2, 9, **options))
    single = random_keys(2, 9, dtype="float32", **options)
    for dtype in (np.float32, np.dtype("f4")):
        np.testing.assert_array_equal(random_keys(2, 9, dtype=dtype, **options), single)
    np.testing.assert_array_equal(random_keys(2, 9, dtype=float, **options), random_keys(2, 9, **options))
    assert single.dtype == ("complex64" if ALGEBRAS[algebra].is_complex else "float32")
    np.testing.assert_allclose(single, random_keys(2, 9, **options), rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------------------------------------ types and places


def everything(algebra, x, y, z):
    """Results of every function, by name."""
    return {
        "bind": bind(x, y, z, algebra=algebra),
        "bind one": bind(x[0, :], y, algebra=algebra),
        "unbind": unbind(x, y, algebra=algebra),
        "bundle": bundle(x, y, algebra=algebra),
        "bundle rows": bundle(x, algebra=algebra),
        "superpose": superpose(x, y, algebra),
        "superpose nothing": superpose(x[:0, :], y[:0, :], algebra),
        "permute": permute(x, 3, algebra),
        "permute order": permute(x, list(range(x.shape[-1]))[::-1], algebra),
        "inverse": inverse(x, algebra),
        "exact inverse": inverse(x, algebra, exact=True),
        "unitary": unitary(x, algebra),
        "similarity": similarity(x, y, algebra),
        "despread": despread(x, y, algebra),
        "spread": spread(y[:, : x.shape[0]], x, algebra),
    }


@every_algebra
@pytest.mark.parametrize("single", [False, True])
def test_the_same_numbers_in_the_same_type_everywhere(algebra, single, place):
    vectors = [some(algebra, 5, 12, seed=seed, single=single) for seed in range(3)]
    expected = everything(algebra, *vectors)
    found = {key: place.get(each) for key, each in everything(algebra, *map(place.put, vectors)).items()}
    real = {"similarity", "despread"}
    for key, each in expected.items():
        kind = "c" if ALGEBRAS[algebra].is_complex and key not in real else "f"
        assert each.dtype == {"f": "float32", "c": "complex64"}[kind] if single else {"f": "f8", "c": "c16"}[kind], key
        assert found[key].dtype == each.dtype, key
        np.testing.assert_allclose(found[key], each, rtol=1e-3 if single else 1e-9, atol=1e-5 if single else 1e-12)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "int64", "float16"])
def test_what_is_no_float_is_computed_in_double_precision(dtype):
    x = np.asarray([[1, 0, 1], [1, 1, 0]] * 200).astype(dtype)
    for algebra in ALGEBRAS:
        assert bundle(x, algebra=algebra)[0] == 400  # beyond eight bits
        assert bind(x, x, algebra=algebra).dtype in ("float64", "complex128")


def test_mixed_types_go_by_the_wider():
    single, double = some("hrr", 4, single=True), some("hrr", 4)
    assert bind(single, double).dtype == "float64"
    assert unbind(double, single).dtype == "float64"
    assert spread([1, -1], [single, single]).dtype == "float64"
    assert bind(single, some("fhrr", 4, single=True), algebra="fhrr").dtype == "complex64"


@every_algebra
def test_input_is_left_alone(algebra):
    x, y, z = (some(algebra, 5, 12, seed=seed) for seed in range(3))
    before = [each.copy() for each in (x, y, z)]
    everything(algebra, x, y, z)
    bundle(x, algebra=algebra)[...] = 0
    for each, old in zip((x, y, z), before, strict=True):
        np.testing.assert_array_equal(each, old)


# ------------------------------------------------------------------------------------------------------- odd input


@every_algebra
def test_vectors_of_zeros_and_of_extreme_size(algebra):
    zero, x = np.zeros(8), some(algebra, 8)
    assert similarity(zero, x, algebra) == 0.0
    np.testing.assert_array_equal(bind(zero, x, algebra=algebra), zero)
    np.testing.assert_allclose(unitary(zero, algebra), identity(8, algebra), atol=1e-12)
    for scale in (1e-200, 1e200):
        assert similarity(scale * x, [x, -x], algebra) == pytest.approx([1.0, -1.0])


@pytest.mark.parametrize("algebra", ALGEBRAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_similarity_is_never_more_than_one(algebra, dtype):
    keys = random_keys(200, 37, algebra=algebra, unitary=False, random_state=0, dtype=dtype)
    found = similarity(np.concatenate([keys, -keys]), keys, algebra=algebra)
    assert found.max() <= 1.0
    assert found.min() >= -1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bind([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError, "n_units differ: {'x': 2, 'y': 3}"),
        (lambda: bind([1.0] * 4, [1.0] * 5), ValueError, "n_units differ: {'x': 4, 'y': 5}"),  # spectra of one length
        (lambda: bind([1.0], [1.0] * 5), ValueError, "n_units differ: {'x': 1, 'y': 5}"),  # would broadcast
        (lambda: bind([1j, 2], [1.0, 2.0]), ValueError, "x is complex; expected real vectors. Use algebra='fhrr'"),
        (lambda: bind([1.0], [1.0], algebra="tensor"), ValueError, "algebra='tensor' is not an option; .*'hrr'"),
        (lambda: bind([1.0], [1.0], algebra=None), ValueError, "algebra=None is not an option"),
        (lambda: bind(["a"], ["b"]), ValueError, "x has entries of type <U1; expected numbers"),
        (lambda: bind([1.0], "hrr"), ValueError, "y has entries of type"),
        (lambda: bind([None], [1.0]), ValueError, "x has entries of type object"),
        (lambda: bind(1.0, 2.0), ValueError, r"x has shape \(\); expected"),
        (lambda: bind([], []), ValueError, r"x has shape \(0,\)"),
        (lambda: bind(np.ones((2, 3)), np.ones((4, 3))), ValueError, r"shapes \(2,\) and \(4,\) do not broadcast"),
        (lambda: bundle(), TypeError, "found no vectors"),
        (lambda: bundle([1.0, 2.0]), ValueError, "found one vector"),
        (lambda: superpose(np.ones((2, 3)), np.ones((3, 3))), ValueError, r"keys have shape \(2, 3\), values \(3, 3\)"),
        (lambda: superpose([[1.0]], [[1.0]], weights=[1.0, 2.0]), ValueError, r"weights have shape \(2,\)"),
        (lambda: permute([1.0, 2.0], 1.5), TypeError, "shifts=1.5 is a float; expected an integer, or a permutation"),
        (lambda: permute([1.0, 2.0], True), TypeError, "shifts=True"),
        (lambda: permute([1.0, 2.0], [0, 0]), ValueError, "no permutation"),
        (lambda: permute([1.0, 2.0], [0, 1, 2]), ValueError, "3 entries; expected 2"),
        (lambda: permute([1.0, 2.0], "10"), TypeError, "shifts='10'"),
        (lambda: spread([1, -1, 1], np.ones((2, 4))), ValueError, "one code for each bit"),
        (lambda: spread([1], [1.0, 1.0]), ValueError, r"codes \(2,\); expected"),
        (lambda: spread([1], [[1j, 1.0]]), ValueError, "codes is complex"),
        (lambda: despread([1.0, 2.0], [1.0, 2.0]), ValueError, "a code for each user"),
        (lambda: despread([1.0], np.ones((2, 4))), ValueError, "n_units differ"),
        (lambda: random_keys(0, 4), ValueError, "n_keys=0 is out of range"),
        (lambda: random_keys(2, 4.0), TypeError, "n_units=4.0 is a float"),
        (lambda: random_keys(2, 4, random_state=-1), ValueError, "random_state=-1 is no seed"),
        (lambda: random_keys(2, 4, dtype="int8"), ValueError, "dtype='int8' is not an option"),
        (lambda: random_keys(2, 4, dtype=np.int8), ValueError, "dtype='int8' is no.*expected one of 'float64'"),
        (lambda: random_keys(2, 4, dtype=None), ValueError, "dtype=None is not an option"),
        (lambda: random_keys(2, 4, dtype="number"), ValueError, "dtype='number' is not an option"),
        (lambda: identity(-1), ValueError, "n_units=-1 is out of range"),
        (lambda: inverse([1.0], exact="yes"), ValueError, "exact='yes' is not an option"),
    ],
)
def test_what_cannot_be_bound_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
