"""Learning rules: pure functions from patterns to the weights of a memory, and what estimators must know of each.

A rule takes validated patterns (one a row) and returns weights W such that unit i is pushed by ``(states @ W)[:, i]``.
To add one, write the function and enter a `Rule` of it in `RULES`; estimators, tests and documentation read nothing
else.
"""

from skamem.core import arrays, factors, least_squares
from skamem.core._rule import Rule
from skamem.core.factors import Factors
from skamem.core.validation import check_option

__all__ = [
    "CRITICAL_LOAD",
    "RULES",
    "Rule",
    "correlation",
    "hebbian",
    "perceptron",
    "pseudoinverse",
    "resolve_rule",
    "stability_margins",
    "storkey",
]

CRITICAL_LOAD = 0.137905566494837
"""Random patterns a unit that Hebb's rule holds in a large network without diagonal, under full recall: Amit, Gutfreund
and Sompolinsky (1985), Physical Review Letters 55:1530; `skamem.analysis.retrieval_overlap` has the equation."""

# A solver's weights carry errors of eps times a condition number, and sqrt(eps) of the largest singular value is where
# solvers cut off; residuals of stored patterns below this part of their norm are rounding.
_DEPENDENT = 1e-6


def correlation(patterns, targets=None, sample_weight=None):
    """Unscaled correlation matrix Xᵀ Y: the Hebb rule without its 1/n.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Already validated.
    targets : array of shape (n_patterns, n_outputs), default=None
        Associated patterns; None associates the patterns with themselves.
    sample_weight : array of shape (n_patterns,), default=None
        How often each pattern counts.

    Returns
    -------
    correlation : array of shape (n_units, n_outputs)
        Exact integers (held as floats) for bipolar patterns and integer weights, so that ties of the field are exact.

    Notes
    -----
    Raises nothing: estimators validate. Cost O(n_patterns n_units n_outputs), one matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> correlation(np.asarray([[1.0, -1.0], [1.0, 1.0]]))
    array([[2., 0.],
           [0., 2.]])
    """
    xp = arrays.namespace(patterns)
    targets = patterns if targets is None else targets
    if sample_weight is not None:
        targets = targets * sample_weight[:, None]
    return xp.matrix_transpose(patterns) @ targets


def hebbian(patterns, targets=None):
    """Outer-product (Hebb) weights.

    W = Xᵀ Y / n, with n the number of units.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}; dimensionless. Already validated.
    targets : array of shape (n_patterns, n_outputs), default=None
        Associated patterns; None associates the patterns with themselves.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Symmetric when autoassociative; dtype and device of `patterns`. The diagonal is n_patterns / n_units; landscapes
        ignore it.

    Notes
    -----
    Raises nothing: estimators validate. Cost O(n_patterns n_units²), one matrix product.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.

    Examples
    --------
    >>> import numpy as np
    >>> hebbian(np.asarray([[1.0, -1.0], [1.0, 1.0]]))
    array([[1., 0.],
           [0., 1.]])
    """
    return correlation(patterns, targets) / patterns.shape[1]


def pseudoinverse(patterns, targets=None, *, solver="svd", alpha=0.0, **options):
    """Least-squares (projection) weights W = X⁺ Y of minimum norm.

    Autoassociative, W is the orthogonal projector on the span of the patterns.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Already validated.
    targets : array of shape (n_patterns, n_outputs), default=None
        Associated patterns; None associates the patterns with themselves.
    solver : {"svd", "cholesky", "neumann"}, default="svd"
        See `skamem.core.least_squares`.
    alpha : float, default=0.0
        Ridge penalty, >= 0.
    **options
        Further options of the solver.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Dtype and device of `patterns`. Cost O(m n min(m, n)).

    References
    ----------
    Personnaz, Guyon and Dreyfus (1985), Journal de Physique Lettres 46:359, doi:10.1051/jphyslet:01985004608035900.

    Examples
    --------
    >>> import numpy as np
    >>> patterns = np.asarray([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0]])
    >>> W = pseudoinverse(patterns)
    >>> bool(np.allclose(patterns @ W, patterns)), bool(np.allclose(W @ W, W))
    (True, True)
    """
    targets = patterns if targets is None else targets
    return least_squares.SOLVERS[solver](patterns, targets, alpha=alpha, **options)


def _extended_projection(patterns, weights):
    """The projector on what `weights` project on and on new patterns: theirs plus that on what it does not explain."""
    xp = arrays.namespace(patterns)
    residual = patterns - factors.product(patterns, weights)
    news = xp.sum(residual * residual, axis=1, keepdims=True)
    known = news <= _DEPENDENT**2 * xp.sum(patterns * patterns, axis=1, keepdims=True)
    learn = _projection if isinstance(weights, Factors) else pseudoinverse
    return factors.summed(weights, learn(xp.where(known, 0.0, residual)))


def _joined_projections(weights, more):
    """The projector on the span of what two project on."""
    xp = factors.namespace(more)
    if isinstance(more, factors.Factors):
        basis = more.inputs if more.strengths is None else _rows_where(more.inputs, more.strengths > 0.5)
    else:
        values, vectors = xp.linalg.eigh(more)  # each value is 0 or 1
        basis = _rows_where(xp.matrix_transpose(vectors), values > 0.5)
    return _extended_projection(basis, weights) if basis.shape[0] else weights


def _rows_where(rows, mask):
    xp = arrays.namespace(rows)
    return xp.take(rows, xp.nonzero(mask)[0], axis=0)


def _projection(patterns):
    """`pseudoinverse` of few patterns, as factors: an orthonormal basis of their span."""
    return least_squares.svd_factors(patterns, patterns)


def storkey(patterns, weights=None):
    """Storkey's incremental, local rule: Hebb's outer product, less what the network already predicts.

    ΔW_ij = (x_i x_j - x_i h_ji - h_ij x_j) / n with the local field h_ij = Σ_{k ≠ i, j} W_ik x_k, pattern after
    pattern.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}; already validated. Their order matters a little.
    weights : array of shape (n_units, n_units), default=None
        Weights of patterns learnt before; None for none.

    Returns
    -------
    weights : array of shape (n_units, n_units)
        Symmetric; dtype and device of `patterns`. Cost O(n_patterns n_units²).

    References
    ----------
    Storkey (1997), Artificial Neural Networks - ICANN'97, LNCS 1327:451, doi:10.1007/BFb0020196.

    Examples
    --------
    >>> import numpy as np
    >>> W = storkey(np.asarray([[1.0, -1.0, 1.0, 1.0]]))
    >>> bool(np.allclose(W, W.T))
    True
    """
    xp = arrays.namespace(patterns)
    n_units = patterns.shape[1]
    if weights is None:
        weights = xp.zeros((n_units, n_units), dtype=patterns.dtype, device=arrays.device(patterns))
    for index in range(patterns.shape[0]):
        x = patterns[index, :]
        row, column = x[None, :], x[:, None]
        field = (weights @ column) - xp.linalg.diagonal(weights)[:, None] * column
        predicted = (field - weights * row) * row  # h_ij x_j
        # At i = j nothing but W_ii x_i is left out of the sum, which the line above did twice.
        predicted = predicted + _diagonal_matrix(xp.linalg.diagonal(weights))
        weights = weights + (column * row - predicted - xp.matrix_transpose(predicted)) / n_units
    return weights


def perceptron(patterns, *, kappa=0.0, max_epochs=10_000, fit_intercept=False):
    """Symmetric perceptron learning: repeat the patterns until every unit of each is stable with margin `kappa`.

    Wherever x_i h_i <= kappa (norm of the weights into i), x_i x_j / n is added to W_ij and W_ji. An epoch finds all
    such units of all patterns first, and then learns them together.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}; already validated.
    kappa : float, default=0.0
        Margin >= 0 in units of the norm of a unit's weights: larger is slower, with wider basins.
    max_epochs : int, default=10000
        Passes over the patterns at most; stops as soon as all are stable.
    fit_intercept : bool, default=False
        Whether the last unit of the patterns is one that is always on, whose weights are biases. It is the same in all
        patterns and nothing that has to be learnt, and takes no part in norms.

    Returns
    -------
    weights : array of shape (n_units, n_units)
        Symmetric, diagonal 0. Cost: two matrix products an epoch, O(n_patterns n_units²).

    References
    ----------
    Gardner (1988), Journal of Physics A 21:257, doi:10.1088/0305-4470/21/1/030.

    Examples
    --------
    >>> import numpy as np
    >>> patterns = np.sign(np.random.default_rng(0).standard_normal((20, 20)))  # load 1
    >>> W = perceptron(patterns)
    >>> bool(np.all(np.sign(patterns @ W) == patterns))
    True
    """
    xp = arrays.namespace(patterns)
    place = {"dtype": patterns.dtype, "device": arrays.device(patterns)}
    n_units = patterns.shape[1]
    n_learning = n_units - 1 if fit_intercept else n_units
    weights = xp.zeros((n_units, n_units), **place)
    off_diagonal = 1.0 - xp.eye(n_units, **place)
    wanted = (patterns != 0) & (xp.arange(n_units, device=arrays.device(patterns)) < n_learning)
    # Whole numbers until the end: ties of the field are ties, whatever the order of summation.
    for _ in range(max_epochs):
        own = weights[:n_learning, :]
        margin = kappa * xp.sqrt(xp.sum(own * own, axis=0)) if kappa else 0.0
        unstable = wanted & (patterns * (patterns @ weights) <= margin)
        wrong = xp.nonzero(xp.any(unstable, axis=1))[0]
        if wrong.shape[0] == 0:
            break
        x, push = xp.take(patterns, wrong, axis=0), xp.astype(xp.take(unstable, wrong, axis=0), patterns.dtype)
        step = xp.matrix_transpose(x) @ (x * push)
        weights = weights + (step + xp.matrix_transpose(step)) * off_diagonal
    return weights / n_units


def stability_margins(patterns, weights, *, fit_intercept=False):
    """How firmly weights hold patterns: for each the smallest x_i h_i of its units, by the norm of a unit's weights.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}, 0 for unknown units.
    weights : array of shape (n_units, n_units)
        Symmetric; the diagonal is ignored.
    fit_intercept : bool, default=False
        Whether the last unit is one that is always on, as in `perceptron`.

    Returns
    -------
    margins : array of shape (n_patterns,)
        Not above 0 for patterns that are no fixed points. Cost O(n_patterns n_units²), one matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> stability_margins(np.asarray([[1.0, 1.0], [1.0, -1.0]]), np.asarray([[0.0, 2.0], [2.0, 0.0]]))
    array([ 1., -1.])
    """
    xp = arrays.namespace(patterns)
    n_learning = patterns.shape[1] - 1 if fit_intercept else patterns.shape[1]
    diagonal, units = xp.linalg.diagonal(weights), patterns[:, :n_learning]
    fields = (patterns @ weights - patterns * diagonal)[:, :n_learning]
    norm = xp.sqrt(arrays.clip(xp.sum(weights[:n_learning, :] ** 2, axis=0) - diagonal**2, min=0.0))[:n_learning]
    smallest = xp.full_like(norm, xp.finfo(patterns.dtype).smallest_normal)
    return xp.min(xp.where(units == 0, xp.inf, units * fields / xp.maximum(norm, smallest)), axis=1)


def _unstable(margins, *, kappa=0.0, max_epochs=10_000, fit_intercept=False):
    """What is left to say after `perceptron` when patterns are not held with the margin wanted."""
    xp = arrays.namespace(margins)
    n_short = int(xp.count_nonzero(margins <= kappa))
    if not n_short:
        return None
    missed, remedy = "unstable", "raise max_epochs, store fewer patterns"
    if kappa:
        missed = f"below the margin kappa={kappa:g} (the least is {float(xp.min(margins)):.3g})"
        remedy += ", lower kappa"
    if not fit_intercept:
        remedy += ", or let fit_intercept=True"
    return f"left {n_short} of {margins.shape[0]} patterns {missed} after {max_epochs} epochs: {remedy}."


def _diagonal_matrix(values):
    xp = arrays.namespace(values)
    return values[:, None] * xp.eye(values.shape[0], dtype=values.dtype, device=arrays.device(values))


# ------------------------------------------------------------------------------------------------------ the registry


def _what_holds_more(n_patterns, n_units):
    if n_patterns < n_units:
        return (
            "The pseudoinverse (PseudoinverseMemory, or rule='pseudoinverse') holds them if they are independent, "
            "DenseMemory many more."
        )
    return "DenseMemory holds more patterns than there are units: the higher its degree, the more."


def _what_a_projection_needs(n_patterns, n_units):
    """What helps where the pseudoinverse does not hold patterns."""
    if n_patterns >= n_units:
        return "Then W is the identity and no cue is repaired: use fewer patterns or more units."
    return (
        "No other unit pushes theirs: too few of their units are known, or they nearly depend on each other. Store "
        "patterns of which more is known, or use DenseMemory."
    )


RULES = {
    "hebbian": Rule(
        hebbian,
        couplings=correlation,
        scale=lambda n_units: 1.0 / n_units,
        additive=True,
        factors=Factors,
        exact=True,
        # That of large networks; two patterns are stable in a network of any size.
        capacity=lambda n_units: max(2.0, CRITICAL_LOAD * n_units),
        remedy=_what_holds_more,
    ),
    "storkey": Rule(storkey, extend=storkey, remedy=_what_holds_more),
    "pseudoinverse": Rule(
        pseudoinverse,
        extend=_extended_projection,
        join=_joined_projections,
        factors=_projection,
        # Solvers leave errors of eps times the condition number. Where a unit is independent of the others (a pixel
        # that never changes), its field without the diagonal is 0, a tie, not to be decided by what they leave.
        error=lambda eps: eps**0.5,
        capacity=lambda n_units: n_units - 1,
        remedy=_what_a_projection_needs,
    ),
    "perceptron": Rule(perceptron, options=("kappa", "max_epochs", "fit_intercept"), shortfall=_unstable),
}
"""Autoassociative learning rules by name."""


def resolve_rule(rule):
    """The record of a rule that is given by name, as a record, or as a function.

    Parameters
    ----------
    rule : str, Rule or callable
        An entry of `RULES`; a record of one's own; or a function from patterns to symmetric weights, of which nothing
        else is known.

    Returns
    -------
    rule : Rule

    Raises
    ------
    ValueError
        For a name that is not registered, or what is no function.

    Examples
    --------
    >>> resolve_rule("pseudoinverse").capacity(100)
    99
    """
    if not callable(rule):
        rule = RULES[rule if isinstance(rule, str) and rule in RULES else check_option("rule", rule, tuple(RULES))]
    return rule if isinstance(rule, Rule) else Rule(rule)
