"""What `MemoryClassifier` can do where its memory can."""

from sklearn.utils import get_tags

from skamem.core.merging import MergeableEstimator
from skamem.memory import PseudoinverseMemory

__all__ = ["learns_in_pieces", "merges", "takes_nan"]


def _memory_of(classifier):
    return PseudoinverseMemory() if classifier.memory is None else classifier.memory


def learns_in_pieces(classifier):
    memory = _memory_of(classifier)
    if hasattr(memory, "partial_fit"):
        return True
    raise AttributeError(
        f"MemoryClassifier has partial_fit where its memory has it; found memory={memory!r}. Use fit on all samples, "
        "or a memory such as HebbianMemory or ModernHopfieldMemory."
    )


def merges(classifier):
    memory = _memory_of(classifier)
    if isinstance(memory, MergeableEstimator):
        return True
    raise AttributeError(
        f"MemoryClassifier has merge where its memory has it; found memory={memory!r}. Use fit on all samples, or a "
        "memory such as HebbianMemory or ModernHopfieldMemory."
    )


def takes_nan(memory):
    memory = PseudoinverseMemory() if memory is None else memory
    return hasattr(memory, "__sklearn_tags__") and get_tags(memory).input_tags.allow_nan
