"""CompositionalRegressor: a function composed of functions of few variables."""

import sys
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, RandomState, WithData
from skamem.core.warn import warn
from skamem.supervised.compositional._bases import BASES, as_fine_as_rows_allow
from skamem.supervised.compositional._descent import Problem
from skamem.supervised.compositional._graph import Graph, balanced, check_nesting
from skamem.supervised.compositional._model import CompositionModel, NodeGrid, node_records
from skamem.supervised.compositional._search import find_tree
from skamem.supervised.compositional._smoothing import best_fit
from skamem.supervised.layerwise._stages import column_scales
from skamem.training import RealTargets, merged_rows

__all__ = ["CompositionalRegressor"]

_MOST_SPREADS = 3.0  # a column's range ends there, or at its last row


class CompositionalRegressor(RegressorMixin, SkamemEstimator):
    """Regression by a function composed of functions of few variables, h(h1(x1, x2), h2(x3, x4)) say.

    Each node of the graph is a smooth map of its inputs, which are columns or other nodes; all maps are fitted
    together. Where y is such a function, the rows needed grow about linearly with the number of columns, not
    exponentially.

    Parameters
    ----------
    graph : "binary", "learn" or nested tuples, default="binary"
        Which columns and nodes meet in a node. "binary": neighbouring columns, then neighbouring pairs, and so on.
        Nested tuples of column numbers or names, ``((("a", "b"), "c"), ("d", "e"))`` say, of 1 to 3 inputs a node; a
        column may occur in several, and equal parts are one node. Negative numbers count from the last column.
        "learn" finds a binary tree from the data.
    node : {"spline", "polynomial", "kernel"}, default="spline"
        Maps of the nodes: products of B-splines, polynomials up to `degree`, or Gaussian kernels around a grid.
    n_knots : int >= 2, default=6
        Knots of a spline, or centres of kernels, for each input; fewer where the rows are few, see Notes.
    degree : int in [1, 8], default=3
        Degree of the splines, or of the polynomials; a lower one where the rows are few, see Notes.
    alpha : "gcv" or float >= 0, default="gcv"
        Penalty on the roughness of the maps, for standardised targets and inputs; "gcv" chooses it by generalised
        cross-validation.
    n_restarts : int >= 1, default=8
        Most starts, of which the best is kept. The first is deterministic. There are no further ones once the two best
        have come to the same and left less than 5 % of the variance, or the four best to the same at all.
        Where rows are few for the coefficients and the first two end poorly, the others begin with three knots; the
        best gets all knots afterwards, and so does one of another minimum nearby. Of ten nodes or more two starts are
        made so, and for each four of `n_restarts` one from a wide tree, see Notes, until 1 % of the variance is left
        or two come to the same.
    max_iter : int >= 1, default=100
        Most steps of a descent.
    tol : float in [0, 1), default=1e-4
        A descent ends when a step lowers the penalised loss by less than this share of it.
    verbose : bool, default=False
        Print what starts and searches come to.
    random_state : int, RandomState or None, default=None
        Seeds the starts after the first; drawn on the host, so that a seed means the same on every backend.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input.

    Attributes
    ----------
    graph_ : tuple
        The graph as nested tuples: of names where X has names that are all strings, else of numbers.
    nodes_ : list of dict
        Nodes, the last one the answer: "inputs", a tuple of ("column", j) or ("node", i); "coef" (n_terms, n_outputs),
        of one output but for the last; "low" and "high", the range of each input. Where columns are skewed, the last
        has "least" and "most" too, (n_outputs,), between which its answers are held, see Notes.
    basis_ : object
        Functions of one variable whose products the maps combine; `n_knots` and `degree` are those that were used.
    alpha_ : float
        Penalty.
    gcv_score_ : float
        Generalised cross-validation error of the fit, in units of the targets' variance.
    alphas_ : list of (float, float)
        Penalties that were tried and their errors.
    loss_curve_ : list of float
        Penalised loss at the beginning and after each step of the last descent; never rises.
    n_iter_ : int
        Steps of all descents together.
    n_parameters_ : int
        Coefficients of all maps.
    graph_confidence_ : float
        With ``graph="learn"``: 1 - e / e', where e is the cross-validated error of the tree and e' that of the best
        tree one exchange away; where they are close, after several starts of both. Near 1 the tree is beyond doubt;
        near 0 another one does as well, as several do where sums meet sums or products products. Of one or two columns,
        which make no other tree, e' is the error without the weaker one. The mean is a rival too: 0 where y is
        constant, or no better predicted than by its mean. Where a tree of more columns did a little better than the
        one chosen the confidence is less, 0 from 2 % on, or 5 % where the error is below 0.05.
    graph_scores_ : list of (tuple, float)
        With ``graph="learn"``: trees that were fitted for comparison and their cross-validated errors, the best first.
        ``graph_`` need not be the first: another tree is taken only if its error is less by a clear margin, and
        columns are left out where that costs less than 2 %, or 5 % where the error is below 0.05.
    pair_scores_ : list of (tuple, float)
        With ``graph="learn"``: pairs of columns and how much the directions of their partial derivatives disagree, 0
        for a node of its own; the best first.
    offset_, scale_ : array of shape (n_features,)
        Middle and half of the range of each column.
    target_offset_, target_scale_ : array of shape (n_outputs,)
        Mean and standard deviation of the targets.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    LayerwiseRegressor : A network that asks for no graph.
    skamem.display.CompositionDisplay : Draws the graph, each node a heat map.

    Notes
    -----
    *Fit.* Given the others the last node is linear in its coefficients, so it is solved for (variable projection [2]_);
    the others take damped Gauss-Newton steps together (Levenberg and Marquardt). The output of an inner node is centred
    and scaled, as part of the function. A descent starts from what averages over the other columns say about each node,
    with a large penalty that falls by stages.

    *Wide trees.* Of many nodes some answer by a folded function of what they should, its square say, in almost every
    start, which no descent undoes. Networks of the same graph with two numbers from node to node, trained by Adam, know
    few such minima. Their answers to the columns below a node, beside many choices of the rest, run along a curve, and
    the place along the curve is what the node should answer; from there the descent goes on.

    *Graph.* If f = h(g(a, b), rest), the ratio of the derivatives by a and b depends on a and b only. Pairs for which
    it does so best in a smooth surrogate are joined, then pairs of pairs. Trees one exchange away, or without one
    column, are fitted, and the best one taken until none is better. At most 2000 rows are looked at. Where y is a sum,
    every tree is right, and the confidence low.

    *Few rows.* Where a node would have more coefficients than half the different rows, there are fewer knots, down to
    2, then a lower degree, down to 2. Generalised cross-validation counts different rows, those of unequal weights as
    fewer: (sum of weights)² / sum of squared weights. Where that leaves too little to choose by, ``alpha_`` is 1000,
    the largest penalty, and answers stay near the mean; give `alpha` where y is known to be without noise.

    *Several targets* share the inner nodes; each has a last map of its own.

    *Outside the training rows* each input of a node is held at the end of its range, a tenth of it added, so that
    answers stay bounded. Where four fifths of the rows lie in a quarter of the range of a column (three deviations
    either side of its mean at most), the maps between its few large values are guesses: answers are then held within
    those of the training rows, a tenth of their range added. Transform such columns.

    *Weights.* Weight 3 and three equal rows give the same fit, and so does any order of the rows. The scale of the
    weights is of no importance.

    *Cost* of a step: n_rows n_parameters² / 2 multiply-adds, and n_parameters³ / 6. "learn" fits some tens of trees to
    up to 2000 rows. It computes in double precision, also for float32 input.

    References
    ----------
    .. [1] Poggio, Mhaskar, Rosasco, Miranda and Liao (2017), Why and When Can Deep - but Not Shallow - Networks Avoid
       the Curse of Dimensionality, International Journal of Automation and Computing 14:503, arXiv:1611.00740.
    .. [2] Golub and Pereyra (1973), SIAM Journal on Numerical Analysis 10:413, doi:10.1137/0710036.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import CompositionalRegressor
    >>> X = np.random.default_rng(0).uniform(-1, 1, (400, 4))
    >>> y = np.tanh(X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2] + X[:, 3]))
    >>> model = CompositionalRegressor(random_state=0).fit(X[:300], y[:300])
    >>> model.score(X[300:], y[300:]) > 0.99
    True
    >>> model.graph_
    ((0, 1), (2, 3))
    """

    _anchor = "offset_"

    _parameters: ClassVar = {
        "graph": WithData("'binary', 'learn' or nested tuples of column numbers or names"),
        "node": Options(*BASES),
        "n_knots": Interval(Integral, low=2, high=50),
        "degree": Interval(Integral, low=1, high=8),
        "alpha": Options("gcv") | Interval(Real, low=0, high=1e30),
        "n_restarts": COUNT,
        "max_iter": COUNT,
        "tol": Interval(Real, low=0, high=1, high_open=True),
        "verbose": BOOLEAN | Interval(Integral, low=0),
        "random_state": RandomState(),
    }

    def __init__(
        self,
        graph="binary",
        *,
        node="spline",
        n_knots=6,
        degree=3,
        alpha="gcv",
        n_restarts=8,
        max_iter=100,
        tol=1e-4,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        self.graph = graph
        self.node = node
        self.n_knots = n_knots
        self.degree = degree
        self.alpha = alpha
        self.n_restarts = n_restarts
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    def _check_parameters(self):
        super()._check_parameters()
        if isinstance(self.graph, str) and self.graph not in ("binary", "learn"):
            raise ValueError(f"graph={self.graph!r} is not an option; expected {self._kinds['graph']}.")
        if not isinstance(self.graph, str | tuple | list):
            raise TypeError(
                f"graph={self.graph!r} is {validation.type_of(self.graph)}; expected {self._kinds['graph']}."
            )

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Fit all nodes, and find the graph first where it is to be learnt.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        TypeError
            When a parameter is of the wrong type.
        ValueError
            For bad input, parameters out of range, or a graph with columns that are not there. A failed call changes
            nothing.

        Warns
        -----
        ConvergenceWarning
            When the last descent ends at `max_iter`.
        """
        X, placement = self._receive(X, reset=True)
        values, self._flat = validation.check_real_targets(y, X, owner=type(self).__name__)
        names = getattr(self, "feature_names_in_", None)
        given = None if isinstance(self.graph, str) else check_nesting(self.graph, X.shape[1], names)
        rows = self._scaled_rows(X, RealTargets(values), sample_weight, placement)
        nested = self._nested(given, rows)
        self.graph_ = Graph.of(nested).nested(names)
        self._settle(Graph.of(nested), rows, arrays.float_dtype(placement.asarray(X[:1, :]), placement.xp), placement)
        return self

    def _scaled_rows(self, X, targets, sample_weight, placement):
        """(columns, targets, share) to compute on; stores the scales."""
        host = arrays.resolve_backend("numpy", X)
        weights = validation.check_sample_weight(sample_weight, X, host, np.float64)
        weights = np.ones(X.shape[0]) if weights is None else weights
        X = placement.asarray(X)
        index, weights = merged_rows(X, targets.keys, weights / weights.max())
        targets.settle(index, weights)
        xp = placement.xp
        wide = arrays.widest_float(X)
        rows = xp.astype(xp.take(X, placement.asarray(index), axis=0), wide)
        share = placement.asarray(weights / weights.sum(), wide)
        offset, scale = column_scales(rows, share)
        scaled = (rows - offset) / scale
        low = arrays.clip(xp.min(scaled, axis=0), min=-_MOST_SPREADS)
        high = arrays.clip(xp.max(scaled, axis=0), max=_MOST_SPREADS)
        half = 0.5 * (high - low)
        half = xp.where(half > 0.0, half, xp.ones_like(half))
        middle = 0.5 * (high + low)
        steady = xp.isinf(scale)
        self.offset_ = offset + xp.where(steady, xp.zeros_like(middle), middle * xp.where(steady, 1.0, scale))
        self.scale_ = scale * half
        self.target_offset_, self.target_scale_ = (
            placement.asarray(part, wide) for part in (targets.offset, targets.scale)
        )
        return (scaled - middle) / half, targets.take(index, placement, wide), share

    def _nested(self, given, rows):
        """The graph as nested tuples of column numbers."""
        if given is not None:
            return given if isinstance(given, tuple) else (given,)
        columns = range(rows[0].shape[1])
        if self.graph == "binary":
            return balanced(columns)
        names = getattr(self, "feature_names_in_", None)

        def named(tree):
            if isinstance(tree, tuple):
                return tuple(map(named, tree))
            return tree if names is None else str(names[tree])

        found = find_tree(*rows, self._tell)
        self.graph_confidence_ = found.confidence
        self.graph_scores_ = [(named(tree), score) for tree, score in found.trees]
        self.pair_scores_ = [(named(pair), score) for pair, score in found.pairs]
        return found.nested

    def _settle(self, graph, rows, dtype, placement):
        """Fit the nodes and store the fitted attributes."""
        finest = BASES[self.node](int(self.n_knots), int(self.degree))
        self.basis_ = as_fine_as_rows_allow(finest, max(map(len, graph.inputs)), rows[0].shape[0])
        problem = Problem(graph, self.basis_, *rows)
        alpha = self.alpha if isinstance(self.alpha, str) else float(self.alpha)
        random_state = check_random_state(self.random_state)
        fit = best_fit(
            problem, alpha, int(self.n_restarts), int(self.max_iter), float(self.tol), random_state, self._tell,
            lambda states: fit_tasks(self, states, name="step", n_tasks=None),
        )  # fmt: skip
        self.alpha_, self.gcv_score_, self.alphas_ = fit.alpha, fit.score, fit.tried
        self.loss_curve_, self.n_iter_ = fit.curve, fit.n_iter
        if len(fit.curve) - 1 >= self.max_iter and len(graph) > 1:
            warn(
                f"The descent took max_iter={self.max_iter} steps and still lowered the loss by more than "
                f"tol={self.tol}. Give it more, or a larger tol.",
                ConvergenceWarning,
            )
        self.nodes_ = [
            {name: part if name == "inputs" else placement.asarray(part, dtype) for name, part in node.items()}
            for node in node_records(problem, fit.state)
        ]
        for name in ("offset_", "scale_", "target_offset_", "target_scale_"):
            setattr(self, name, placement.asarray(getattr(self, name), dtype))
        self.n_parameters_ = sum(node["coef"].shape[0] * node["coef"].shape[1] for node in self.nodes_)

    def _tell(self, text):
        if self.verbose:
            sys.stdout.write(text + "\n")

    def predict(self, X):
        """Predicted targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_outputs)
            As in `fit`.
        """
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method="predict")
        model = CompositionModel.of(self, placement)
        return placement.give((self._in_units(outputs, placement) for outputs in model.outputs(X)), X.shape[0])

    def _in_units(self, outputs, placement):
        scale, offset = (placement.asarray(v, outputs.dtype) for v in (self.target_scale_, self.target_offset_))
        predicted = outputs * scale + offset
        return predicted[:, 0] if self._flat else predicted

    def node_map(self, node=-1, *, n_points=30):
        """The map of a node on a grid.

        Parameters
        ----------
        node : int, default=-1
            Its number in `nodes_`.
        n_points : int, default=30
            Points along each input.

        Returns
        -------
        grid : NodeGrid
            With `names`, `grids` and `values`: (n_points,) * n_inputs, with an axis of outputs after them for several
            targets. Columns, and the answer of the last node, are in the user's units; those of inner nodes have mean 0
            over the training rows and lie in about [-1, 1].

        Raises
        ------
        TypeError
            When `n_points` is not an integer.
        ValueError
            When there is no such node, or no point.
        """
        check_is_fitted(self)
        validation.check_number("n_points", n_points, kind=Integral, low=1)
        if not isinstance(node, Integral) or not -len(self.nodes_) <= node < len(self.nodes_):
            raise ValueError(f"node={node!r}; expected an integer in [0, {len(self.nodes_) - 1}].")
        node = int(node) % len(self.nodes_)
        placement = arrays.placement_of(self.offset_).between(self.offset_, self.offset_)
        names = getattr(self, "feature_names_in_", None)
        names = [f"x{j}" for j in range(self.n_features_in_)] if names is None else list(map(str, names))
        grid = CompositionModel.of(self, placement).grid(node, int(n_points), names)
        values = grid.values
        if node == len(self.nodes_) - 1:
            values = values * arrays.to_numpy(self.target_scale_) + arrays.to_numpy(self.target_offset_)
        flat = self._flat or node < len(self.nodes_) - 1
        return NodeGrid(node, grid.names, grid.grids, values[..., 0] if flat else values)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
