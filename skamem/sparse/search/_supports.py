"""From a problem to a chain of supports, and from a chain to a fit that says what is true of its coefficients."""

from dataclasses import replace

import numpy as np

from skamem.sparse.objective._linalg import EPS
from skamem.sparse.objective._quadratic import ColumnsQuadratic
from skamem.sparse.search._chains import Chains
from skamem.sparse.search._orthogonal import OrthogonalChain
from skamem.sparse.search._positive import PositiveChain

__all__ = ["chain_for", "is_at_its_end", "reported"]

# A loss is taken from the chain when its rounding is below this fraction of it, and else from the residual.
_PRECISION = 1e-9


def chain_for(problem, quadratic, capacity):
    """Empty chain on a quadratic form of `problem`: under its sign constraint or in its arithmetic."""
    if problem.positive:
        return PositiveChain(quadratic, capacity)
    return (OrthogonalChain if isinstance(quadratic, ColumnsQuadratic) else Chains)(quadratic, capacity)


def reported(problem, chain, working_set=None, *, settled=False):
    """Fit of the present support of a single chain, its loss that of its coefficients to nine digits.

    Parameters
    ----------
    problem : Problem
    chain : Chains
        On all features, or on those of `working_set`.
    working_set : int array, default=None
        Ascending.
    settled : bool, default=False
        Whether the margin is asked for, of a chain that has settled.

    Returns
    -------
    fit : Fit
    """
    fit = chain.settled_fit() if settled else chain.fit()
    if working_set is not None:
        fit.support, fit.swap_optimal = working_set[fit.support], False
    # A Gram matrix that is off by eps changes the loss by wᵀ δG w.
    rounding = 4.0 * EPS * (1 + len(fit.support)) * (1.0 + float(np.vdot(fit.coefs, fit.coefs)))
    if rounding <= _PRECISION * fit.loss and not problem.is_delicate:
        return fit
    true = problem.refit(fit.support)
    if true.exact:  # nothing is below a loss of zero, and nothing correlates with a residual of zero
        return replace(true, margin=np.inf, swap_optimal=True)
    return replace(true, margin=fit.margin, swap_optimal=fit.swap_optimal)


def is_at_its_end(problem, chain, fit):
    """Whether the numbers of `chain` cannot tell any more, so that the search has to start again on the columns."""
    return not fit.exact and bool(chain.doubtful()[0]) and problem.go_to_columns()
