"""Iterative magnitude pruning; users import it from `skamem` or `skamem.supervised`.

`FAMILIES` says how the weights of an estimator are named and trained under masks. A package of its own enters its
estimators there: ``FAMILIES[MyNetwork] = MyFamily``, a subclass of `Family`.
"""

from skamem.supervised.pruning._families import FAMILIES
from skamem.supervised.pruning._family import Family
from skamem.supervised.pruning._locality import mask_locality

__all__ = ["FAMILIES", "Family", "mask_locality"]
