"""Pictures of memories, drawn with matplotlib: scikit-learn's convention of displays."""

from skamem.display._patterns import PatternsDisplay
from skamem.display._prototypes import PrototypeDisplay

__all__ = ["PatternsDisplay", "PrototypeDisplay"]
