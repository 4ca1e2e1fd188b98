"""Encoders: real-valued data as patterns that binary memories can store, as few codes, or without a nuisance."""

from skamem.preprocessing._bipolar import BipolarEncoder
from skamem.preprocessing._invariant import InvariantProjection
from skamem.preprocessing._quantizer import HierarchicalVectorQuantizer

__all__ = ["BipolarEncoder", "HierarchicalVectorQuantizer", "InvariantProjection"]
