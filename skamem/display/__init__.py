"""Pictures of what estimators learned, drawn with matplotlib: scikit-learn's convention of displays."""

from skamem.display._support_path import SupportPathDisplay

__all__ = ["SupportPathDisplay"]
