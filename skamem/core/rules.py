"""Learning rules: pure functions from patterns to the weights of a memory.

A rule takes validated patterns (one a row) and returns weights W such that unit i is pushed by ``(states @ W)[:, i]``.
To add one, write the function and enter it in `RULES`; estimators, tests and documentation read the registry.
"""

from skamem.core import arrays, least_squares

__all__ = ["RULES", "correlation", "hebbian", "perceptron", "pseudoinverse", "storkey"]


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


def perceptron(patterns, *, kappa=0.0, max_epochs=1000):
    """Symmetric perceptron learning: repeat the patterns until every unit of each is stable with margin `kappa`.

    Wherever x_i h_i <= kappa (norm of the weights into i), x_i x_j / n is added to W_ij and W_ji. An epoch visits the
    patterns that are unstable at its start.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}; already validated.
    kappa : float, default=0.0
        Margin >= 0 in units of the norm of a unit's weights: larger is slower, with wider basins.
    max_epochs : int, default=1000
        Passes over the patterns at most; stops as soon as all are stable.

    Returns
    -------
    weights : array of shape (n_units, n_units)
        Symmetric, diagonal 0. Cost O(n_patterns n_units²) an epoch.

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
    n_units = patterns.shape[1]
    weights = xp.zeros((n_units, n_units), dtype=patterns.dtype, device=arrays.device(patterns))
    # Integers until the end: ties of the field are ties, whatever the order of summation.
    off_diagonal = 1.0 - xp.eye(n_units, dtype=patterns.dtype, device=arrays.device(patterns))

    def unstable(x):
        margin = kappa * xp.sqrt(xp.sum(weights * weights, axis=0)) if kappa else 0.0
        return (x * (x @ weights) <= margin) & (x != 0)

    for _ in range(max_epochs):
        wrong = xp.take(patterns, xp.nonzero(xp.any(unstable(patterns), axis=1))[0], axis=0)
        if wrong.shape[0] == 0:
            break
        for index in range(wrong.shape[0]):
            x = wrong[index, :]
            push = xp.where(unstable(x), x, xp.zeros_like(x))
            outer = push[:, None] * x[None, :]
            weights = weights + (outer + xp.matrix_transpose(outer)) * off_diagonal
    return weights / n_units


def _diagonal_matrix(values):
    xp = arrays.namespace(values)
    return values[:, None] * xp.eye(values.shape[0], dtype=values.dtype, device=arrays.device(values))


RULES = {"hebbian": hebbian, "storkey": storkey, "pseudoinverse": pseudoinverse, "perceptron": perceptron}
"""Autoassociative learning rules by name: ``patterns -> weights`` of shape (n_units, n_units)."""
