"""IHTSparseCoder: samples as combinations of few atoms of a dictionary."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import Interval, Matrix, Options, plain
from skamem.core.rows import row_blocks
from skamem.sparse.objective._design import host
from skamem.sparse.objective._quadratic import DenseQuadratic
from skamem.sparse.search._chains import Chains

__all__ = ["IHTSparseCoder"]

_TOL = 1e-7
# Bytes of work arrays that a block of samples may take: many samples share each NumPy call, and stay in cache.
_BLOCK_BYTES = 2**23


class IHTSparseCoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SkamemEstimator):
    """Code each sample by at most s atoms of a dictionary: best additions, improved by exact exchanges.

    Minimises ‖x - Σ_k a_k d_k‖² subject to ‖a‖₀ <= s for every sample x, as `sklearn.decomposition.SparseCoder` with
    orthogonal matching pursuit, but each atom is chosen by the loss that it takes away, and members are exchanged
    until no exchange of one lowers the loss. All samples of a block advance in lock step.

    Parameters
    ----------
    dictionary : array-like of shape (n_components, n_features), default=None
        Atoms, of any length. None takes the samples that `fit` sees: coding by stored patterns.
    n_nonzero_coefs : int, default=None
        Most atoms a sample, >= 0. None: a tenth of the features, at least 1, at most n_components.
    effort : {"swap", "fast"}, default="swap"
        fast: additions only.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Where products of samples and atoms run; None follows X.

    Attributes
    ----------
    components_ : array of shape (n_components, n_features)
        The atoms.
    n_components_ : int
        Their number.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    ValueError
        In `fit`: when `n_nonzero_coefs` is larger than the number of atoms, or the dictionary does not have the
        features of X.

    Notes
    -----
    A block of b samples costs O(b s n_components) for each of s atoms and each exchange.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import IHTSparseCoder
    >>> atoms = np.asarray([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 1.0, 1.0]])
    >>> IHTSparseCoder(atoms, 2).fit_transform([[3.0, 3.0, 4.0], [5.0, 2.0, 0.0]])
    array([[-0.5,  0. ,  3.5],
           [ 5. ,  1. ,  0. ]])
    """

    _anchor = "components_"
    _parameters: ClassVar = {
        "dictionary": Matrix() | None,
        "n_nonzero_coefs": Interval(Integral, low=0) | None,
        "effort": Options("swap", "fast"),
    }

    def __init__(self, dictionary=None, n_nonzero_coefs=None, *, effort="swap", backend=None):
        self.dictionary = dictionary
        self.n_nonzero_coefs = n_nonzero_coefs
        self.effort = effort
        self.backend = backend

    @transactional
    def fit(self, X, y=None):
        """Take in the dictionary, or the samples as atoms.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Samples to be coded; only looked at if `dictionary` is None.
        y : None
            Ignored.

        Returns
        -------
        self : IHTSparseCoder
        """
        X, placement = self._receive(X, reset=True)
        X = placement.asarray(X)
        atoms = X
        if self.dictionary is not None:
            atoms = check_array(self.dictionary, input_name="dictionary", dtype=None)
            if atoms.shape[1] != X.shape[1]:
                raise ValueError(
                    f"dictionary has {atoms.shape[1]} features, but X has {X.shape[1]}; expected atoms with the "
                    "features of the samples, as rows. Transpose it if atoms are its columns."
                )
        if self.n_nonzero_coefs is not None and self.n_nonzero_coefs > atoms.shape[0]:
            raise ValueError(
                f"n_nonzero_coefs={self.n_nonzero_coefs} is more than the {atoms.shape[0]} atoms; expected "
                f"0 <= n_nonzero_coefs <= {atoms.shape[0]}."
            )
        for taken in fit_tasks(self, [atoms], name="dictionary", n_tasks=1, X=X):
            self.components_ = arrays.copy(placement.asarray(taken, X.dtype))
            self.n_components_ = taken.shape[0]
        return self

    @property
    def _n_features_out(self):
        return self.n_components_

    def transform(self, X):
        """Code samples.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            In the units of the atoms.

        Returns
        -------
        codes : array of shape (n_samples, n_components)
            At most s nonzeros a row; in the namespace and type of X.
        """
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method="transform")
        X, atoms = (placement.asarray(rows, placement.working_dtype) for rows in (X, self.components_))
        codes = np.zeros((X.shape[0], self.n_components_))
        coding = _Coding(atoms, self._size(), swaps=self.effort == "swap")
        for rows in row_blocks(X.shape[0], coding.row_bytes, at_most=_BLOCK_BYTES // coding.row_bytes):
            coding.fill(codes[rows], X[rows, :])
        return placement.give(codes)

    def inverse_transform(self, codes):
        """Samples from codes.

        Parameters
        ----------
        codes : array of shape (n_samples, n_components)
            As `transform` returns them.

        Returns
        -------
        X : array of shape (n_samples, n_features)
            Combinations of the atoms.
        """
        check_is_fitted(self)
        codes, placement = self._receive_outputs(
            codes, self.n_components_, method="inverse_transform", name="codes", unit="atom"
        )
        dtype = placement.working_dtype
        return placement.give(placement.asarray(codes, dtype) @ placement.asarray(self.components_, dtype))

    def _size(self):
        if self.n_nonzero_coefs is not None:
            return min(plain(self.n_nonzero_coefs), self.n_components_)
        return min(max(self.n_features_in_ // 10, 1), self.n_components_)


class _Coding:
    """Codes over one dictionary, block by block."""

    def __init__(self, atoms, size, *, swaps):
        self.xp = arrays.namespace(atoms)
        xp = self.xp
        atoms, units = _in_units(atoms)
        wide = host(xp.concat([atoms, units], axis=1))  # they come at once
        wide, self.atom_unit = wide[:, :-1], wide[:, -1]
        norms = np.linalg.norm(wide, axis=1)
        self.usable = norms > 0.0
        self.inverse_norm = np.where(self.usable, 1 / np.where(self.usable, norms, 1.0), 0.0)
        self.gram = (wide @ wide.T) * self.inverse_norm[:, None] * self.inverse_norm
        self.atoms = atoms
        self.size = size
        self.swaps = swaps
        self.row_bytes = 8 * (size + 2) * (len(norms) + size + 1)

    def fill(self, codes, X):
        """Write the codes of the samples X (k, n_features) into `codes` (k, n_components), which is zero."""
        xp = self.xp
        X, unit = _in_units(X)
        told = [X @ xp.matrix_transpose(self.atoms), xp.sum(X * X, axis=1, keepdims=True), unit]
        told = host(xp.concat(told, axis=1))
        correlation, total, unit = told[:, :-2] * self.inverse_norm, told[:, -2], told[:, -1]
        n = len(total)
        quadratic = DenseQuadratic(
            self.gram, correlation[:, :, None], total, np.broadcast_to(self.usable, (n, len(self.usable))),
            np.zeros(len(self.usable), dtype=bool), 0.0,
        )  # fmt: skip
        chains = Chains(quadratic, self.size)
        rows = np.arange(n)
        while True:
            # A sample that is coded exactly, or by all it can take, is done.
            gains = chains.addition_gains().max(axis=1, initial=0.0)
            done = (gains <= 0.0) | (chains.loss <= chains.floor) | (chains.size == self.size)
            if done.any():
                self._write(codes, rows[done], chains, done, unit)
                rows = rows[~done]
                if not len(rows):
                    return
                chains.keep(~done)
            chains.add(chains.best_additions())
            if self.swaps:
                chains.settle(_TOL)

    def _write(self, codes, rows, chains, done, unit):
        supports = chains.supports[done]
        ratio = unit[rows, None] / self.atom_unit[supports]
        codes[rows[:, None], supports] = chains.coefs[done, :, 0] * self.inverse_norm[supports] * ratio


def _in_units(rows):
    """Rows, each in a power of two next to its largest entry, so that squares are numbers; a column of these units."""
    xp = arrays.namespace(rows)
    largest = xp.max(xp.abs(rows), axis=1, keepdims=True)
    units = 2.0 ** xp.floor(xp.log2(xp.where(largest > 0.0, largest, 1.0)))
    return rows / units, units
