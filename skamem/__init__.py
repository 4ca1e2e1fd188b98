"""Associative memory for scikit-learn: store patterns, recall them from noisy or partial cues, classify, regress."""

from skamem._version import __version__
from skamem.generative import (
    BoltzmannMachine,
    DeepBeliefClassifier,
    DeepBeliefNetwork,
    DeepBeliefRegressor,
    RestrictedBoltzmannMachine,
)
from skamem.impute import AssociativeImputer
from skamem.memory import (
    BidirectionalMemory,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    KernelMemory,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    WillshawMemory,
)
from skamem.preprocessing import BipolarEncoder, HierarchicalVectorQuantizer, InvariantProjection
from skamem.sparse import (
    IHTClassifier,
    IHTRegressor,
    IHTRegressorCV,
    IHTSparseCoder,
    StabilitySelection,
    SupportSelector,
)
from skamem.structures import AssemblyClassifier, AssemblyMemory, FiniteStateMemory, HolographicMemory, SequenceMemory
from skamem.supervised import (
    CompositionalRegressor,
    DenseAMClassifier,
    DenseAMRegressor,
    LayerwiseClassifier,
    LayerwiseRegressor,
    MagnitudePruning,
    MemoryClassifier,
)

__all__ = [
    "AssemblyClassifier",
    "AssemblyMemory",
    "AssociativeImputer",
    "BidirectionalMemory",
    "BipolarEncoder",
    "BoltzmannMachine",
    "CompositionalRegressor",
    "DeepBeliefClassifier",
    "DeepBeliefNetwork",
    "DeepBeliefRegressor",
    "DenseAMClassifier",
    "DenseAMRegressor",
    "DenseMemory",
    "FiniteStateMemory",
    "HebbianMemory",
    "HierarchicalVectorQuantizer",
    "HolographicMemory",
    "HopfieldNetwork",
    "IHTClassifier",
    "IHTRegressor",
    "IHTRegressorCV",
    "IHTSparseCoder",
    "InvariantProjection",
    "KernelMemory",
    "LayerwiseClassifier",
    "LayerwiseRegressor",
    "MagnitudePruning",
    "MemoryClassifier",
    "ModernHopfieldMemory",
    "PseudoinverseMemory",
    "RestrictedBoltzmannMachine",
    "SequenceMemory",
    "StabilitySelection",
    "SupportSelector",
    "WillshawMemory",
    "__version__",
]
