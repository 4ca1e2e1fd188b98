"""IHTRegressor: the estimator around the solver."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, Interval, Options, plain
from skamem.core.warn import warn
from skamem.sparse._base import check_size, path_bunch
from skamem.sparse._features import read_always_select, read_groups
from skamem.sparse._incremental import MomentsRegressor
from skamem.sparse._inputs import check_room, read_inputs
from skamem.sparse.objective._problem import Problem
from skamem.sparse.objective._sums import kept_of_problem
from skamem.sparse.search._alternatives import alternatives
from skamem.sparse.search._groups import solve_groups
from skamem.sparse.search._local import is_small
from skamem.sparse.search._path import solve_path, solve_thoroughly
from skamem.sparse.search._plan import EFFORTS, TEXTBOOK, Settings, solve_size

__all__ = ["IHTRegressor"]


class IHTRegressor(MomentsRegressor):
    """Sparse linear regression: the best least squares with at most s nonzero coefficients.

    Minimises ‖y - X w - b‖² + alpha Σ_j (w_j ‖x_j - x̄_j‖)² subject to ‖w‖₀ <= s. Iterative hard thresholding gives a
    first support; exact exchanges of its members improve it until none lowers the loss. Features need no scaling: the
    support does not change when a column or y is multiplied by a constant.

    Parameters
    ----------
    n_nonzero_coefs : int, default=None
        Most nonzero coefficients s, 0 <= s <= min(n_samples, n_features). None lets `criterion` choose from a path of
        sizes. Fewer are used where fewer already fit y exactly, or where no further column is linearly independent
        (an intercept leaves n_samples - 1 such columns).
    alpha : float, default=0.0
        Ridge penalty, >= 0, on coefficients of columns scaled to unit length: dimensionless; 0.01 shrinks an isolated
        coefficient by 1 %.
    fit_intercept : bool, default=True
        Whether to fit an unpenalised intercept. Sparse X is not centred for it, only its products are.
    effort : {"auto", "plain", "normalized", "fast", "swap", "thorough"}, default="auto"
        plain, normalized: iterative hard thresholding as in the papers, for teaching; needs `n_nonzero_coefs`, and the
        coefficients are those of the last iterate. fast: hard thresholding pursuit only (a path: forward selection
        only); of correlated columns it may end far above the loss of orthogonal matching pursuit. swap: and exchanges
        of members. auto: and further starts where the margin is small, until cheap ones agree, and exchanges of two
        members where they are cheap; with up to 18 features all subsets are looked at, and the result is the best of
        all. thorough: all starts, all columns, every size of a path for itself, and exchanges of two members wherever
        p <= 2000 and s² p² / 2 is at most about 3e9, without `groups`, and with `positive` only the most promising; on
        small problems one size is the end of such a path, so that losses never rise with the size and a path agrees
        with each of its sizes alone.
    criterion : {"gicc", "gic", "bic", "ebic"}, default="gicc"
        What chooses the size when `n_nonzero_coefs` is None: the least n log loss + s log p log log n (gic), n log loss
        + s log n (bic), or that + 2 log (p choose s) (ebic). gicc corrects gic for few samples: degrees of freedom, and
        a price of at least 2 s + 2 log (p choose s); gic and bic select noise where n << p.
    max_features : int, default=None
        Largest size that the path tries, for ``n_nonzero_coefs=None``; it then tries them all. None: n / (log log n ·
        log p) and half of the degrees of freedom, with an early stop once the criterion has long been rising.
    max_residual : float, default=None
        Residual sum of squares that is enough, >= 0, in units of y²: the smallest size that reaches it is chosen, in
        place of `criterion`. For independent targets, of each.
    n_best : int, default=1
        Number of supports of the chosen size in `alternatives_`.
    groups : array-like of shape (n_features,), dict or callable, default=None
        Label of each feature's group, or a dict or callable from names of features to labels, None for a feature of its
        own: `skamem.sparse.group_by_prefix` makes one. A group is selected as a whole, and `n_nonzero_coefs` and
        `max_features` then count groups. With `positive` those of its features whose best coefficient is 0 are left
        out.
    always_select : array-like of int or str, default=None
        Features that every support contains, by column or by name; they count in s. Constant columns are left out.
    positive : bool, default=False
        Whether coefficients must be positive; for one target, or independent ones, and without `always_select`.
    multi_output : {"joint", "independent"}, default="joint"
        Whether the columns of a 2-D y share one support (they are weighed by their scale) or have each their own.
    max_iter : int, default=100
        Most iterations of hard thresholding; where a search follows, it takes over after one.
    tol : float, default=1e-7
        Least decrease of the loss, relative to it, that makes a change of support worthwhile.
    warm_start : bool, default=False
        Start hard thresholding from the support of the previous fit, where that has the size which is asked for.
    weight_kind : {"frequency", "precision"}, default="frequency"
        What sample weights are. frequency: repetitions; a sum of weights below the number of samples counts as that
        number. precision: inverse variances 1/σ², whose scale means nothing.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Where passes over X run; None follows X.

    Attributes
    ----------
    coef_ : array of shape (n_features,) or (n_targets, n_features)
    intercept_ : float or array of shape (n_targets,)
    support_ : int array of shape (n_selected,)
        Selected features, ascending; with independent targets those selected for any.
    support_names_ : array of str of shape (n_selected,)
        Their names; only if X had feature names.
    margin_ : float
        Least loss that removing a member brings, over the greatest that adding a column takes away: how far exchanges
        of one member are from paying. It says nothing of exchanges of more: where columns are nearly sums of others,
        wrong supports have had margins above 1000. Below 2 ``effort="auto"`` searches further. Infinite when nothing
        can be gained, NaN with ``effort="fast"``, the least with independent targets.
    swap_optimal_ : bool
        True when it was verified that no exchange of one member for any other column lowers the loss by more than
        `tol`.
    path_ : Bunch or list of Bunch
        The sizes looked at (one if `n_nonzero_coefs` is given): ``supports``, ``coefs`` and ``intercepts`` in the units
        of X and y, ``objective``, ``criterion``. A list with independent targets.
    alternatives_ : Bunch or list of Bunch
        The `n_best` best supports of the chosen size, if that is more than 1: ``supports``, ``objective``. The best of
        all where all subsets were looked at; else the best of those that differ from the chosen one in one member. A
        list with independent targets.
    n_passes_ : int
        Products with all of X that `fit` took; 1 after `partial_fit`, `merge` and `fit_moments`.
    n_samples_seen_ : float
        Rows that `partial_fit`, `merge` and `fit_moments` have added up, by weight; also after a `fit` from which they
        can go on.
    n_iter_ : int
        Iterations of hard thresholding, the most over targets.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    ValueError
        In `fit`: when `n_nonzero_coefs` is larger than min(n_samples, n_features), for options or sample weights out of
        range, for NaN or infinite input, for magnitudes whose squares no float holds, for coefficients that the type of
        X cannot hold. A failed `fit` changes nothing.

    Notes
    -----
    A fit costs a few passes over X (`n_passes_`) where the margin is comfortable, and little memory beyond X. Of more
    rows than memory holds `partial_fit` keeps sums, O(n_features²), which `merge` adds up over machines; `fit_moments`
    takes such sums from elsewhere.
    Selecting s columns is NP-hard; what is promised is that no single exchange improves the result (`swap_optimal_`).

    References
    ----------
    Blumensath and Davies (2009), Applied and Computational Harmonic Analysis 27:265, doi:10.1016/j.acha.2009.04.002.
    Foucart (2011), SIAM Journal on Numerical Analysis 49:2543, doi:10.1137/100806278.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import IHTRegressor
    >>> X = np.random.default_rng(0).standard_normal((60, 200))
    >>> y = 3.0 * X[:, 4] - 2.0 * X[:, 70] + 1.0
    >>> model = IHTRegressor().fit(X, y)
    >>> model.support_
    array([ 4, 70])
    >>> model.coef_[model.support_].round(6)
    array([ 3., -2.])
    """

    _continues_from = ("support_", "n_features_in_")
    _parameters: ClassVar = {
        "max_residual": Interval(Real, low=0) | None,
        "n_best": Interval(Integral, low=1),
        "effort": Options(*EFFORTS),
        "multi_output": Options("joint", "independent"),
        "warm_start": BOOLEAN,
    }

    def __init__(
        self,
        n_nonzero_coefs=None,
        *,
        alpha=0.0,
        fit_intercept=True,
        effort="auto",
        criterion="gicc",
        max_features=None,
        max_residual=None,
        n_best=1,
        groups=None,
        always_select=None,
        positive=False,
        multi_output="joint",
        max_iter=100,
        tol=1e-7,
        warm_start=False,
        weight_kind="frequency",
        backend=None,
    ):
        self.n_nonzero_coefs = n_nonzero_coefs
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.effort = effort
        self.criterion = criterion
        self.max_features = max_features
        self.max_residual = max_residual
        self.n_best = n_best
        self.groups = groups
        self.always_select = always_select
        self.positive = positive
        self.multi_output = multi_output
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.weight_kind = weight_kind
        self.backend = backend

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Find the support and its coefficients.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Any units; CSC is the sparse format that is not converted.
        y : array of shape (n_samples,) or (n_samples, n_targets)
            Any units.
        sample_weight : array of shape (n_samples,), default=None
            >= 0, not all zero, see `weight_kind`; a sample of weight 0 is absent.

        Returns
        -------
        self : IHTRegressor
        """
        earlier = self._earlier_support()
        inputs = read_inputs(self, X, y, sample_weight)
        problem, gram = self._solve_inputs(inputs, earlier, X, y)
        if gram is None and self.effort in TEXTBOOK:  # whose descents make none; of few features it is soon made
            problem.quadratic()
            gram = problem.whole_gram
        if gram is not None:
            # Sums are made of it when they are asked for, which of most fits they never are.
            self._sums, self._like = kept_of_problem(problem, gram, is_vector=inputs.is_vector), self.coef_[..., :0]
            self.n_samples_seen_ = problem.total_weight
        return self

    def _solve_inputs(self, inputs, earlier, X=None, y=None):
        """Set what is fitted; returns the problem, and the Gram matrix of its features if that was made."""
        settings = Settings(
            self.effort, plain(self.max_iter), plain(self.tol), self.criterion, plain(self.max_residual)
        )
        locked = read_always_select(self)
        groups = read_groups(self)
        joint = self.multi_output == "joint"
        problem = Problem(
            inputs.design, inputs.y, inputs.weights,
            fit_intercept=self.fit_intercept and inputs.stands_for is None, alpha=plain(self.alpha), locked=locked,
            positive=self.positive, precisions=self.weight_kind == "precision", merge_copies=groups is None,
            stands_for=inputs.stands_for,
        )  # fmt: skip
        check_room(problem, groups, size=plain(self.n_nonzero_coefs), max_features=plain(self.max_features))
        solved = [
            (part, self._solve(part, settings, groups, earlier, X, y))
            for part in ([problem] if joint else problem.single_targets())
        ]
        self._store(solved, inputs)
        paths = [path_bunch(*pair) for pair in solved]
        self.path_ = paths[0] if joint else paths
        vars(self).pop("alternatives_", None)
        if self.n_best > 1:
            bunches = [self._alternatives(part, solution, settings) for part, solution in solved]
            self.alternatives_ = bunches[0] if joint else bunches
        self.n_iter_ = max(solution.n_iter for _, solution in solved)
        self._report(solved, settings)
        grams = (part.whole_gram for part, _ in solved)
        return problem, next((gram for gram in grams if gram is not None), None)

    def _alternatives(self, problem, solution, settings):
        supports, losses = alternatives(
            problem, solution.fit, plain(self.n_best), subsets_up_to=settings.plan.subsets_up_to
        )
        return Bunch(supports=supports, objective=losses * problem.scale**2)

    def _report(self, solved, settings):
        """Warn of what was asked for and not reached."""
        missed = [solution.fit for part, solution in solved if not settings.suffices(part, solution.fit)]
        if self.max_residual is not None and missed:
            warn(
                f"No support that was tried leaves a residual sum of squares of max_residual={self.max_residual}; the "
                f"largest, of {max(len(fit.support) for fit in missed)} features, is taken. Raise max_residual or "
                "max_features, or add features.",
                ConvergenceWarning,
            )
        if not all(solution.converged for _, solution in solved):
            warn(
                f"effort={self.effort!r} did not converge in max_iter={self.max_iter} iterations. Raise max_iter, or "
                "use effort='auto'.",
                ConvergenceWarning,
            )

    def _takes_many_targets(self):
        return super()._takes_many_targets() or self.multi_output == "independent"

    def _check_parameters(self):
        super()._check_parameters()
        if self.n_nonzero_coefs is not None and self.max_features is not None:
            raise ValueError(
                f"n_nonzero_coefs={self.n_nonzero_coefs} and max_features={self.max_features} are both set; "
                "max_features bounds the path of n_nonzero_coefs=None. Leave one of them None."
            )
        if self.n_nonzero_coefs is not None and self.max_residual is not None:
            raise ValueError(
                f"n_nonzero_coefs={self.n_nonzero_coefs} and max_residual={self.max_residual} are both set; "
                "max_residual chooses the size. Leave one of them None."
            )
        if self.n_best > 1 and (self.positive or self.groups is not None):
            raise ValueError(
                f"n_best={self.n_best} is for supports of single features of any sign; it goes neither with groups nor "
                "with positive=True. Set n_best=1."
            )
        if self.effort in TEXTBOOK and (self.n_nonzero_coefs is None or self.groups is not None):
            raise ValueError(
                f"effort={self.effort!r} is for a given size and without groups; set n_nonzero_coefs and leave "
                "groups=None, or choose another effort."
            )

    def _earlier_support(self):
        if not (self.warm_start and hasattr(self, "support_")):  # `fit` keeps it then
            return None
        return np.asarray(arrays.to_numpy(self.support_)), self.n_features_in_

    def _solve(self, problem, settings, groups, earlier, X, y):
        size, limit = plain(self.n_nonzero_coefs), plain(self.max_features)
        if groups is not None:
            check_size(size, len(groups), "the number of groups; it counts groups")
            return solve_groups(problem, groups, size, settings, limit)
        start = None
        if earlier is not None and earlier[1] == problem.n_features:
            start = earlier[0][problem.usable[earlier[0]]]
        most = min(problem.n_rows, problem.n_features)

        def track(sizes, n_tasks):
            return fit_tasks(self, sizes, name="size", n_tasks=n_tasks, X=X, y=y)

        if size is None:
            limit = None if limit is None else min(limit, most)
            return solve_path(problem, limit, settings, start, lambda p: track(p, None if limit is None else limit + 1))
        shape = f"n_samples = {problem.n_rows}, n_features = {problem.n_features}"
        check_size(size, most, f"min(n_samples, n_features) ({shape})")
        by_path = settings.plan.each_size and is_small(problem, size)
        solve = solve_thoroughly if by_path else solve_size
        solutions = [solve(problem, one, settings, start) for one in track([size], 1)]
        return solutions[0]
