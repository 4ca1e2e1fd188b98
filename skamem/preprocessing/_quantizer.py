"""HierarchicalVectorQuantizer: codebooks of parts of a row, then codebooks of their codes."""

import dataclasses
import math
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import COUNT, Interval, Options, Pair, RandomState, Several, WithData, plain
from skamem.core.rows import Rows, row_blocks
from skamem.preprocessing._codebooks import Descent, first_hierarchy, standardised
from skamem.preprocessing._hierarchy import Hierarchy, largest_codes, len_of, whole_codes
from skamem.preprocessing._parts import column_parts, merged, patch_parts
from skamem.training import merged_rows

__all__ = ["HierarchicalVectorQuantizer"]


class HierarchicalVectorQuantizer(ClassNamePrefixFeaturesOutMixin, SkamemTransformer):
    """Compress rows to few codes: codebooks of parts, then books whose entries are tuples of codes.

    A row is cut into parts, groups of columns or patches of an image, and each part has a codebook, as in product
    quantisation. A code of the next level stands for a tuple of codes below it, so that its book holds indices, no
    numbers, and a row is coded by looking up the distances of its parts.

    Parameters
    ----------
    n_codes : int or tuple of int, default=(64, 256)
        Codes of each part, then of each group of parts, and so on: one number a level, >= 1. An int stands for parts
        alone. Fewer codes are made where there are fewer distinct rows, or codes above.
    groups : int or sequence of sequences, default=None
        How columns are cut: the number of parts, side by side, or the columns of each part by index or name. None: two
        parts, or as many as it takes for 8 columns a part at most.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images whose pixels, in C order, are the columns; parts are then
        patches, and `groups` is None.
    patch_size : int or pair of int, default=None
        Sides of a patch; patches at the border are smaller where it does not divide the image. None: a quarter of each
        side of the image, a half of one below 16 pixels.
    merge : int or tuple, default=None
        How many neighbours one code of the next level stands for, along each axis of the grid of patches; one number a
        level above the first, or one for all; None in it is all that there are. None: 2 at each level, and all at the
        last.
    output : {"codes", "top", "one-hot"}, default="codes"
        What `transform` gives and `inverse_transform` takes. "codes": a code a part. "top": the codes of the last
        level, all that needs to be kept of a row. "one-hot": the same with a column for each code, for linear models.
    n_init : int, default=1
        Starts of each k-means, >= 1.
    max_iter : int, default=100
        Most passes over the rows, >= 1, of which the first codes them by what k-means found.
    tol : float, default=1e-4
        `fit` ends when a pass lowers the distortion by less than this share of it, >= 0.
    random_state : int, RandomState instance or None, default=None
        Draws the starts of k-means.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to code and decode; None follows the input. `fit` learns on the host.

    Attributes
    ----------
    parts_ : list of int ndarray
        Columns of each part, ascending.
    codebooks_ : list of arrays of shape (n_codes, n_columns)
        Of each part: the values that its codes stand for.
    nodes_ : list of lists of int ndarray
        For each level above the first: which of the codes below each of its codes stands for.
    tables_ : list of lists of int arrays of shape (n_codes, n_below)
        For each of these: the codes below that its codes stand for.
    distortion_curve_ : list of float
        Mean squared distance of the training rows from what their codes stand for, after k-means and after each further
        pass; it never rises.
    n_iter_ : int
        Its length.
    rate_ : float
        Bits a row: the sum of log2 of the numbers of codes of the last level.
    n_stored_ : int
        Numbers stored: those of the codebooks and the indices of the tables.
    mean_ : array of shape (n_features,)
        Mean of the rows. Distances are taken of ``(X - mean_) / scale_``, so that no offset and no unit costs digits.
    scale_ : float
        A power of two.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    sklearn.cluster.KMeans : One codebook of whole rows: the least distortion for its rate, at the most numbers stored.
    skamem.BipolarEncoder : Two-valued codes for memories.

    Notes
    -----
    Distances are Euclidean: bring columns to common units first. Coding is exact, that is, no code of the last level is
    nearer to the row. Among books of equal rate an optimal flat one has the least distortion, since it is free in every
    number; that of tuples stores fewer numbers and is searched faster when rows are long. Parts without a level above
    use more bits and get nearer.

    k-means (scikit-learn's, by mini-batches from 10,000 rows on) of the rows starts the last level, k-means of its
    centres, cut, those below. Then rows choose their codes, codes the tuples, and centres the means, in turn; each step
    is the best there is, the others given. Rows of weight 2 count as two equal ones, and neither the order of rows
    nor that of groups changes the fit. Cost of coding a row: O(n_codes[0] n_features) products, and as many look-ups as
    the tables have entries.

    References
    ----------
    Gersho and Gray (1992), Vector Quantization and Signal Compression, doi:10.1007/978-1-4615-3626-0.
    Jégou, Douze and Schmid (2011), IEEE Trans. PAMI 33:117, doi:10.1109/TPAMI.2010.57 (codes of parts, distances by
    look-up).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skamem import HierarchicalVectorQuantizer
    >>> X, _ = load_digits(return_X_y=True)
    >>> quantizer = HierarchicalVectorQuantizer((16, 64), image_shape=(8, 8), output="top", random_state=0).fit(X)
    >>> quantizer.transform(X).shape, quantizer.rate_  # one index an image
    ((1797, 1), 6.0)
    >>> quantizer.n_stored_  # 16 patches of 16 pixels in each of 4 places, and 64 tuples of 4 codes
    1280
    >>> restored = quantizer.inverse_transform(quantizer.transform(X))
    >>> bool(((X - restored) ** 2).sum() < 0.5 * ((X - X.mean(axis=0)) ** 2).sum())
    True
    """

    _anchor = "mean_"
    _stays_home = ("parts_", "nodes_")
    _parameters: ClassVar = {
        "n_codes": COUNT | Several(COUNT),
        "groups": WithData("None, a number of parts, or the columns of each by index or name"),
        "image_shape": Several(COUNT) | None,
        "patch_size": COUNT | Pair(COUNT) | None,
        "merge": COUNT | Several(COUNT | None) | None,
        "output": Options("codes", "top", "one-hot"),
        "n_init": COUNT,
        "max_iter": COUNT,
        "tol": Interval(Real, low=0),
        "random_state": RandomState(),
    }

    def __init__(
        self,
        n_codes=(64, 256),
        *,
        groups=None,
        image_shape=None,
        patch_size=None,
        merge=None,
        output="codes",
        n_init=1,
        max_iter=100,
        tol=1e-4,
        random_state=None,
        backend=None,
    ):
        self.n_codes = n_codes
        self.groups = groups
        self.image_shape = image_shape
        self.patch_size = patch_size
        self.merge = merge
        self.output = output
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.backend = backend

    def _check_parameters(self):
        super()._check_parameters()
        if self.image_shape is not None and len(self.image_shape) not in (2, 3):
            raise ValueError(
                f"image_shape={self.image_shape!r} has {len(self.image_shape)} entries; expected (height, width) or "
                "(height, width, channels)."
            )
        if self.image_shape is not None and self.groups is not None:
            raise ValueError(
                f"groups={self.groups!r} beside image_shape={self.image_shape!r}; expected one of them: the parts of "
                "an image are its patches."
            )
        if self.image_shape is None and self.patch_size is not None:
            raise ValueError(f"patch_size={self.patch_size!r} without image_shape; give the shape of the images.")
        if isinstance(self.merge, tuple | list) and len(self.merge) != len(self._levels()) - 1:
            raise ValueError(
                f"merge={self.merge!r} has {len(self.merge)} entries; expected {len(self._levels()) - 1}, one for each "
                f"level above the first of n_codes={self.n_codes!r}."
            )

    def _levels(self):
        """Numbers of codes, a level each."""
        return [plain(n) for n in ([self.n_codes] if isinstance(self.n_codes, Integral) else self.n_codes)]

    def _layout(self):
        """(parts, nodes) of the rows that `fit` sees."""
        if self.image_shape is None:
            parts = column_parts(plain(self.groups), self.n_features_in_, getattr(self, "feature_names_in_", None))
            grid = (len(parts),)
        else:
            parts, grid = patch_parts(self.image_shape, self.patch_size, self.n_features_in_)
        return parts, merged(grid, self.merge, len(self._levels()) - 1)

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Learn the codebooks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in units that make distances mean something.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, >= 0. None: once.

        Returns
        -------
        self : object
            The fitted quantizer.

        Raises
        ------
        TypeError
            For sparse input.
        ValueError
            For NaN or infinity; for rows that vary by so much or so little that no float holds their squares; for parts
            that leave columns out or repeat them; for an image of another size. A failed call changes nothing.
        """
        X, placement = self._receive(X, reset=True)
        weights = validation.check_sample_weight(sample_weight, X, arrays.resolve_backend("numpy", X), np.float64)
        parts, nodes = self._layout()
        host = arrays.to_numpy(X)
        weights = np.ones(len(host)) if weights is None else weights / weights.max()
        index, weights = merged_rows(host, np.zeros(len(host), dtype=np.intp), weights)
        rows, mean, scale = standardised(host[index], weights)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        start = first_hierarchy(rows, weights, parts, nodes, self._levels(), n_init=int(self.n_init), seed=seed)
        descent = Descent(start, rows, weights)
        curve = [descent.distortion]
        _check_squares(curve[0], scale, float(np.finfo(host.dtype).eps))

        def attributes():
            return self._fitted(descent.hierarchy, curve, mean, scale, placement, host.dtype)

        tasks = fit_tasks(self, self._passes(descent, curve), name="pass", n_tasks=None, X=X, attributes=attributes)
        for _ in tasks:
            pass
        for name, value in attributes().items():
            setattr(self, name, value)
        return self

    def _passes(self, descent, curve):
        """Go down as long as it is worth a pass; yields after the start, and after each."""
        yield
        for _ in range(int(self.max_iter) - 1):
            if curve[-1] == 0.0 or not descent.step():
                return
            curve.append(descent.distortion)
            yield
            if curve[-2] - curve[-1] <= float(self.tol) * curve[-2]:
                return

    @staticmethod
    def _fitted(hierarchy, curve, mean, scale, placement, dtype):
        """Fitted attributes, in the user's units."""
        books = zip(hierarchy.parts, hierarchy.codebooks, strict=True)
        books = [(mean[part] + scale * book).astype(dtype) for part, book in books]
        tables = [[table.astype(np.int64) for table in level] for level in hierarchy.tables]
        places = Hierarchy.places_of(hierarchy.parts, hierarchy.nodes)
        return {
            "parts_": hierarchy.parts,
            "codebooks_": [placement.asarray(book) for book in books],
            "nodes_": hierarchy.nodes,
            "tables_": [[placement.asarray(table) for table in level] for level in tables],
            "distortion_curve_": [distortion * scale * scale for distortion in curve],
            "n_iter_": len(curve),
            "rate_": sum(math.log2(n) for n in hierarchy.n_codes),
            "n_stored_": sum(book.size for book in [*books, *(table for level in tables for table in level)]),
            "mean_": placement.asarray(mean.astype(dtype)),
            "scale_": scale,
            "_places": {name: placement.asarray(index) for name, index in places.items()},
        }

    def _coder(self, placement, dtype):
        """The hierarchy where it is to compute."""
        offset = placement.asarray(self.mean_, dtype) / self.scale_
        if self._places["cut"] is not None:
            offset = placement.xp.take(offset, self._places["cut"], axis=0)
        start, books = 0, []
        for book in self.codebooks_:
            end = start + book.shape[1]
            books.append(placement.asarray(book, dtype) / self.scale_ - offset[start:end])
            start = end
        return Hierarchy(self.parts_, books, self.nodes_, self.tables_, self._places, offset, self.scale_)

    def _coded(self, X, method):
        """Validated X, where to compute, the hierarchy there; and blocks of rows with their codes of the last level."""
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method)
        hierarchy = self._coder(placement, placement.working_dtype)
        rows = Rows(X, placement, placement.working_dtype)
        blocks = rows.blocks(hierarchy.row_bytes, at_most=hierarchy.rows_at_once(placement.xp))
        return X, placement, hierarchy, ((block, hierarchy.encode(block)) for _, block in blocks)

    def transform(self, X):
        """Code rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in the units of those that `fit` saw.

        Returns
        -------
        codes : array of shape (n_samples, n_features_out)
            By `output`. "codes": int64, one a part, those that the last level's codes stand for. "top": int64, one for
            each code of the last level. "one-hot": 0 and 1 in the type of `X`, the codes of each node side by side.
        """
        X, placement, hierarchy, blocks = self._coded(X, "transform")
        return placement.give((self._shown(codes, hierarchy, placement) for _, codes in blocks), X.shape[0])

    def _shown(self, codes, hierarchy, placement):
        if self.output == "codes":
            return hierarchy.part_codes(codes)
        if self.output == "top":
            return codes
        xp, dtype = placement.xp, placement.working_dtype
        numbers = [xp.arange(n, dtype=codes.dtype, device=placement.device) for n in hierarchy.n_codes]
        on = [codes[:, node : node + 1] == every[None, :] for node, every in enumerate(numbers)]
        return xp.astype(xp.concat(on, axis=1), dtype)

    def quantize(self, X):
        """Rows as their codes stand for them: ``inverse_transform(transform(X))``, whatever `output`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_quantized : array of shape (n_samples, n_features)
            In the type of `X`.
        """
        X, placement, hierarchy, blocks = self._coded(X, "quantize")
        values = self._values(placement, placement.working_dtype)
        return placement.give((values.decode(hierarchy.part_codes(codes)) for _, codes in blocks), X.shape[0])

    def _values(self, placement, dtype):
        """The hierarchy in the user's units."""
        books = [placement.asarray(book, dtype) for book in self.codebooks_]
        return Hierarchy(self.parts_, books, self.nodes_, self.tables_, self._places)

    def inverse_transform(self, X):
        """Rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_out)
            What `transform` gives with the same `output`. Of "one-hot" the largest entry of each node counts, so that
            probabilities will do. Codes of parts need not be tuples that the next level knows.

        Returns
        -------
        rows : array of shape (n_samples, n_features)
            In the type of the codebooks.

        Raises
        ------
        ValueError
            For codes that are no whole numbers, or that there are not.
        """
        check_is_fitted(self)
        codes, placement = self._receive_outputs(X, self._n_features_out, method="inverse_transform", unit="code")
        codes = placement.asarray(codes)
        placement = dataclasses.replace(placement, dtype=self.mean_.dtype)
        values = self._values(placement, self.mean_.dtype)
        if self.output == "one-hot":
            codes = largest_codes(codes, values.n_codes)
        else:
            n_codes = [len_of(book) for book in values.codebooks] if self.output == "codes" else values.n_codes
            codes = whole_codes(codes, placement.asarray(np.asarray(n_codes)))
        blocks = row_blocks(len_of(codes), values.row_bytes)
        shown = (codes[rows, :] for rows in blocks)
        if self.output != "codes":
            shown = map(values.part_codes, shown)
        return placement.give(map(values.decode, shown), len_of(codes))

    def score(self, X, y=None, sample_weight=None):
        """Minus the distortion: the mean over rows of the squared distance from what their codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts. None: once.

        Returns
        -------
        score : float
            At most 0; larger is better, as searches want it. -inf where rows are so far off that no float holds their
            squares.
        """
        X, placement, hierarchy, blocks = self._coded(X, "score")
        weights = validation.check_sample_weight(sample_weight, X, arrays.resolve_backend("numpy", X), np.float64)
        xp, losses = placement.xp, []
        mean = placement.asarray(self.mean_, placement.working_dtype) / self.scale_
        for block, codes in blocks:
            with arrays.overflow_expected():
                off = block / self.scale_ - mean - hierarchy.decode(hierarchy.part_codes(codes))
                losses.append(arrays.to_numpy(xp.sum(off * off, axis=1)).astype(np.float64))
        losses = np.concatenate(losses)
        kept = np.ones(len(losses), dtype=bool) if weights is None else weights > 0
        weights = None if weights is None else weights[kept] / weights.max()
        return 0.0 - float(np.average(losses[kept], weights=weights)) * self.scale_ * self.scale_

    @property
    def _n_features_out(self):
        if self.output == "codes":
            return len(self.parts_)
        top = self.tables_[-1] if self.tables_ else self.codebooks_
        return len(top) if self.output == "top" else sum(map(len_of, top))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are integers
        return tags


def _check_squares(distortion, scale, eps):
    """Raise where no float holds a distortion in the user's units: it would be infinite, or 0 as if nothing were lost.

    It is of rows of magnitude about 1; one below `eps` is rounding.
    """
    limits = np.finfo(np.float64)
    size = math.sqrt(distortion) * scale
    if size > math.sqrt(limits.max) or (distortion > eps and size < math.sqrt(limits.smallest_normal)):
        raise ValueError(
            f"X is about {size:.1g} from what its codes stand for, whose square no float holds; expected rows of other "
            f"units. Divide X by its magnitude, about {scale:.0e}."
        )
