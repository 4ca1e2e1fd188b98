"""InvariantProjection: the directions along which rows of one identity vary least beside all rows."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.merging import MergeableEstimator
from skamem.core.parameters import COUNT, Interval, Options
from skamem.core.reduction import PairwiseReduction
from skamem.core.rows import Rows, row_blocks
from skamem.core.scatter import unit_of
from skamem.preprocessing import _scatter

__all__ = ["InvariantProjection"]

_BLOCK = 256  # rows at once: groups are summed by products, which cost more than the scatter where they are more


class InvariantProjection(ClassNamePrefixFeaturesOutMixin, SkamemTransformer, MergeableEstimator):
    """Linear features that ignore what changes between rows of one identity, learnt from such rows.

    Rows of one identity are what should be the same: moved copies of an image (`skamem.datasets.make_transformed`),
    takes of one voice, one material under several instruments. Of all directions of unit total variance those are kept
    along which rows of one identity vary least, S_within v = λ S_total v with small λ. Other identities than those of
    `fit`, of other classes even, are then told apart by their distances.

    Parameters
    ----------
    n_components : int, "auto" or None, default="auto"
        Features, those of the smallest λ, >= 1; fewer where there are no more, `n_components_` says. None: all, one
        less than identities, and no more than the rank of X.
        "auto": as many as tell identities apart best by squared distances (see Notes); other uses may want more.
    shrinkage : float, "auto" or None, default="auto"
        How much of the within-identity scatter, in [0, 1], is replaced by a sphere of the same trace, so that few
        identities do not mislead. "auto": by how much the scatters of the identities differ (see Notes). None, or 0:
        none, linear discriminant analysis with the identities as classes.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    components_ : array of shape (n_features_out, n_features)
        Directions, in rows: the projection. Along each the rows of `fit` have variance 1.
    eigenvalues_ : array of shape (n_features_out,)
        λ, ascending, in [0, 1]: the share that variance within identities has in all, with its sphere if `shrinkage`.
    n_components_ : int
        Features.
    shrinkage_ : float
        The shrinkage used.
    mean_ : array of shape (n_features,)
        Mean of the rows.
    decoder_ : array of shape (n_features_out, n_features)
        Least-squares map from features to rows less their mean.
    identities_ : list
        Labels of the identities seen, sorted.
    n_samples_seen_ : float
        Rows seen, by weight.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.datasets.make_transformed : Moved copies of images, and whose they are.
    skamem.datasets.stream_transformed : The same in blocks, for `partial_fit`.
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis : With identities as classes and without shrinkage the same
        space, scaled to unit variance within.

    Notes
    -----
    The shrinkage "auto" is that of Ledoit and Wolf (2004), J. Multivar. Anal. 88:365, for as many Gaussian rows as
    would know the scatter as well: many fewer than there are where identities vary each in its own way. It is no more
    than 0.1, lest it bury the directions of least variance, those looked for. It depends on sums alone; so
    `partial_fit` gives what `fit` gives to rounding, whatever the blocks and their order. A sphere means something
    where columns have one unit, pixels say; scale others first, by StandardScaler. Without shrinkage units do not
    matter, nor any other linear map of full rank.

    "auto" components: as many as make rows of one identity closest to each other, counted in AUC, if what moves them
    moves all components at once. Where an identity has few rows λ comes out too small, since they have their mean in
    common; here λ n / (n - n_identities) stands for it, where n counts rows by weight. Weights that are all below 1,
    such as 1 / n, are shares of the largest.

    Kept for `partial_fit`: two scatters, and mean and variances of each identity. Cost: O(n_features²) a row and
    O(n_features³) a call: one block of many rows is cheaper than many of few.

    References
    ----------
    Fisher (1936), Ann. Eugen. 7:179, doi:10.1111/j.1469-1809.1936.tb02137.x.

    Examples
    --------
    Two columns move together and tell nothing, though they vary most; the third says who it is:

    >>> import numpy as np
    >>> from skamem import InvariantProjection
    >>> identity = np.repeat(np.arange(10), 20)
    >>> rng = np.random.default_rng(0)
    >>> nuisance = 5 * rng.standard_normal(200)
    >>> X = np.column_stack([nuisance, nuisance, identity]) + 0.1 * rng.standard_normal((200, 3))
    >>> features = InvariantProjection().fit_transform(X, identity)
    >>> print(np.round([features[identity == 3].std(), features.std()], 2))
    [0.04 1.  ]
    """

    _parameters: ClassVar = {
        "n_components": COUNT | Options("auto", None),
        "shrinkage": Interval(Real, low=0, high=1) | Options("auto", None),
    }
    _anchor = "mean_"

    def __init__(self, n_components="auto", *, shrinkage="auto", backend=None):
        self.n_components = n_components
        self.shrinkage = shrinkage
        self.backend = backend

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Learn the projection.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Identity of each row: numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, >= 0: how many rows each stands for.

        Returns
        -------
        self : object
            The fitted projection.

        Raises
        ------
        ValueError
            Without `y`; for X that is not finite or does not vary; for one identity only, or where rows of one identity
            do not differ: then nothing says what to ignore. A failed call changes nothing.
        """
        X, placement = self._receive(X, reset=True, ensure_min_samples=2)
        self._learn(X, y, sample_weight, placement)
        self._solve(required=True)
        return self

    @transactional
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from more rows, of old identities and new ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Identity of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, >= 0.

        Returns
        -------
        self : object
            Fitted as soon as there are two identities, and rows of one that differ; until then it only counts.

        Raises
        ------
        ValueError
            As `fit`. A failed call changes nothing.
        """
        reset = not hasattr(self, "_sums")
        X, placement = self._receive(X, reset=reset, method=None if reset else "partial_fit")
        self._learn(X, y, sample_weight, placement)
        self._solve(required=False)
        return self

    def _take_in(self, other, placement, *, reset):
        xp, known = placement.xp, self._known
        if not reset:
            _check_alike(other._known["labels"], known["labels"], "other has")
        more = _scatter.placed(other._known, placement, (other if reset else self)._sums["total"].dtype)
        with arrays.overflow_expected():
            sums = more if reset else _scatter.merged(known, more)
        self._keep(sums, arrays.wider_dtype(xp, other.mean_, None if reset else self.mean_))
        self._solve(required=False)

    def _learn(self, X, y, sample_weight, placement):
        """Add rows to the sums."""
        labels, codes = validation.check_groups(y, X, owner=type(self).__name__)
        xp = placement.xp
        weight = validation.check_sample_weight(sample_weight, X, placement, xp.float64)
        order = np.argsort(codes, kind="stable")  # so that a block has few identities, and most of them whole
        if weight is not None:
            order = order[arrays.to_numpy(weight)[order] > 0]
        known = self._known
        if known is not None:
            _check_alike(labels, known["labels"], "y has")
        dtype = arrays.float_dtype(X, xp) if known is None else arrays.wider_dtype(xp, X, self.mean_)
        parts = PairwiseReduction(_scatter.merged)
        if known is not None:
            parts.add(known, first=True)
        rows = Rows(X, placement)
        blocks = list(row_blocks(len(order), 8 * 8 * X.shape[1], at_most=_BLOCK))
        for block in fit_tasks(
            self, blocks, name="block", n_tasks=len(blocks), X=X, y=y,
            attributes=lambda: self._solution(parts.result(), dtype) or {},
        ):  # fmt: skip
            index = order[block]
            values = rows.take(index)
            values = xp.astype(values, arrays.widest_float(values), copy=False)
            present, groups = np.unique(codes[index], return_inverse=True)
            block_weight = (
                None if weight is None else xp.astype(xp.take(weight, placement.asarray(index)), values.dtype)
            )
            unit = unit_of(values)
            with arrays.overflow_expected():  # of sums by huge weights, which are refused below
                parts.add(_scatter.grouped_scatter(values / unit, groups, labels[present], block_weight, unit))
        with arrays.overflow_expected():
            sums = parts.result()
        self._keep(sums, dtype)

    def _keep(self, sums, dtype):
        xp = arrays.namespace(sums["total"])
        if not bool(xp.all(xp.isfinite(sums["total"]))):
            raise ValueError("sample_weight is so large that no float holds the sums by it; scale the weights.")
        self.identities_, self.n_samples_seen_ = sums["labels"].tolist(), sums["weight"]
        self._sums = {name: value for name, value in sums.items() if name != "labels"}
        self.mean_ = xp.astype(sums["mean"] * sums["unit"], dtype)

    @property
    def _known(self):
        """The sums of all rows seen; None before any."""
        return self._sums | {"labels": np.asarray(self.identities_)} if hasattr(self, "_sums") else None

    def _solve(self, *, required):
        solution = self._solution(self._known, self.mean_.dtype, required=required)
        for name, value in (solution or {}).items():
            setattr(self, name, value)

    def _solution(self, sums, dtype, *, required=False):
        """Fitted attributes by name; None where nothing says yet what to ignore, an error if it should."""
        reason = _reason_to_wait(sums)
        if reason and required:
            raise ValueError(f"{type(self).__name__} {reason}")
        if reason:
            return None
        shrinkage = self.shrinkage or 0.0
        if shrinkage == "auto":
            shrinkage = _scatter.shrinkage_of(sums)
        shares, directions = _scatter.invariant_directions(sums, float(shrinkage))
        xp = arrays.namespace(directions)
        n_components = self.n_components or shares.shape[0]
        if n_components == "auto":
            n_components = _scatter.rank_of(shares, weight=_scatter.n_rows_of(sums), n_groups=len(sums["labels"]))
        shares, directions, unit = shares[:n_components], directions[:n_components, :], sums["unit"]
        covariance = directions @ (sums["total"] / sums["weight"])
        decoder = xp.linalg.pinv(covariance @ xp.matrix_transpose(directions)) @ covariance
        mean = sums["mean"] * unit
        # What rounding to the type of the rows takes from a mean far from 0 is given back after the projection.
        lost = directions @ ((xp.astype(xp.astype(mean, dtype), mean.dtype) - mean) / unit)
        given = {"eigenvalues_": shares, "decoder_": decoder * unit, "_lost": lost, "mean_": mean}
        with arrays.overflow_expected():
            components = xp.astype(directions / unit, dtype)
        if not bool(xp.all(xp.isfinite(components))):
            raise ValueError("X varies by so little that no float holds its inverse; scale it, by StandardScaler say.")
        return {name: xp.astype(value, dtype) for name, value in given.items()} | {
            "components_": components,
            "n_components_": int(shares.shape[0]),
            "shrinkage_": float(shrinkage),
        }

    def transform(self, X):
        """Project rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of identities known or not.

        Returns
        -------
        features : array of shape (n_samples, n_features_out)
            dtype of `X`. Rows of one identity are near each other.
        """
        self._check_solved()
        X, placement = self._receive(X, reset=False, method="transform")
        dtype, xp = placement.working_dtype, placement.xp
        mean, directions, lost = (xp.astype(a, dtype, copy=False) for a in (self.mean_, self.components_, self._lost))
        directions = xp.matrix_transpose(directions)
        rows = Rows(X, placement, dtype).blocks(8 * (2 * X.shape[1] + self.n_components_))
        return placement.give(((values - mean) @ directions + lost for _, values in rows), X.shape[0])

    def inverse_transform(self, X):
        """Rows of which features tell: the least-squares estimate, without what the projection ignores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_out)
            Features as `transform` gives them.

        Returns
        -------
        rows : array of shape (n_samples, n_features)
            dtype of `X`.
        """
        self._check_solved()
        X, placement = self._receive_outputs(X, self.n_components_, method="inverse_transform", unit="feature")
        dtype, xp = placement.working_dtype, placement.xp
        mean, decoder = (xp.astype(array, dtype, copy=False) for array in (self.mean_, self.decoder_))
        rows = Rows(X, placement, dtype).blocks(8 * (2 * self.n_features_in_ + self.n_components_))
        return placement.give((values @ decoder + mean for _, values in rows), X.shape[0])

    def _check_solved(self):
        waits = hasattr(self, "_sums") and not hasattr(self, "components_")
        check_is_fitted(self, msg=f"This %(name)s {_reason_to_wait(self._known)}" if waits else None)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "components_")

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _check_alike(labels, known, found):
    """Numbers and strings are no labels of one kind: 1 and "1" would become one identity."""
    if (labels.dtype.kind == "U") != (known.dtype.kind == "U"):
        raise ValueError(
            f"{found} identities such as {labels[:1].tolist()}, but those known are such as {known[:1].tolist()}. Give "
            "all as numbers or all as strings."
        )


def _reason_to_wait(sums):
    """Why sums do not say what to ignore, for messages; None where they do."""
    xp = arrays.namespace(sums["total"])
    if len(sums["labels"]) < 2:
        return (
            f"needs rows of at least 2 identities, but y has only one class: {sums['labels'].tolist()}. Give rows that "
            "should be told apart different labels."
        )
    if not bool(xp.any(_scatter.varies(xp.linalg.diagonal(sums["total"]), sums))):
        return "found no column of X that varies; expected features that differ between identities."
    if not bool(xp.any(_scatter.varies(xp.linalg.diagonal(sums["within"]), sums))):
        return (
            "found no two rows of one identity that differ, so nothing says what to ignore. y must hold the identity "
            "of each row, several rows of each; skamem.datasets.make_transformed makes such rows of images."
        )
    return None
