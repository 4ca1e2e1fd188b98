"""AssociativeImputer: fills the gaps of tables of numbers and categories."""

import numbers
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.impute import MissingIndicator
from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, RandomState, WithData
from skamem.core.rows import row_blocks
from skamem.core.validation import check_number
from skamem.impute._completer import learnt_completer, n_learnt
from skamem.impute._door import BaseTableImputer
from skamem.impute._encoding import learnt_encoding
from skamem.impute._features import CATEGORICAL, joined_features, recoded
from skamem.impute._hiding import content_order, hidden_entries
from skamem.impute._sample import sampled
from skamem.impute._table import MissingMarker, Table

__all__ = ["AssociativeImputer"]

_STORED = 2048  # rows that "auto" stores, at most
_BLOCK = 2**14  # rows that are completed at a time, at most


class AssociativeImputer(BaseTableImputer):
    """Complete tables by a blend of associative memories: numbers, whole numbers, booleans and categories.

    Four memories say what a missing entry is: a linear one (the conditional mean of a Gaussian), a softmax memory that
    averages similar rows, one that averages what the linear memory leaves of them, and, where that helps clearly,
    linear memories of four kinds of rows, weighed by how likely a row is of each. How much each counts is
    found on entries hidden on purpose, as gaps occur in the table, for every feature of its own. The imputer works in
    any units, standardises inside, and never changes a known entry.

    Parameters
    ----------
    n_components : "auto", int or None, default="auto"
        Rows that the softmax memories store, at most; evenly spaced in an order by content where there are more. None
        stores all rows; "auto" is 2048.
    missing_values : number, str, np.nan, None or pandas.NA, default=np.nan
        What marks a missing entry, beside NaN, None and pandas.NA, which always do.
    shrinkage : "auto" or float, default="auto"
        Share of the identity in the correlations of the linear memory, in (0, 1]. "auto" recalls hidden entries with
        shares from .0001 to .2.
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Features that are categories: those of strings and of unordered categories in a data frame, or in an array of
        objects; else a mask, or indices or names of some that are categories too. None names none, as "from_dtype".
    max_iter : int, default=30
        Iterations of expectation maximisation, at most.
    sample_posterior : bool, default=False
        Whether `transform` draws what is missing, with the spread of what it may be, instead of giving its mean; see
        `sample` for several draws.
    add_indicator : bool, default=False
        Append columns to `transform` that tell what was missing, for features with missing entries in `fit`.
    keep_empty_features : bool, default=False
        Whether `transform` keeps features of which `fit` saw no entry, at 0; at the first category of those that a data
        frame declares, and at "missing_value" among strings. They are dropped else, and `fit` warns.
    random_state : int, RandomState instance or None, default=None
        Of draws. All else is the same every time.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where arrays may come from, and go back to; the work is done in host memory (many small systems of equations).

    Attributes
    ----------
    mean_ : array of shape (n_columns,)
        Mean of each number, share of each value of a category; in the order of the features.
    covariance_ : array of shape (n_columns, n_columns)
        Covariance of them in standard deviations, with `shrinkage_` of the identity.
    weights_ : array of shape (n_columns, n_memories)
        What each memory weighs: the linear one, then rows and residuals for each of `scales_`, then the mixture, if it
        counts. What a row lacks to 1 goes to the mean.
    scales_ : tuple of float
        Sharpnesses of the softmax memories that count, relative to the distance of the neighbourhood.
    categories_ : list of ndarray or None
        Values that each category may have; None for numbers.
    shrinkage_ : float
        Share of the identity in use.
    n_components_ : int
        Rows that are stored.
    n_iter_ : int
        Iterations of expectation maximisation.
    indicator_ : MissingIndicator or None
        What adds the indicator's columns.
    n_samples_seen_ : int
        Rows seen by `fit`, `partial_fit` and `merge`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    ModernHopfieldMemory : The softmax memory alone, which also corrects known entries.
    sklearn.impute.KNNImputer : Averages a fixed number of neighbours.

    Notes
    -----
    With P the inverse covariance, missing entries m of a row have conditional means -(P_mm)⁻¹ P_mo x_o: rows with gaps
    of one size are solved together. Softmax memories compare over common entries only; what a row lacks in `fit` is
    never completed from that row, so ``fit_transform(X)`` is ``fit(X).transform(X)``. A category is completed by the
    most votes, a whole number or boolean by the nearest that was seen. Of a category at most its 30 most frequent
    values are imputed, fewer where there are many categories.

    `partial_fit` and `merge` keep an even sample of the rows, all while they are 16,384 at most, and learn from it:
    expectation maximisation goes through rows with gaps again and again, so that no sums hold what it needs of all. Up
    to so many rows give the same fit in parts as at once; which are kept of more depends on their order.

    Cost: O(n_samples (g² n_columns + g³)) a pass for gaps of g columns, and O(n_samples n_components n_columns) for
    each scale; memory follows scikit-learn's ``working_memory``. Rows without gaps cost nothing.

    References
    ----------
    Little and Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., section 11 (the Gaussian by EM).
    Ghahramani and Jordan (1994), Supervised learning from incomplete data via an EM approach, NIPS 6 (the mixture).
    Ramsauer et al. (2021), Hopfield Networks is All You Need, ICLR, arXiv:2008.02217 (the softmax memory).
    Wolpert (1992), Stacked generalization, doi:10.1016/S0893-6080(05)80023-1 (the blend).

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import AssociativeImputer
    >>> X = np.arange(10.0)[:, None] * [1.0, 2.0, -1.0]
    >>> X[3, 1] = np.nan
    >>> AssociativeImputer().fit_transform(X)[3].round(1)
    array([ 3.,  6., -3.])
    """

    _anchor = "mean_"
    # Which rows are kept, and what they say.
    _learning_parameters = ("n_components", "missing_values", "categorical_features")
    _parameters: ClassVar = {
        "n_components": Options("auto", None) | COUNT,
        "missing_values": MissingMarker(),
        "shrinkage": Options("auto") | Interval(numbers.Real, low=0, high=1, low_open=True),
        "categorical_features": WithData(CATEGORICAL),
        "max_iter": COUNT,
        "sample_posterior": BOOLEAN,
        "add_indicator": BOOLEAN,
        "keep_empty_features": BOOLEAN,
        "random_state": RandomState(),
    }

    def __init__(
        self,
        n_components="auto",
        *,
        missing_values=np.nan,
        shrinkage="auto",
        categorical_features="from_dtype",
        max_iter=30,
        sample_posterior=False,
        add_indicator=False,
        keep_empty_features=False,
        random_state=None,
        backend=None,
    ):
        self.n_components = n_components
        self.missing_values = missing_values
        self.shrinkage = shrinkage
        self.categorical_features = categorical_features
        self.max_iter = max_iter
        self.sample_posterior = sample_posterior
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ learning

    @transactional
    def fit(self, X, y=None):
        """Learn from a table with gaps.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The table.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        TypeError
            For sparse input, and for columns that are neither numbers nor categories.
        ValueError
            For infinite entries, and columns of the same name. A failed call changes nothing.

        Warns
        -----
        UserWarning
            Of features without any entry, which `transform` drops.
        """
        X, table, placement, features = self._read_anew(X)
        self._keep(features, sampled(table.codes, n_before=0, at_most=self._n_kept(table.codes)))
        for _ in fit_tasks(self, [0], name="memories", n_tasks=1, X=X, attributes=dict):
            self._learn(table.codes, placement)
        self._warn_of_dropped()
        return self

    @transactional
    def partial_fit(self, X, y=None):
        """Learn from more rows: from a sample of all that came.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            More rows; a column may have categories that it had not before.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted to all rows as long as they are 16,384 at most (more where there are many features, or
            `n_components` asks for more), beyond that to as many of them, drawn evenly. A call costs a fit to these.

        Raises
        ------
        TypeError, ValueError
            As `fit`, for a column of numbers that held categories before, and for another `n_components`,
            `missing_values` or `categorical_features` than at first. A failed call changes nothing.

        Warns
        -----
        UserWarning
            Of features without any entry so far.
        """
        n_before = self.n_samples_seen_ if hasattr(self, "mean_") else 0
        X, table, placement, features = self._read_anew(X, method="partial_fit" if n_before else None)
        self._add(features, sampled(table.codes, n_before=n_before, at_most=self._n_kept(table.codes)))
        for _ in fit_tasks(self, [0], name="memories", n_tasks=1, X=X, attributes=dict):
            self._learn(self._sample.codes, placement)
        self._warn_of_dropped()
        return self

    def _take_in(self, other, placement, *, reset):
        self._add(other._features, other._sample)
        self._learn(self._sample.codes, placement)

    def _add(self, features, sample):
        """Join rows, coded as `features`, with those seen before."""
        if hasattr(self, "_sample"):
            names = getattr(self, "feature_names_in_", range(self.n_features_in_))
            joined, before = joined_features(self._features, features, names), self._sample
            before = replace(before, codes=recoded(before.codes, self._features, joined))
            sample = replace(sample, codes=recoded(sample.codes, features, joined))
            features, sample = joined, before.merged(sample, self._n_kept(sample.codes))
        self._keep(features, sample)

    def _keep(self, features, sample):
        self._features, self._sample, self.n_samples_seen_ = features, sample, sample.n_seen

    def _n_kept(self, codes):
        """Rows to keep of a stream, at most; None for all."""
        return None if self.n_components is None else n_learnt(codes.shape[1], self._n_stored(codes))

    def _n_stored(self, codes):
        return {"auto": _STORED, None: len(codes)}.get(self.n_components, self.n_components)

    def _learn(self, codes, placement):
        is_category = np.asarray([feature.kind == "category" for feature in self._features], dtype=bool)
        self._encoding = learnt_encoding(codes, is_category)
        values, known = self._encoding.columns(codes)
        self._completer = learnt_completer(
            values,
            known,
            self._encoding,
            n_stored=self._n_stored(codes),
            shrinkage=None if self.shrinkage == "auto" else float(self.shrinkage),
            max_iter=int(self.max_iter),
        )
        self.indicator_ = None
        if self.add_indicator:
            had_gaps = np.where(self._sample.had_gaps, np.nan, 0.0)
            self.indicator_ = MissingIndicator(error_on_new=False).fit(had_gaps[None, :])
        shown = (self._encoding.mean, self._completer.linear.covariance, self._completer.weights)
        self.mean_, self.covariance_, self.weights_ = map(placement.asarray, shown)
        self.scales_, self.shrinkage_ = self._completer.scales, self._completer.shrinkage
        self.n_components_, self.n_iter_ = len(self._completer.stored.values), self._completer.n_iter
        self.categories_ = [feature.levels if feature.kind == "category" else None for feature in self._features]

    # ------------------------------------------------------------------ completing

    def transform(self, X):
        """Fill the gaps of a table.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The table.

        Returns
        -------
        X : array or data frame of shape (n_samples, n_features_out)
            Known entries as they are. After ``set_output(transform="pandas")`` a frame's columns keep their types where
            those can hold what is filled in; else a column gets the categories that it lacks, or a wider type. Without
            it an array of numbers, or of objects where some are none.

        Raises
        ------
        ValueError
            For infinite entries, and for a column that cannot hold what `fit` saw in it, with gaps or without: strings
            where there were numbers, say. A column without any entry may have any type.
        """
        X, table, placement = self._read(X, method="transform")
        if self.sample_posterior:
            codes = self._filled_by_draw(table, self._completed(table), check_random_state(self.random_state))
        else:
            codes = self._filled(table)
        return self._written(X, table, codes, placement)

    def sample(self, X, n_draws=5):
        """Several completed tables, between which what is missing varies as much as it is uncertain.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The table.
        n_draws : int, default=5
            How many.

        Returns
        -------
        tables : list of arrays or data frames
            Each as `transform` gives it. Analyse each, then pool: the mean of the estimates, and Rubin's rules.

        Notes
        -----
        Each draw has a linear memory of its own, learnt from stored rows with random weights (a Bayesian bootstrap).
        Around the blend, numbers scatter by its conditional covariances, in the size of the errors on hidden entries;
        categories are drawn by their share of the vote.
        """
        check_number("n_draws", n_draws, kind=numbers.Integral, low=1)
        X, table, placement = self._read(X, method="sample")
        gaps, random = self._completed(table), check_random_state(self.random_state)
        draws = (self._filled_by_draw(table, gaps, random) for _ in range(n_draws))
        return [self._written(X, table, codes, placement) for codes in draws]

    def _filled(self, table):
        """Codes of a table with every entry."""
        codes, rows = table.codes.copy(), _with_gaps(table)
        for block in row_blocks(len(rows), 100 * len(self._encoding.feature), at_most=_BLOCK):
            gaps = self._completed(table, rows[block])
            self._fill(codes, gaps, self._encoding.scores(gaps.completed))
        return codes

    def _filled_by_draw(self, table, gaps, random):
        codes = table.codes.copy()
        self._fill(codes, gaps, self._drawn(gaps, random))
        return codes

    def _fill(self, codes, gaps, scores):
        found = codes[gaps.rows]
        codes[gaps.rows] = np.where(np.isnan(found), self._encoding.codes(scores), found)

    def _completed(self, table, rows=None):
        """Rows with gaps, or some of them, as a `_Gaps`; what they are completed by is in it."""
        rows = _with_gaps(table) if rows is None else rows
        values, known = self._encoding.columns(table.codes[rows])
        return _Gaps(rows, values, known, self._completer.complete(values, known))

    def _drawn(self, gaps, random):
        """Scores of completed columns, drawn: numbers with their spread, categories one by their shares of the vote."""
        scores = self._encoding.scores(self._completer.drawn(gaps.values, gaps.completed, gaps.known, random))
        shares = self._encoding.scores(gaps.completed)
        for _, block in self._encoding.blocks():
            if not np.isnan(self._encoding.level[block.start]):
                scores[:, block] = _one_of(shares[:, block], random)
        return scores

    def score(self, X, y=None):
        """How well hidden entries of a table come back, for searches over parameters.

        Ask rows that `fit` did not see: rows that it saw are stored with the entries that are hidden here, so that
        their score is too good.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The table. About a tenth of its known entries are hidden, as gaps occur in it, always the same ones.
        y : array-like or data frame of shape (n_samples, n_features), default=None
            The truth about all of `X`, whose gaps are what is asked then. Ignored where it has another shape, as labels
            of a pipeline, or knows of no gap, as `X` itself.

        Returns
        -------
        score : float
            1 - the mean loss: squared errors in units of the variance, wrong categories in units of the error of the
            most frequent one. 1 at most, about 0 for means and most frequent values.
        """
        X, table, _ = self._read(X, method="score")
        truth, asked = table, np.zeros_like(table.missing)
        if arrays.shape_of(y) == tuple(table.codes.shape):
            _, truth, _ = self._read(y, method="score")
            asked = table.missing & ~np.isnan(truth.codes)
        if not asked.any():
            truth, asked = table, self._hidden(table)
            table = Table(np.where(asked, np.nan, table.codes), table.missing | asked)
        codes = self._filled(table)
        losses = [
            self._losses(block, truth.codes[asked[:, j], j], codes[asked[:, j], j])
            for j, block in self._encoding.blocks()
        ]
        losses = np.concatenate([*losses, np.empty(0)])
        return 1.0 - float(losses.mean()) if len(losses) else 0.0

    def _losses(self, block, truth, found):
        encoding = self._encoding
        if np.isnan(encoding.level[block.start]):
            return ((truth - found) / encoding.scale[block.start]) ** 2
        return (truth != found) / max(1.0 - encoding.mean[block].max(), 1e-3)

    def _hidden(self, table):
        known = ~np.isnan(table.codes)
        hidden, there = np.zeros_like(known), np.unique(self._encoding.feature)
        if len(there):
            order = content_order(*self._encoding.columns(table.codes))
            hidden[np.ix_(order, there)] = hidden_entries(known[np.ix_(order, there)], check_random_state(0))
        return hidden


@dataclass(frozen=True)
class _Gaps:
    """Rows with gaps: which they are, their columns, what is known of them, and with what they are completed."""

    rows: Any
    values: Any
    known: Any
    completed: Any


def _with_gaps(table):
    return np.flatnonzero(table.missing.any(axis=1))


def _one_of(shares, random):
    """For each row a column that is 1, drawn by shares."""
    bounds = np.cumsum(np.maximum(shares, 0.0) + 1e-12, axis=1)
    chosen = (random.random_sample(len(shares))[:, None] * bounds[:, -1:] > bounds).sum(axis=1)
    return (np.arange(shares.shape[1]) == chosen[:, None]).astype(np.float64)
