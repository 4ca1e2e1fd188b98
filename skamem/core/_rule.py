"""The record of a learning rule: what estimators must know of it. `skamem.core.rules` has the rules themselves."""

from collections.abc import Callable
from dataclasses import dataclass, field

from skamem.core import factors

__all__ = ["Rule"]


def _one(n_units):
    return 1.0


@dataclass(frozen=True)
class Rule:
    """A learning rule, and what estimators must know of it; a function of patterns, as the rule itself is.

    Parameters
    ----------
    weights : callable
        ``(patterns, **options) -> weights`` of shape (n_units, n_units), symmetric: the rule.
    options : tuple of str, default=()
        Keyword parameters of it that an estimator passes on, by the names of its own parameters.
    couplings : callable, default=None
        The same without the last factor, ``scale``, if that keeps whole numbers whole; None for `weights` itself.
    scale : callable
        ``n_units -> float``: what couplings are multiplied by to be weights. 1 unless given.
    additive : bool, default=False
        Whether couplings are sums over patterns. Then they are learnt in blocks of any size, in any order, and what is
        subtracted is forgotten.
    extend : callable, default=None
        ``(patterns, couplings) -> couplings`` with these patterns learnt, too, for a rule that is incremental without
        being additive. None: a rule that is not additive needs all patterns together.
    join : callable, default=None
        ``(couplings, couplings) -> couplings`` with the patterns of both learnt, where they are no sums. None: those of
        a rule that is not additive cannot be joined.
    factors : callable, default=None
        ``patterns -> Factors``: the same couplings as `skamem.core.factors.Factors`, for few patterns of many units;
        an `extend` beside it must take such couplings, too. None for a rule whose couplings are always a matrix.
    exact : bool, default=False
        Whether couplings of two-valued patterns are whole numbers, so that a tie is a field of exactly 0.
    error : callable, default=None
        ``eps -> float``: relative error of the weights, up to which a field is a tie (``noise`` of
        `skamem.core.fields.LinearField`). None for weights that are right to the last digit.
    capacity : callable, default=None
        ``n_units -> float``: the number of random patterns known to be the limit. None where none is known.
    remedy : str or callable, default=""
        What to do where patterns are lost; a callable is ``(n_patterns, n_units) -> str``.
    shortfall : callable, default=None
        ``(margins, **options) -> str or None``: what a rule that wants margins did not reach, with a remedy; `margins`
        are those of `stability_margins`. None for rules that want none.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.rules import RULES
    >>> RULES["hebbian"](np.asarray([[1.0, -1.0], [1.0, 1.0]]))
    array([[1., 0.],
           [0., 1.]])
    >>> [name for name, rule in RULES.items() if rule.is_incremental]
    ['hebbian', 'storkey', 'pseudoinverse']
    """

    weights: Callable
    options: tuple[str, ...] = ()
    couplings: Callable | None = None
    scale: Callable = field(default_factory=lambda: _one)
    additive: bool = False
    extend: Callable | None = None
    join: Callable | None = None
    factors: Callable | None = None
    exact: bool = False
    error: Callable | None = None
    capacity: Callable | None = None
    remedy: str | Callable = ""
    shortfall: Callable | None = None

    def __call__(self, patterns, **options):
        """Weights (n_units, n_units) from patterns (n_patterns, n_units)."""
        return self.weights(patterns, **options)

    @property
    def is_incremental(self):
        """Whether patterns may be learnt in pieces."""
        return self.additive or self.extend is not None

    @property
    def is_mergeable(self):
        """Whether what was learnt from some patterns and from others makes what is learnt from all."""
        return self.additive or self.join is not None

    def noise(self, weights):
        """The relative error of `weights`, as `skamem.core.fields.LinearField` takes it; None for rounding alone."""
        return self.error and self.error(factors.namespace(weights).finfo(weights.dtype).eps)

    def holds_factors(self, n_patterns, n_units):
        """Whether couplings of so many patterns are held as factors."""
        return self.factors is not None and factors.pays(n_patterns, n_units, n_units)

    def learn(self, patterns, couplings=None, *, factored=False, **options):
        """Couplings from patterns, on top of those there.

        Parameters
        ----------
        patterns : array of shape (n_patterns, n_units)
            Already validated.
        couplings : array or Factors of shape (n_units, n_units), default=None
            Of patterns learnt before, for a rule that is incremental; None for none.
        factored : bool, default=False
            Whether what is learnt is to be held as factors.
        **options
            Those named in `options`.

        Returns
        -------
        couplings : array or Factors of shape (n_units, n_units)
        """
        couplings = couplings if couplings is None or factored else factors.matrix(couplings)
        if couplings is not None and not self.additive:
            return self.extend(patterns, couplings)
        learnt = self.factors(patterns) if factored else (self.couplings or self.weights)(patterns, **options)
        return learnt if couplings is None else factors.summed(couplings, learnt)
