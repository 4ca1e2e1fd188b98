"""Pictures of what estimators learned, drawn with matplotlib: scikit-learn's convention of displays."""

from skamem.display._basins import BasinDisplay, BasinMapDisplay
from skamem.display._capacity import CapacityDisplay
from skamem.display._chains import ChainDisplay
from skamem.display._composition import CompositionDisplay
from skamem.display._energy import EnergyDisplay
from skamem.display._likelihood import LikelihoodDisplay
from skamem.display._patterns import PatternsDisplay
from skamem.display._prototypes import PrototypeDisplay
from skamem.display._pruning_path import PruningPathDisplay
from skamem.display._support_path import SupportPathDisplay

__all__ = [
    "BasinDisplay",
    "BasinMapDisplay",
    "CapacityDisplay",
    "ChainDisplay",
    "CompositionDisplay",
    "EnergyDisplay",
    "LikelihoodDisplay",
    "PatternsDisplay",
    "PrototypeDisplay",
    "PruningPathDisplay",
    "SupportPathDisplay",
]
