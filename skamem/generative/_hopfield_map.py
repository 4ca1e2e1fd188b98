"""From a Hopfield network to a restricted Boltzmann machine of the same energy."""

import numpy as np
from scipy.linalg import polar

from skamem.core import arrays, validation
from skamem.generative._layers import on_host
from skamem.memory import HopfieldNetwork

__all__ = ["same_energy"]

_INDEPENDENT = 1e-10  # least relative size of what a pattern adds to the others, or of an eigenvalue that counts


def same_energy(source, factor, temperature):
    """Parameters of the machine with Gaussian hidden units whose free energy is the energy of a Hopfield network.

    Parameters
    ----------
    source : array-like of shape (n_patterns, n_units) or fitted HopfieldNetwork
        Patterns of -1 and 1, linearly independent, to be stored by the projection rule; or a network with any weights,
        each self-coupling of which counts for nothing.
    factor : {"polar", "qr"}
        For patterns: which factor of them the couplings are. "polar" is nearest to the patterns; "qr" takes them one
        after another. A network's weights are factored by their eigenvectors.
    temperature : float > 0
        Of the network; its energy is divided by it.

    Returns
    -------
    components, intercept_visible, intercept_hidden : ndarray
        For binary features v = (s + 1) / 2.

    Raises
    ------
    ValueError
        For patterns of other values, or that depend on each other.

    Notes
    -----
    With J = Q Qᵀ, ½ sᵀJs = ½ abs(Qᵀs)², which a Gaussian hidden unit for each column of Q sums up to. Cost: a singular
    value decomposition of the patterns, or an eigenvalue decomposition of the weights.

    References
    ----------
    Smart and Zilman (2021), arXiv:2101.11744.
    """
    validation.check_option("factor", factor, ("polar", "qr"))
    validation.check_number("temperature", temperature, low=0.0, low_open=True, high=np.finfo(np.float64).max)
    if isinstance(source, HopfieldNetwork):
        couplings, fields = _factor_of_weights(source)
    else:
        couplings, fields = _factor_of_patterns(source, factor), 0.0
    # With s = 2v - 1: ½ abs(Qᵀs)² = ½ abs(2 Qᵀv - Qᵀ1)², and fieldsᵀs = 2 fieldsᵀv up to a constant.
    couplings = couplings / np.sqrt(temperature)
    visible = 2.0 * np.broadcast_to(fields, couplings.shape[:1]) / temperature
    return 2.0 * couplings.T, visible, -couplings.sum(axis=0)


def _factor_of_patterns(patterns, factor):
    patterns = on_host(patterns, "patterns").astype(np.float64)
    if not np.all(np.abs(patterns) == 1.0):
        raise ValueError("patterns have entries other than -1 and 1; threshold them with BipolarEncoder.")
    spread = np.linalg.svd(patterns, compute_uv=False)
    if len(patterns) > patterns.shape[1] or spread[-1] <= _INDEPENDENT * spread[0]:
        raise ValueError(
            f"{len(patterns)} patterns of {patterns.shape[1]} units depend on each other; expected linearly "
            "independent ones. Drop copies, complements and what others add up to."
        )
    return polar(patterns.T)[0] if factor == "polar" else np.linalg.qr(patterns.T)[0]


def _factor_of_weights(network):
    values, vectors = np.linalg.eigh(arrays.to_numpy(network.weights_).astype(np.float64))
    # Self-couplings are constants for s = ±1: as much of them as makes all eigenvalues count from 0.
    values = values - min(values[0], 0.0)
    kept = values > _INDEPENDENT * max(values[-1], 1e-300)
    return vectors[:, kept] * np.sqrt(values[kept]), arrays.to_numpy(network.bias_).astype(np.float64)
