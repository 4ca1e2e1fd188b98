"""Real cases of sparse regression: small inputs, the right value, and ours."""

import itertools
import warnings

import numpy as np
import scipy.optimize
from _real_cases import case, found, timed
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import OrthogonalMatchingPursuit
from sklearn.preprocessing import PolynomialFeatures
from sparse_problems import least_loss

import skamem
from skamem import IHTClassifier, IHTRegressor, IHTRegressorCV


def residual_loss(model, X, y):
    """‖y - prediction‖², the loss that a model has."""
    return float(np.sum((y - model.predict(X)) ** 2))


def _noisy(signal, seed=0):
    y = signal + 0.1 * np.random.default_rng(seed).standard_normal(len(signal))
    return y / np.linalg.norm(y)


def bumps():
    """A step from 80 Gaussian bumps of width .1 on 200 points of [0, 1]."""
    grid = np.linspace(0, 1, 200)
    return np.exp(-((grid[:, None] - np.linspace(0, 1, 80)) ** 2) / (2 * 0.1**2)), _noisy(1.0 * (grid > 0.5))


def decays():
    """A sum of two decays from 60 exponentials."""
    time = np.linspace(0, 5, 150)
    return np.exp(-time[:, None] * np.logspace(-1, 1, 60)), _noisy(np.exp(-0.5 * time) + np.exp(-3 * time))


def powers():
    """Polynomials of degree 5 in three variables on [1, 1.5]."""
    variables = np.random.default_rng(0).uniform(1, 1.5, (120, 3))
    return PolynomialFeatures(5, include_bias=False).fit_transform(variables), _noisy(variables[:, 0] * variables[:, 1])


def lags():
    """Thirty lags of a smooth series."""
    series = np.convolve(np.random.default_rng(0).standard_normal(400), np.hanning(60), "valid")
    X = np.lib.stride_tricks.sliding_window_view(series, 31)
    return X[:, :30], _noisy(X[:, 30])


def _worst_of_sizes(X, y, sizes):
    """(error of the reported loss, loss over OMP's), both the worst of some sizes."""
    reported, over = 0.0, 0.0
    for s in sizes:
        model = IHTRegressor(s).fit(X, y)
        loss = residual_loss(model, X, y)
        reported = max(reported, abs(model.path_.objective[-1] - loss) / loss)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            over = max(over, loss / residual_loss(OrthogonalMatchingPursuit(n_nonzero_coefs=s).fit(X, y), X, y))
    return reported, over


for design in (bumps, decays, powers, lags):

    @case(1, f"{design.__doc__.rstrip('.')}; sizes 1 to 15", "reported loss = loss to 1e-8; at most OMP's")
    def ill_conditioned(design=design):
        reported, over = _worst_of_sizes(*design(), range(1, 16))
        return f"error {reported:.1e}; {over:.3f} of OMP's", reported <= 1e-8 and over <= 1 + 1e-6


@case(1, "the same bumps, size 5: every exchange looked at", "swap_optimal_ only where none lowers the loss")
def swap_optimal():
    X, y = bumps()
    model = IHTRegressor(5).fit(X, y)
    here, support, best = residual_loss(model, X, y), model.support_, np.inf
    for i, j in itertools.product(range(len(support)), np.setdiff1d(np.arange(X.shape[1]), support)):
        A = np.c_[np.ones(len(X)), X[:, np.append(np.delete(support, i), j)]]
        best = min(best, float(np.sum((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2)))
    return f"{model.swap_optimal_}, best exchange {best / here:.4f}", not model.swap_optimal_ or best > here * (
        1 - 1e-6
    )


def _diabetes_rows(n=None):
    X, y = load_diabetes(return_X_y=True)
    return X[:n], y[:n]


@case(2, "IHTRegressor(5, warm_start=True), then size 3", "3 coefficients, loss of a cold fit")
def warm_start_smaller():
    X, y = _diabetes_rows()
    model = IHTRegressor(5, warm_start=True).fit(X, y).set_params(n_nonzero_coefs=3).fit(X, y)
    ratio = residual_loss(model, X, y) / residual_loss(IHTRegressor(3).fit(X, y), X, y)
    return f"{len(model.support_)} coefficients, {ratio:.4f} of it", len(model.support_) == 3 and ratio <= 1 + 1e-9


@case(2, "warm start None -> 2; 5 -> 3 on 20 rows; groups -> none; independent targets", "2, 3, 3, 3 members at most")
def warm_start_siblings():
    X, y = _diabetes_rows()
    two = np.c_[y, X[:, 0] * 50 + y[::-1]]
    sizes = [
        len(IHTRegressor(warm_start=True).fit(X, y).set_params(n_nonzero_coefs=2).fit(X, y).support_),
        len(IHTRegressor(5, warm_start=True).fit(X, y).set_params(n_nonzero_coefs=3).fit(X[:20], y[:20]).support_),
    ]
    grouped = IHTRegressor(2, groups=np.arange(10) // 2, warm_start=True).fit(X, y)
    sizes.append(len(grouped.set_params(groups=None, n_nonzero_coefs=3).fit(X, y).support_))
    independent = IHTRegressor(5, warm_start=True, multi_output="independent").fit(X, two)
    coefs = independent.set_params(n_nonzero_coefs=3).fit(X, two).coef_
    sizes.append(int((coefs != 0).sum(axis=1).max()))
    return str(sizes), sizes == [2, 3, 3, 3]


@case(3, "noise-free y of 3 of 50 columns, IHTRegressorCV(), 10 draws", "3 each time")
def noise_free():
    chosen = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((200, 50))
        model = IHTRegressorCV().fit(X, X[:, [3, 17, 40]] @ rng.uniform(1, 2, 3))
        chosen.append(model.n_nonzero_coefs_ if model.n_nonzero_coefs_ == len(model.support_) else -1)
    return str(chosen), chosen == [3] * 10


@case(4, "positive=True, 12 features, size 3, 40 problems, against all subsets by NNLS", "0 worse")
def positive():
    worse = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((30, 12)) @ (np.eye(12) + 0.5)
        y = X @ rng.standard_normal(12) + rng.standard_normal(30)
        A, b = X - X.mean(axis=0), y - y.mean()
        best = min(scipy.optimize.nnls(A[:, list(s)], b)[1] ** 2 for s in itertools.combinations(range(12), 3))
        worse += residual_loss(IHTRegressor(3, positive=True).fit(X, y), X, y) > best * (1 + 1e-8)
    return f"{worse} worse", worse == 0


@case(5, "column 5 = c * column 1, c of 1e-3 to 1e3, 400 draws", "the first of the two, 400 of 400")
def proportional():
    first = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((20, 6))
        X[:, 5] = X[:, 1] * rng.choice([1.0, -1.0, 1e-3, 0.3, 7.0, 1e3])
        y = 2 * X[:, 1] - X[:, 3] + 0.1 * rng.standard_normal(20)
        first += IHTRegressor(2).fit(X, y).support_.tolist() == [1, 3]
    return f"{first} of 400", first == 400


@case(5, "diabetes, columns times 10^(-6 .. 6), 20 draws", "the same support, 20 of 20")
def units():
    X, y = _diabetes_rows()
    wanted = IHTRegressor(4).fit(X, y).support_.tolist()
    draws = [10.0 ** np.random.default_rng(seed).integers(-6, 7, 10) for seed in range(20)]
    same = sum(IHTRegressor(4).fit(X * scales, y).support_.tolist() == wanted for scales in draws)
    return f"{same} of 20", same == 20


@case(6, "y = x0 x1 - 1e-7 x2 of products of 5 features, size 2", "both, as lstsq finds them")
def magnitudes():
    X = np.random.default_rng(0).standard_normal((200, 5))
    products = PolynomialFeatures(2, include_bias=False)
    table = products.fit_transform(X)
    model = IHTRegressor(2).fit(table, X[:, 0] * X[:, 1] - 1e-7 * X[:, 2])
    names = products.get_feature_names_out()[model.support_].tolist()
    return str(names), names == ["x2", "x0 x1"]


@case(6, "diabetes, y times 1e160 and 1e-160, size 3", "coefficients times that, or a clear error")
def extreme_targets():
    X, y = _diabetes_rows()
    wanted = IHTRegressor(3).fit(X, y).coef_
    answers = []
    for factor in (1e160, 1e-160):
        try:
            answers.append(bool(np.allclose(IHTRegressor(3).fit(X, y * factor).coef_ / factor, wanted, rtol=1e-6)))
        except ValueError:
            answers.append("refused")
    return str(answers), all(answers)


@case(6, "restricted_isometry of X times 1e200 and 1e-200", "as for X, or a clear error")
def extreme_isometry():
    from skamem.sparse import restricted_isometry

    X = np.random.default_rng(0).standard_normal((20, 8))
    wanted, answers = _numbers(restricted_isometry(X, 2)), []
    for factor in (1e200, 1e-200):
        try:
            answers.append(bool(np.allclose(_numbers(restricted_isometry(X * factor, 2)), wanted)))
        except ValueError:
            answers.append("refused")
    return str(answers), all(answers)


def _numbers(result):
    values = vars(result).values() if hasattr(result, "__dict__") else result if isinstance(result, tuple) else [result]
    return [float(value) for value in values if np.ndim(value) == 0 and isinstance(value, float | np.floating)]


@case(7, "y = (0, 2, 2, 1) of all 0/1 columns, three asked", "two columns, which fit exactly")
def exactly_fewer():
    X = np.array(list(itertools.product((0.0, 1.0), repeat=4)))[1:].T
    model = IHTRegressor(3, fit_intercept=False).fit(X, np.array([0.0, 2.0, 2.0, 1.0]))
    return f"{len(model.support_)} columns, loss {model.path_.objective[-1]:.1e}", len(model.support_) == 2


@case(8, "a selector that keeps exactly the support (diabetes)", "get_support() is support_")
def selector():
    kinds = [kind for name in skamem.__all__ if hasattr(kind := getattr(skamem, name), "get_support")]
    if not kinds:
        return "there is none", False
    X, y = _diabetes_rows()
    wanted = IHTRegressor().fit(X, y).support_.tolist()
    for kind in kinds:
        for arguments in ((), (IHTRegressor(),)):
            try:
                kept = kind(*arguments).fit(X, y).get_support(indices=True).tolist()
            except (TypeError, ValueError):
                continue
            if kept == wanted:
                return f"{kind.__name__}: {kept}", True
    return f"{[kind.__name__ for kind in kinds]} keep something else", False


@case(9, "IHTClassifier, weights 1/n instead of 1; AdaBoost with it", "the same support; AdaBoost fits")
def weights_of_one():
    X, y = make_classification(200, 20, n_informative=4, random_state=0)
    wanted = IHTClassifier().fit(X, y).support_.tolist()
    kept = IHTClassifier().fit(X, y, sample_weight=np.full(200, 1 / 200)).support_.tolist()
    score = AdaBoostClassifier(IHTClassifier(2), n_estimators=5).fit(X, y).score(X, y)
    return f"{len(kept)} of {len(wanted)} features; AdaBoost {score:.2f}", kept == wanted and score > 0.7


@case(9, "bootstrap weights against repeated rows, 40 x 90, 30 draws", "the same support, 30 of 30")
def bootstrap():
    same = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((40, 90))
        y = X[:, :3] @ [2.0, -1.5, 1.0] + rng.standard_normal(40)
        counts = np.bincount(rng.integers(0, 40, 40), minlength=40)
        repeated = np.repeat(np.arange(40), counts)
        weighted = IHTRegressor().fit(X, y, sample_weight=counts)
        same += weighted.support_.tolist() == IHTRegressor().fit(X[repeated], y[repeated]).support_.tolist()
    return f"{same} of 30", same == 30


@case(
    10, "2 of 5000 features, noise .5, n = 39, 100, 200, 6 draws each: default", "both found in 6, 6, 6 (EBIC: 4, 5, 6)"
)
def wide():
    counts = []
    for n in (39, 100, 200):
        hits = 0
        for seed in range(6):
            rng = np.random.default_rng(seed)
            X = rng.standard_normal((n, 5000))
            y = X[:, 7] - X[:, 77] + 0.5 * rng.standard_normal(n)
            hits += IHTRegressor().fit(X, y).support_.tolist() == [7, 77]
        counts.append(hits)
    return str(counts), counts[0] >= 3 and min(counts[1:]) >= 5


@case(10, "stability selection around any of our estimators", "an estimator")
def stability():
    return found(lambda name: "stabil" in name.lower())


@case(11, "groups and always_select by column name (DataFrame)", "the columns of those names")
def by_name():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    chosen = IHTRegressor(3, always_select=["sex"]).fit(X, y).support_names_.tolist()
    grouped = IHTRegressor(1, groups=lambda name: name[0]).fit(X, y).support_names_.tolist()
    return f"{chosen}; groups {grouped}", "sex" in chosen and len({name[0] for name in grouped}) == 1


@case(11, "a refit without names", "support_names_ and feature_names_in_ go")
def stale_names():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = IHTRegressor(3).fit(X, y).fit(X.to_numpy(), y)
    left = [name for name in ("support_names_", "feature_names_in_") if hasattr(model, name)]
    return f"left: {left}", not left


@case(11, "IHTRegressorCV, n = 60: seconds at 2000 and at 2001 features", "no cliff: ratio below 3")
def cliff():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2001))
    y = X[:, 0] - X[:, 5] + 0.5 * rng.standard_normal(60)
    narrow = timed(lambda: IHTRegressorCV().fit(X[:, :2000], y))
    wide_ = timed(lambda: IHTRegressorCV().fit(X, y))
    return f"{narrow:.2f} s, {wide_:.2f} s", max(narrow, wide_) < 3 * min(narrow, wide_)


@case(12, "predict_log_proba; predict_proba of rows 1e4 away", "there, finite or -inf; no warning")
def log_probabilities():
    X, y = load_iris(return_X_y=True)
    model = IHTClassifier(2).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sums = model.predict_proba(X * 1e4).sum(axis=1)
        logs = model.predict_log_proba(X)
    return f"sums 1 to {np.abs(sums - 1).max():.0e}", bool(np.allclose(np.exp(logs), model.predict_proba(X)))


@case(
    28,
    "cv where the weights of a fold's training rows are all 0, fold-wise and with groups",
    "a fit of the rest, coefficient 3",
)
def empty_fold():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 6))
    y = 3 * X[:, 2] + 0.01 * rng.standard_normal(40)
    weights = np.r_[np.ones(20), np.zeros(20)]
    folds = [
        (np.arange(20, 40), np.arange(20)),
        (np.arange(20), np.arange(20, 40)),
        (np.arange(0, 40, 2), np.arange(1, 40, 2)),
    ]
    coefs = []
    for options in ({}, {"groups": np.arange(6)}, {"positive": True}):
        try:
            model = IHTRegressorCV(cv=folds, **options).fit(X, y, sample_weight=weights)
            coefs.append(round(float(model.coef_[2]), 3))
        except ValueError as error:
            coefs.append(f"refused: {error}"[:40])
    return str(coefs), all(isinstance(value, str) or abs(value - 3) < 0.01 for value in coefs)


@case(
    29, "always_select beyond max_features, n_nonzero_coefs or the rows' room: 4 estimators", "one clear message each"
)
def too_many_selected():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 12)), rng.standard_normal(8)
    labels = np.arange(8) % 2
    many = list(range(10))
    tries = [
        (IHTRegressor(1, always_select=[3, 5]), y),
        (IHTRegressor(max_features=1, always_select=[3, 5]), y),
        (IHTRegressor(always_select=many), y),
        (IHTRegressorCV(1, always_select=[3, 5], cv=2), y),
        (IHTRegressorCV(always_select=many, cv=2), y),
        (IHTClassifier(1, always_select=[3, 5]), labels),
        (IHTClassifier(max_features=1, always_select=[3, 5]), labels),
        (IHTClassifier(always_select=many), labels),
    ]
    clear = 0
    for model, targets in tries:
        try:
            model.fit(X, targets)
        except ValueError as error:
            clear += "always_select" in str(error)
        except Exception:
            pass
    return f"{clear} of {len(tries)}", clear == len(tries)


@case(29, "exhaustive search beside the best subset, 10 features, size 4 (no fault)", "the least loss")
def exhaustive():
    X, y = _diabetes_rows()
    ratio = residual_loss(IHTRegressor(4).fit(X, y), X, y) / least_loss(X, y, 4)
    return f"{ratio:.8f} of it", ratio <= 1 + 1e-9
