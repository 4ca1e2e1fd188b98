"""Which estimators can be looked into as dense memories."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from skamem import DenseAMClassifier, HebbianMemory
from skamem.analysis._dense_view import dense_memory

X = np.random.RandomState(0).standard_normal((40, 6)) * [1, 2, 3, 1, 1, 5] + 4


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_networks_are_looked_into_as_the_memories_that_they_are(activation, n_classes):
    labels = np.arange(40) % n_classes
    network = MLPClassifier((5,), activation=activation, max_iter=30, random_state=0).fit(X, labels)
    memory = dense_memory(network)
    assert set(DenseAMClassifier().get_params()) == set(memory.get_params())
    assert np.array_equal(memory.predict(X), network.predict(X))


def test_other_estimators_are_refused():
    with pytest.raises(TypeError, match="HebbianMemory has no memories to look into; expected a fitted DenseAM"):
        dense_memory(HebbianMemory())
