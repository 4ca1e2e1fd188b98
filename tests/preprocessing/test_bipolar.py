"""BipolarEncoder: codes of real features, and back."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skamem import BipolarEncoder, HebbianMemory, PseudoinverseMemory

METHODS = ["threshold", "median", "thermometer", "hyperplanes"]
every_method = pytest.mark.parametrize("method", METHODS)
every_output = pytest.mark.parametrize("output", ["bipolar", "binary"])
X = np.random.RandomState(0).standard_normal((60, 5)) * [1.0, 10.0, 0.1, 1.0, 3.0] + [0.0, 5.0, 0.0, -1.0, 0.0]
HOLES = np.where(np.random.RandomState(1).random_sample(X.shape) < 0.2, np.nan, X)


def encoder(method, **parameters):
    return BipolarEncoder(method, n_components=200, random_state=0, **parameters)


# ---------------------------------------------------------------------------------------------------- the codes


@every_output
@pytest.mark.parametrize("threshold", [0.0, 2.5])
def test_threshold_is_a_comparison(output, threshold):
    codes = BipolarEncoder(threshold=threshold, output=output).fit_transform(X)
    np.testing.assert_array_equal(codes, np.where(threshold < X, 1.0, -1.0 if output == "bipolar" else 0.0))


@pytest.mark.parametrize("n_samples", [59, 60])
def test_median_switches_half_of_the_samples_on(n_samples):
    fitted = BipolarEncoder("median").fit(X[:n_samples])
    np.testing.assert_array_equal(np.sum(fitted.transform(X[:n_samples]) == 1, axis=0), n_samples // 2)
    np.testing.assert_allclose(fitted.thresholds_[:, 0], np.median(X[:n_samples], axis=0), rtol=1e-14)
    unknown = HOLES[:n_samples]
    np.testing.assert_allclose(BipolarEncoder("median").fit(unknown).thresholds_[:, 0], np.nanmedian(unknown, axis=0))


def test_each_unit_of_a_thermometer_is_a_step_of_its_feature():
    codes = BipolarEncoder("thermometer", n_bits=7, output="binary").fit_transform(X).reshape(60, 5, 7)
    assert np.all(np.diff(codes, axis=2) <= 0)  # the lower units first
    step = np.ptp(X, axis=0) / 8
    level = np.minimum((X - X.min(axis=0)) // step, 7)
    np.testing.assert_array_equal(codes.sum(axis=2), level)
    distance = np.abs(codes[:, None] - codes[None, :]).sum(axis=3)
    np.testing.assert_array_less(np.abs(distance - np.abs(X[:, None] - X[None, :]) / step), 1 + 1e-9)


def test_hyperplanes_tell_angles():
    # A plane separates two samples with probability angle / pi. 2000 planes: five standard deviations of a fair coin
    # over 435 pairs, an error probability below 3e-4 for any seed.
    fitted = BipolarEncoder("hyperplanes", n_components=2000, random_state=0).fit(X[:30])
    codes, centred = fitted.transform(X[:30]), X[:30] - X[:30].mean(axis=0)
    direction = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    angle = np.arccos(np.clip(direction @ direction.T, -1, 1)) / np.pi
    differ = np.mean(codes[:, None] != codes[None, :], axis=2)
    assert np.abs(differ - angle).max() < 5 * 0.5 / np.sqrt(2000)


@every_method
def test_one_seed_is_one_code(method):
    np.testing.assert_array_equal(encoder(method).fit_transform(X), encoder(method).fit(X).transform(X))
    other = encoder(method).set_params(random_state=1).fit_transform(X)
    assert np.array_equal(encoder(method).fit_transform(X), other) == (method != "hyperplanes")


# ------------------------------------------------------------------------------------------------- and the way back


@every_output
@pytest.mark.parametrize("method", ["threshold", "median"])
def test_a_side_stands_for_its_mean(method, output):
    fitted = BipolarEncoder(method, output=output).fit(X)
    values = fitted.inverse_transform(fitted.transform(X))
    above = fitted.thresholds_[:, 0] < X
    for feature in range(5):
        for side in (above, ~above):
            mean = X[side[:, feature], feature].mean()
            np.testing.assert_allclose(values[side[:, feature], feature], mean)


@every_output
def test_a_thermometer_is_read_to_half_a_step(output):
    fitted = BipolarEncoder("thermometer", n_bits=15, output=output).fit(X)
    error = np.abs(fitted.inverse_transform(fitted.transform(X)) - X)
    assert np.all(error <= np.ptp(X, axis=0) / 16 / 2 * (1 + 1e-9))
    assert np.all(error.max(axis=0) > np.ptp(X, axis=0) / 16 / 4)


@every_output
def test_hyperplanes_are_read_by_least_squares(output):
    fitted = BipolarEncoder("hyperplanes", n_components=12, random_state=0, output=output).fit(X)
    codes = BipolarEncoder("hyperplanes", n_components=12, random_state=0).fit_transform(X)
    residual = fitted.inverse_transform(fitted.transform(X)) - X
    np.testing.assert_allclose(codes.T @ residual, 0.0, atol=1e-9)  # orthogonal to the codes
    assert np.mean(residual**2) < 0.5 * np.mean((X - X.mean(axis=0)) ** 2)


@every_method
@every_output
def test_recoding_a_decoded_value_gives_the_code(method, output):
    if method == "hyperplanes":
        pytest.skip("least squares makes no such promise")
    fitted = encoder(method, output=output).fit(X)
    codes = fitted.transform(X)
    np.testing.assert_array_equal(fitted.transform(fitted.inverse_transform(codes)), codes)


# ----------------------------------------------------------------------------------------------- unknown values


@pytest.mark.parametrize("method", METHODS[:3])
def test_unknown_values_are_unknown_units_and_back(method):
    fitted = encoder(method).fit(HOLES)
    n_bits = fitted.thresholds_.shape[1]
    codes = fitted.transform(HOLES)
    np.testing.assert_array_equal(np.isnan(codes), np.repeat(np.isnan(HOLES), n_bits, axis=1))
    np.testing.assert_array_equal(np.isnan(fitted.inverse_transform(codes)), np.isnan(HOLES))
    known = ~np.isnan(codes)
    np.testing.assert_array_equal(codes[known], fitted.transform(X)[known])


def test_hyperplanes_look_at_what_is_known():
    fitted = encoder("hyperplanes").fit(HOLES)
    np.testing.assert_allclose(fitted.mean_, np.nanmean(HOLES, axis=0))
    filled = np.where(np.isnan(HOLES), fitted.mean_, HOLES)
    np.testing.assert_array_equal(fitted.transform(HOLES), fitted.transform(filled))
    assert np.isnan(fitted.transform(np.full((1, 5), np.nan))).all()
    np.testing.assert_allclose(fitted.inverse_transform(np.full((1, 200), np.nan))[0], fitted.mean_)


@every_method
def test_features_that_say_nothing_do_no_harm(method):
    data = np.stack([np.full(6, 2.0), np.full(6, np.nan), np.arange(6.0)], axis=1)
    fitted = encoder(method).fit(data)
    codes = fitted.transform(data)
    assert np.isin(codes[~np.isnan(codes)], [-1.0, 1.0]).all()
    values = fitted.inverse_transform(codes)
    np.testing.assert_allclose(values[:, 0], 2.0)
    if method != "hyperplanes":
        assert np.isnan(values[:, 1]).all()


# ------------------------------------------------------------------------------------------------- in a pipeline


def noisy(images, level, random_state):
    return images + level * np.random.RandomState(random_state).standard_normal(images.shape)


@pytest.mark.parametrize("method", ["threshold", "thermometer"])
def test_noisy_digits_are_repaired(method):
    images = load_digits().data[:10] / 16.0
    code = BipolarEncoder(method, threshold=0.5).fit(images)
    memory = PseudoinverseMemory().fit(code.transform(images))
    cues = noisy(images, 0.25, random_state=0)
    cues[:, 48:] = np.nan  # and two rows of eight unknown
    repaired = code.inverse_transform(memory.transform(code.transform(cues)))
    clean = code.inverse_transform(code.transform(images))  # what the code can say
    assert np.mean(np.abs(repaired - clean).max(axis=1) < 1e-12) >= 0.9  # nine of ten come back without a fault
    spoiled = code.inverse_transform(code.transform(noisy(images, 0.25, random_state=0)))
    assert np.mean((repaired - images) ** 2) < 0.7 * np.mean((spoiled - images) ** 2)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("backend", [None, "torch"])
def test_pipelines_take_frames_in_and_out(backend):
    pd = pytest.importorskip("pandas")
    if backend:
        pytest.importorskip(backend)
    data = load_digits(as_frame=True)
    frame, labels = data.data.iloc[:200], data.target.iloc[:200]
    steps = [("code", BipolarEncoder("median", backend=backend)), ("recall", HebbianMemory(n_recall_steps=1))]
    pipeline = Pipeline([*steps, ("classify", LogisticRegression(max_iter=1000))]).set_output(transform="pandas")
    grid = {"code__method": ["median", "thermometer"], "recall__n_recall_steps": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(frame, labels)
    recalled = search.best_estimator_[:-1].transform(frame)
    assert isinstance(recalled, pd.DataFrame)
    assert recalled.index.equals(frame.index)
    coded = search.best_estimator_[0].transform(frame)
    assert recalled.columns.tolist() == coded.columns.tolist()
    assert coded.columns[0].startswith("pixel_0_0")


def test_names_of_the_units():
    assert BipolarEncoder().fit(X).get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3", "x4"]
    named = BipolarEncoder("thermometer", n_bits=2).fit(X[:, :2])
    assert named.get_feature_names_out(["a", "b"]).tolist() == ["a_0", "a_1", "b_0", "b_1"]
    planes = BipolarEncoder("hyperplanes", n_components=2).fit(X)
    assert planes.get_feature_names_out().tolist() == ["bipolarencoder0", "bipolarencoder1"]


# ------------------------------------------------------------------------------------------------ places and types


@every_method
@every_output
def test_codes_are_read_where_they_are(method, output, place, dispatched):
    here = encoder(method, output=output).fit(HOLES)
    codes = here.transform(HOLES)
    with dispatched():
        there = encoder(method, output=output).fit(place.put(HOLES))
        np.testing.assert_array_equal(place.get(there.transform(place.put(HOLES))), codes)
        values = place.get(there.inverse_transform(place.put(codes)))
        with pytest.raises(ValueError, match=r"inverse_transform\(\) must use the same namespace"):
            there.inverse_transform(codes)
    np.testing.assert_allclose(values, here.inverse_transform(codes), atol=1e-9)


@every_method
def test_codes_are_read_behind_the_other_door(method, fake_cupy):
    here = encoder(method).fit(HOLES)
    codes = here.transform(HOLES)
    with fake_cupy() as cupy:
        there = encoder(method, backend="cupy:1").fit(HOLES)
        values = there.inverse_transform(codes)
        assert cupy.cuda.Device() == cupy.cuda.Device(0)
    assert type(values) is np.ndarray
    np.testing.assert_allclose(values, here.inverse_transform(codes), atol=1e-9)


@every_method
def test_little_working_memory_changes_nothing(method):
    fitted = encoder(method).fit(HOLES)
    codes = fitted.transform(HOLES)
    with config_context(working_memory=1e-6):
        np.testing.assert_array_equal(fitted.transform(HOLES), codes)


@every_method
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_have_the_dtype_of_their_input(method, dtype):
    fitted = encoder(method).fit(X.astype(dtype))
    assert getattr(fitted, fitted._anchor).dtype == dtype
    for given in ("float32", "float64"):
        codes = fitted.transform(X.astype(given))
        assert codes.dtype == fitted.inverse_transform(codes).dtype == given


@every_method
def test_pickles_and_refits(method):
    fitted = encoder(method).fit(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), fitted.transform(X))
    for other in METHODS:
        again = encoder(other).fit(X).set_params(method=method).fit(X)
        assert vars(again).keys() == vars(fitted).keys()
        np.testing.assert_array_equal(again.transform(X), fitted.transform(X))


# --------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"method": "mean"}, ValueError, "method='mean' is not an option"),
        ({"output": "ternary"}, ValueError, "output='ternary' is not an option"),
        ({"threshold": "a"}, TypeError, "threshold='a' is a str; expected a number"),
        ({"n_bits": 0}, ValueError, "n_bits=0 is out of range"),
        ({"n_components": 1.5}, TypeError, "expected an integer"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        BipolarEncoder(**parameters).fit(X)


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="[Ss]parse"):
        BipolarEncoder().fit(scipy.sparse.csr_array(X))
    with pytest.raises(ValueError, match="infinity"):
        BipolarEncoder().fit(np.full((3, 2), np.inf))
    with pytest.raises(ValueError, match="X has 4 columns; expected 5, one for each unit"):
        BipolarEncoder().fit(X).inverse_transform(X[:, :4])
    with pytest.raises(NotFittedError):
        BipolarEncoder().inverse_transform(X)
