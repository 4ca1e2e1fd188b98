"""Boltzmann machines: generative models of binary and real features."""

from skamem.generative._annealing import LogPartition
from skamem.generative._boltzmann import BoltzmannMachine
from skamem.generative._rbm import RestrictedBoltzmannMachine

__all__ = ["BoltzmannMachine", "LogPartition", "RestrictedBoltzmannMachine"]
