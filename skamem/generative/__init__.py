"""Boltzmann machines: generative models of binary and real features."""

from skamem.generative._annealing import LogPartition
from skamem.generative._belief import DeepBeliefNetwork
from skamem.generative._belief_classifier import DeepBeliefClassifier
from skamem.generative._belief_regressor import DeepBeliefRegressor
from skamem.generative._boltzmann import BoltzmannMachine
from skamem.generative._from_hopfield import hopfield_to_rbm
from skamem.generative._rbm import RestrictedBoltzmannMachine

__all__ = [
    "BoltzmannMachine",
    "DeepBeliefClassifier",
    "DeepBeliefNetwork",
    "DeepBeliefRegressor",
    "LogPartition",
    "RestrictedBoltzmannMachine",
    "hopfield_to_rbm",
]
