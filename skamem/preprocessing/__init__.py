"""Encoders: real-valued data as patterns that binary memories can store, and as few codes."""

from skamem.preprocessing._bipolar import BipolarEncoder
from skamem.preprocessing._quantizer import HierarchicalVectorQuantizer

__all__ = ["BipolarEncoder", "HierarchicalVectorQuantizer"]
