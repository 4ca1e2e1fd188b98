"""What joblib divides, searches and studies, runs on Dask's workers and gives the same numbers."""

import pytest
from distributed import get_worker
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV

from skamem import DenseMemory, HopfieldNetwork
from skamem.analysis import basin_profile, capacity_curve
from skamem.datasets import load_letters, make_patterns
from skamem.model_selection import StoredPatternsSplit, make_denoising_scorer


def search():
    scorer = make_denoising_scorer("mask", 0.3, random_state=0)
    grid = {"degree": [2, 3, 5]}
    letters = load_letters().data
    found = GridSearchCV(DenseMemory(random_state=0), grid, scoring=scorer, cv=StoredPatternsSplit(), n_jobs=2)
    return found.fit(letters).cv_results_["mean_test_score"]


def profile():
    patterns = make_patterns(3, 40, random_state=0)
    memory = HopfieldNetwork(random_state=0).fit(patterns)
    return basin_profile(memory, patterns, n_probes=50, random_state=0, n_jobs=2).to_frame().to_numpy()


def curve():
    found = capacity_curve(
        HopfieldNetwork(random_state=0), 40, n_patterns=[2, 4, 20], n_seeds=3, n_jobs=2, random_state=0
    )
    return found.to_frame().to_numpy()


def of_the_guide():
    return capacity_curve(HopfieldNetwork(), n_units=200, loads=[0.05, 0.1, 0.15], random_state=0).mean()


def assert_runs_alike(client):
    for task in (search, profile, curve, of_the_guide):
        with parallel_config("threading"):
            expected = task()
        with client.as_current(), parallel_config("dask"):
            found = task()
        assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
def test_searches_and_studies_on_workers(client):
    assert_runs_alike(client)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
def test_searches_and_studies_in_processes(cluster):
    assert_runs_alike(cluster)


@pytest.mark.parametrize("task", ["search", "study"])
def test_it_is_workers_that_are_asked(client, tmp_path, task):
    patterns = make_patterns(3, 40, random_state=0)

    class Telling(HopfieldNetwork):
        def score(self, X, y=None):
            self.tell()
            return super().score(X, y)

        def predict(self, X):
            self.tell()
            return super().predict(X)

        def tell(self):
            try:
                where = get_worker().address.replace("/", "_")
            except ValueError:
                where = "no worker"
            (tmp_path / where).touch()

    memory = Telling(random_state=0).fit(patterns)
    with client.as_current(), parallel_config("dask"):
        if task == "search":
            grid = {"n_recall_steps": [1, 5]}
            GridSearchCV(memory, grid, cv=StoredPatternsSplit(), refit=False).fit(patterns)
        else:
            basin_profile(memory, patterns, n_probes=50, random_state=0)
    asked = {path.name for path in tmp_path.iterdir()}
    assert asked
    assert "no worker" not in asked
