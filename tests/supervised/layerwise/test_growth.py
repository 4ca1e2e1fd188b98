"""Growth: what a stage answers with where no ridge regression beats the readout with which its units learned."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_friedman1

from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.layerwise import _growth
from skamem.supervised.layerwise._losses import LogisticLoss, SquaredLoss

PLAN = _growth.Plan(
    n_stages=2, n_units=20, activation=RectifiedPolynomial(1), polynomial_degree=0, alpha="auto", deep=True,
    n_epochs=30, batch_size=32, learning_rate=0.03, noise="auto", n_cycles=20, patience=2, tolerance=1e-3,
)  # fmt: skip


def problem(loss):
    """Scaled features and targets, 40 of 200 rows held back; classes of the rows."""
    if loss.exact:
        X, y = make_friedman1(200, noise=0.3, random_state=0)
        targets, classes = ((y - y.mean()) / y.std())[:, None], None
    else:
        X, classes = make_classification(200, 10, n_informative=6, n_clusters_per_class=3, random_state=0)
        targets = np.eye(2)[classes]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X, targets, np.full(200, 1 / 200), 160, np.random.RandomState(0), classes


@pytest.mark.parametrize("loss", [SquaredLoss(), LogisticLoss()], ids=["squared", "logistic"])
def test_the_readout_of_the_descent_answers_where_no_penalty_is_better(loss, monkeypatch):
    growth = _growth.Growth(PLAN, loss, *problem(loss))
    assert growth.add(1)
    linear, held = growth.fit.loss, growth.records[-1]["validation"]

    def of_no_use(loss, outputs, factor, base, targets, share):
        alpha = 1e12 * factor.largest
        yield alpha, _growth.fit_one(loss, outputs, factor, alpha, None, base, targets, share, 1)

    monkeypatch.setattr(_growth, "ridge_path", of_no_use)
    assert growth.add(0)
    assert growth.fit.loss < linear
    assert growth.records[-1]["validation"] < 0.99 * held
    # Outputs that are carried along are those of the readouts, the constant among them.
    np.testing.assert_allclose(growth.features.combined(growth.fit.coefs), growth.fit.outputs, atol=1e-9)
    answered = loss.value(growth.features.combined(growth.records[-1]["coefs"]), growth.targets, growth.share)
    assert answered == pytest.approx(growth.fit.loss, rel=1e-9)


def test_what_chance_explains_is_dropped_at_the_end():
    X, targets, share, n_train, random_state, classes = problem(SquaredLoss())
    noise = np.random.RandomState(1).standard_normal(targets.shape)
    growth = _growth.Growth(PLAN, SquaredLoss(), X, noise, share, n_train, random_state, classes)
    for degree in growth.tasks():
        growth.add(degree)
    assert growth.n_counted == 1
    assert len(growth.counted) >= PLAN.patience
    assert not any(growth.counted)
    sure = _growth.Growth(PLAN, SquaredLoss(), X, targets, share, n_train, np.random.RandomState(0), classes)
    for degree in sure.tasks():
        sure.add(degree)
    assert sum(sure.counted) == sure.n_counted - 1 >= 1
