"""Three solvers of one problem: equal in the limit, and the Neumann series exactly what theory says on the way."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skamem.core import least_squares
from skamem.core.least_squares import (
    SOLVERS,
    cholesky,
    cholesky_solve,
    invert_gram,
    moments,
    neumann,
    reduced,
    svd,
)

EPS = np.finfo(float).eps
SHAPES = {"wide": (6, 15), "tall": (15, 6), "square": (8, 8)}


@pytest.fixture(params=SHAPES)
def X(request):
    rng = np.random.default_rng(1)
    n_patterns, n_units = SHAPES[request.param]
    U, _, Vt = np.linalg.svd(rng.standard_normal((n_patterns, n_units)), full_matrices=False)
    return U * np.linspace(1.0, 2.0, min(n_patterns, n_units)) @ Vt  # condition 2: the series converges soon


def targets(X, n_outputs=3):
    return np.random.default_rng(2).standard_normal((len(X), n_outputs))


def converged(solver):
    return {"n_layers": 400} if solver == "neumann" else {}


@pytest.mark.parametrize("alpha", [0.0, 1e-2])
@pytest.mark.parametrize("n_rows", [3, 7, 200])
@pytest.mark.parametrize("n_outputs", [None, 2, 9])
def test_reduced_rows_far_from_zero(n_rows, n_outputs, alpha):
    """Far from 0, in any units, in blocks: to the digits of one decomposition, of which a Gram matrix has half."""
    X = (np.random.default_rng(0).standard_normal((n_rows, 5)) + 1e5) * [0.1, 1.0, 1.0, 10.0, 1.0]
    Y = None if n_outputs is None else targets(X, n_outputs)
    held = None
    for rows in np.array_split(np.arange(n_rows), 3):
        held = reduced(X[rows], None if Y is None else Y[rows], held)
    R, Z = held
    assert len(R) <= 5
    found, expected = svd(R, R if Y is None else Z, alpha=alpha), svd(X, X if Y is None else Y, alpha=alpha)
    np.testing.assert_allclose(X @ found, X @ expected, rtol=1e-9, atol=1e-9 * np.abs(X @ expected).max())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_outputs", [None, 1, 5, 9])
@pytest.mark.parametrize("n_more", [1, 4, 50])
def test_a_triangle_takes_in_rows_one_by_one_or_many(place, n_outputs, n_more, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5 + 2 * n_more, 5)).astype(dtype)
    Y = None if n_outputs is None else targets(X, n_outputs).astype(dtype)
    held = None
    for rows in (slice(0, 5), slice(5, 5 + n_more), slice(5 + n_more, None)):
        before = None if held is None else [None if part is None else place.get(part).copy() for part in held]
        more = reduced(place.put(X[rows]), None if Y is None else place.put(Y[rows]), held)
        if held is not None:  # changed nothing that it was given
            for part, same in zip(held, before, strict=True):
                assert part is same is None or (place.get(part) == same).all()
        held = more
    R, Z = (None if part is None else place.get(part) for part in held)
    assert R.shape == (5, 5)
    assert R.dtype == dtype
    np.testing.assert_array_equal(R, np.triu(R))
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(R.T @ R, X.T @ X, atol=tolerance, rtol=tolerance)
    if Y is not None:
        np.testing.assert_allclose(R.T @ Z, X.T @ Y, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("unit", [1e-250, 1.0, 1e300])
@pytest.mark.parametrize("condition", [1.0, 1e6, 1e12, 1e14, 1e15, 1e30])
def test_a_triangle_is_solved_as_its_decomposition(condition, unit):
    """Without one where it is well-conditioned; with all singular values that count, and no others, in any case."""
    U, _, Vt = np.linalg.svd(np.random.default_rng(0).standard_normal((40, 6)), full_matrices=False)
    X = U * np.geomspace(1.0, 1.0 / condition, 6) @ Vt
    Y = X @ targets(X.T)
    R, Z = reduced(unit * X, unit * Y)
    np.testing.assert_allclose(X @ svd(R, Z, n_patterns=40), Y, atol=1e-12)
    projector = svd(R, R, n_patterns=40)
    np.testing.assert_allclose(projector, projector @ projector, atol=1e-9)
    assert abs(np.trace(projector) - np.count_nonzero(np.geomspace(1.0, 1.0 / condition, 6) > 4 * 40**0.5 * EPS)) < 1e-9


def test_reduced_rows_are_copies():
    X = np.ones((2, 5))
    R, Z = reduced(X, X[:, :1])
    R += 1.0
    Z += 1.0
    assert (X == 1.0).all()


@pytest.mark.parametrize("n_pieces", [1, 30, 1000])
@pytest.mark.parametrize("n_units", [3, 20])
def test_rounding_of_many_pieces_is_no_direction(n_units, n_pieces):
    rng, held = np.random.default_rng(0), None
    for _ in range(n_pieces):
        X = rng.standard_normal((100, n_units)) + 5.0
        X[:, -1] = X[:, :-1].sum(axis=1)
        held = reduced(X, X[:, :1], held)
    weights = svd(*held, n_patterns=100 * n_pieces)
    normal = np.r_[np.ones(n_units - 1), -1.0]  # no row lies along it: minimum norm has no part in it
    assert np.abs(normal @ weights).max() < 1e-9


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e300])
def test_units_of_any_size(unit):
    X = np.random.default_rng(0).standard_normal((12, 5))
    R, Z = reduced(unit * X, unit * targets(X))
    np.testing.assert_allclose(svd(R, Z), svd(X, targets(X)), rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_give_the_minimum_norm_least_squares_solution(solver, X):
    found = SOLVERS[solver](X, targets(X), **converged(solver))
    np.testing.assert_allclose(found, np.linalg.pinv(X) @ targets(X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_alpha_is_a_ridge_penalty(solver, X):
    found = SOLVERS[solver](X, targets(X), alpha=0.7, **converged(solver))
    expected = np.linalg.solve(X.T @ X + 0.7 * np.eye(X.shape[1]), X.T @ targets(X))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_moments_are_enough(X, alpha):
    found = moments(X.T @ X, X.T @ targets(X), alpha=alpha)
    np.testing.assert_allclose(found, svd(X, targets(X), alpha=alpha), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_patterns", [4, 40])
def test_dependent_patterns(n_patterns, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_patterns, 3)).astype(dtype) @ rng.standard_normal((3, 12)).astype(dtype)
    Y = targets(X).astype(dtype)
    expected = np.linalg.pinv(X.astype("float64"), rcond=1e-4) @ Y
    tolerance = 1e-8 if dtype == "float64" else 1e-3
    for found in (svd(X, Y), moments(X.T @ X, X.T @ Y), neumann(X, Y, n_layers=3000)):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    with pytest.raises(least_squares.LinAlgError, match="singular|not positive definite"):
        cholesky(X, Y)
    assert np.all(np.isfinite(cholesky(X, Y, alpha=1.0)))


@pytest.mark.parametrize("solver", ["svd", "neumann"])
def test_nothing_but_zeros_is_associated_with_nothing(solver):
    np.testing.assert_array_equal(SOLVERS[solver](np.zeros((2, 3)), np.ones((2, 2))), np.zeros((3, 2)))


# ------------------------------------------------------------------------------------- the Neumann series

cut_short = pytest.mark.filterwarnings("ignore:The Neumann series:sklearn.exceptions.ConvergenceWarning")


@cut_short
@pytest.mark.parametrize("n_layers", [1, 2, 7])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_neumann_is_gradient_descent_from_zero(X, n_layers, alpha):
    Y, step = targets(X), 0.2
    W = np.zeros((X.shape[1], Y.shape[1]))
    for _ in range(n_layers):
        W -= step * (X.T @ (X @ W - Y) + alpha * W)  # half the gradient of |XW - Y|² + alpha |W|²
    np.testing.assert_allclose(neumann(X, Y, alpha=alpha, n_layers=n_layers, step=step), W, rtol=1e-10, atol=1e-12)


@cut_short
@pytest.mark.parametrize("n_layers", [1, 2, 7])
def test_neumann_is_a_residual_network(X, n_layers):
    # Layer: Z <- Z + c (Y - X Xᵀ Z), the same weights in each; output Xᵀ Z.
    Y, step = targets(X), 0.2
    Z = np.zeros_like(Y)
    for _ in range(n_layers):
        Z = Z + step * (Y - X @ (X.T @ Z))
    np.testing.assert_allclose(neumann(X, Y, n_layers=n_layers, step=step), X.T @ Z, rtol=1e-10, atol=1e-12)


@cut_short
@pytest.mark.parametrize("n_layers", [1, 5, 20])
@pytest.mark.parametrize("step", [0.05, "auto", 0.45])
def test_the_error_falls_as_the_largest_contraction_to_the_power_of_layers(X, n_layers, step):
    singular = np.linalg.svd(X, compute_uv=False)
    c = 1.0 / singular[0] ** 2 if step == "auto" else step
    law = np.max(np.abs(1.0 - c * singular**2)) ** n_layers
    error = neumann(X, X, n_layers=n_layers, step=step) - np.linalg.pinv(X) @ X
    np.testing.assert_allclose(np.linalg.norm(error, 2), law, rtol=1e-8)


@cut_short
@pytest.mark.parametrize("n_layers", [1, 2, 3, 6])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_hyperpower_layers_double_the_terms(X, n_layers, alpha):
    options = {"alpha": alpha, "step": 0.1}
    found = neumann(X, targets(X), n_layers=n_layers, hyperpower=True, **options)
    np.testing.assert_allclose(found, neumann(X, targets(X), n_layers=2**n_layers, **options), rtol=1e-9, atol=1e-12)


@cut_short
@pytest.mark.parametrize("hyperpower", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_step_that_diverges_is_refused(X, hyperpower, alpha):
    limit = float(2.0 / (np.linalg.norm(X, 2) ** 2 + alpha))
    options = {"alpha": alpha, "hyperpower": hyperpower}
    assert np.all(np.isfinite(neumann(X, X, step=0.999 * limit, **options)))
    for step in (1.001 * limit, 0.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match=rf"step={step!r} does not converge; expected 0 < step < .*{limit:.3g}"):
            neumann(X, X, step=step, **options)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_layers", [12, 100, 10**9])
@pytest.mark.parametrize("shape", [(5, 20), (60, 20)])
def test_any_number_of_doubling_layers_is_safe_where_patterns_repeat(shape, n_layers, dtype):
    # Directions that are absent, but for rounding, were squared n_layers times: NaN.
    rng = np.random.default_rng(0)
    for _ in range(10):
        X = np.sign(rng.standard_normal(shape)).astype(dtype)
        X, Y = np.concatenate([X, X[:2]]), targets(np.empty(shape[0] + 2)).astype(dtype)
        tolerance = 1e-7 if dtype == "float64" else 2e-2
        expected = np.linalg.pinv(X.astype(float)) @ Y
        for found in (
            neumann(X, Y, n_layers=n_layers, hyperpower=True),
            least_squares.neumann_moments(X.T @ X, X.T @ Y, n_layers=n_layers, hyperpower=True),
        ):
            assert found.dtype == dtype
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("shape", [(8, 20), (30, 20)])
def test_a_series_cut_short_says_what_is_left(shape, unit):
    rng = np.random.default_rng(0)
    U, _, Vt = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    X = unit * U * np.geomspace(1.0, 1e-2, min(shape)) @ Vt
    with pytest.warns(ConvergenceWarning, match="n_layers=100 leaves the weights") as caught:
        found = neumann(X, X, n_layers=100)
    exact = svd(X, X)
    left = 100 * np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert f"leaves the weights {left:.2g} % away" in str(caught[0].message)
    neumann(X, X, n_layers=100_000)  # converged: no warning
    neumann(X, X, n_layers=20, hyperpower=True)


def tables():
    """Some directions of which are absent."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((30, 3))
    return {
        "a column twice": np.c_[A, A[:, :1]],
        "a column of zeros": np.c_[A, 0.0 * A[:, :1]],
        "rank 8": rng.standard_normal((30, 8)) @ rng.standard_normal((8, 20)),
        "rows twice": np.tile(rng.standard_normal((4, 12)), (2, 1)),
        "zeros": np.zeros((4, 3)),
    }


@cut_short
@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize(
    "options", [{"n_layers": 300}, {"n_layers": 30, "hyperpower": True}], ids=["series", "doubling"]
)
@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_a_series_has_no_unit(name, options, alpha):
    """Shares of absent directions were those of patterns of size 1, and grew beyond all numbers beside small ones."""
    X = tables()[name]
    Y = targets(X)
    expected, recalled = neumann(X, X, alpha=alpha, **options), neumann(X, Y, alpha=alpha, **options)
    assert np.isfinite(expected).all()
    for unit in (1e-153, 1e-145, 1e-8, 1e-4, 1e4, 1e150):
        own = options | {"alpha": alpha * unit * unit}
        np.testing.assert_allclose(neumann(unit * X, unit * X, **own), expected, atol=1e-9)
        np.testing.assert_allclose(unit * neumann(unit * X, Y, **own), recalled, atol=1e-9)
        np.testing.assert_allclose(neumann(unit * X, unit * Y, **own), recalled, atol=1e-9)
    for unit in (1e-15, 1e-4, 1e15):
        small = (unit * X).astype("float32")
        found = neumann(small, small, **options | {"alpha": alpha * unit * unit})
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_penalty_far_above_the_patterns():
    X, Y = 1e-150 * tables()["rank 8"], 1e150 * targets(tables()["rank 8"])
    for alpha in (1.0, 1e6):
        np.testing.assert_allclose(neumann(X, Y, alpha=alpha), X.T @ Y / alpha, rtol=1e-9)


# ------------------------------------------------------------------------------------------------ libraries


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_every_library_computes_the_same(place, solver, alpha):
    X = np.random.default_rng(0).standard_normal((6, 15))
    found = SOLVERS[solver](place.put(X), place.put(targets(X)), alpha=alpha)
    np.testing.assert_allclose(place.get(found), SOLVERS[solver](X, targets(X), alpha=alpha), rtol=1e-8, atol=1e-10)
    found = moments(place.put(X.T @ X), place.put(X.T @ targets(X)), alpha=alpha)
    np.testing.assert_allclose(place.get(found), moments(X.T @ X, X.T @ targets(X), alpha=alpha), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("n_patterns", [4, 40])
def test_every_library_notices_dependent_patterns(place, n_patterns):
    X = np.random.default_rng(0).standard_normal((n_patterns, 3)) @ np.ones((3, 12))
    with pytest.raises(least_squares.LinAlgError):
        cholesky(place.put(X), place.put(X))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cholesky_solve(place, dtype):
    root = np.random.default_rng(0).standard_normal((5, 5))
    gram, right = (root @ root.T + np.eye(5)).astype(dtype), np.ones((5, 2), dtype=dtype)
    found = place.get(cholesky_solve(place.put(gram), place.put(right)))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, cholesky_solve(gram, right), rtol=1e-3 if dtype == "float32" else 1e-10)
    np.testing.assert_allclose(gram @ found, right, rtol=1e-3 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("gram", [np.ones((3, 3)), np.diag([1.0, 1.0, -1.0]), np.diag([1.0, 1.0, 1e-20])])
def test_cholesky_solve_refuses_singular_and_indefinite_matrices(place, gram):
    for matrix in (gram, place.put(gram)):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite|singular"):
            cholesky_solve(matrix, matrix)
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite|singular"):
            cholesky_solve(1e-303 * matrix, matrix)


# ------------------------------------------------------------------------- recurrent net, residual net, and series


def recurrent_net(gram, step, n_steps):
    """One layer, run again and again on its own output."""
    Z = np.zeros_like(gram)
    for _ in range(n_steps):
        Z = Z + step * (np.eye(len(gram)) - gram @ Z)
    return Z


def residual_net(gram, step, n_layers):
    """Layers with skips, Y <- Y + F(Y), whose residual branches share their weights; their outputs are added up."""
    stream, total = np.eye(len(gram)), np.zeros_like(gram)
    for _ in range(n_layers):
        total = total + step * stream
        stream = stream - step * gram @ stream
    return total


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("share", [0.5, 1.0, 1.9])
@pytest.mark.parametrize("n_layers", [1, 2, 7, 40])
def test_recurrent_net_residual_net_and_neumann_series_are_one(alpha, share, n_layers):
    X = np.random.default_rng(0).standard_normal((6, 15))
    gram = X @ X.T + alpha * np.eye(6)
    step = share / np.linalg.norm(gram, 2)
    series = invert_gram(X, alpha=alpha, n_layers=n_layers, step=step)
    np.testing.assert_allclose(recurrent_net(gram, step, n_layers), series, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(residual_net(gram, step, n_layers), series, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("share", [0.5, 1.0, 1.9])
def test_with_the_condition_kept_the_error_falls_as_the_spectral_radius(share):
    X = np.random.default_rng(0).standard_normal((6, 30))
    gram = X @ X.T
    step = share / np.linalg.norm(gram, 2)
    radius = np.max(np.abs(np.linalg.eigvalsh(np.eye(6) - step * gram)))
    assert radius < 1
    n_layers = int(np.ceil(np.log(1e-8) / np.log(radius)))
    found = invert_gram(X, step=step, n_layers=n_layers)
    off = np.linalg.norm(found @ gram - np.eye(6), 2)
    assert off == pytest.approx(radius**n_layers, rel=1e-4)


def test_with_the_condition_violated_the_network_diverges_and_is_refused():
    X = np.random.default_rng(0).standard_normal((6, 30))
    gram = X @ X.T
    step = 2.02 / np.linalg.norm(gram, 2)
    radius = np.max(np.abs(np.linalg.eigvalsh(np.eye(6) - step * gram)))
    assert radius == pytest.approx(1.02)
    for n_layers in (10, 100, 1000):
        off = np.linalg.norm(recurrent_net(gram, step, n_layers) @ gram - np.eye(6), 2)
        assert off == pytest.approx(radius**n_layers, rel=1e-4)
    with pytest.raises(ValueError, match="does not converge"):
        invert_gram(X, step=step)


def test_inverse_of_every_library(place):
    X = np.random.default_rng(0).standard_normal((5, 12))
    found = place.get(invert_gram(place.put(X), n_layers=1000))
    np.testing.assert_allclose(found, np.linalg.inv(X @ X.T), rtol=1e-8)
    patterns = np.repeat(X, 2, axis=0)  # singular: the pseudoinverse
    found = place.get(invert_gram(place.put(patterns), n_layers=1000, hyperpower=True))
    np.testing.assert_allclose(found, np.linalg.pinv(patterns @ patterns.T), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_reduced_rows_stand_for_all(solver, alpha, pieces):
    U, _, Vt = np.linalg.svd(np.random.default_rng(5).standard_normal((60, 8)), full_matrices=False)
    X = U * np.linspace(1.0, 2.0, 8) @ Vt
    few, own = None, None
    for x, y in zip(np.array_split(X, pieces), np.array_split(targets(X), pieces), strict=True):
        few, own = reduced(x, y, few), reduced(x, None, own)
    assert few[0].shape == own[0].shape == (8, 8)
    assert own[1] is None
    expected = SOLVERS[solver](X, targets(X), alpha=alpha, **converged(solver))
    np.testing.assert_allclose(SOLVERS[solver](*few, alpha=alpha, **converged(solver)), expected, atol=1e-12)


def test_reduced_rows_keep_the_digits_that_a_gram_matrix_loses():
    """Of condition 1e10 the Gram matrix, of condition 1e20, knows nothing of the least direction."""
    U, _, Vt = np.linalg.svd(np.random.default_rng(6).standard_normal((50, 4)), full_matrices=False)
    X = U * np.asarray([1.0, 1.0, 1.0, 1e-10]) @ Vt
    few = None
    for x in np.array_split(X, 5):
        few = reduced(x, None, few)
    np.testing.assert_allclose(svd(few[0], few[0]), np.eye(4), atol=1e-4)
