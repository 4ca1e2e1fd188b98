"""From a Hopfield network to a restricted Boltzmann machine: of the same energy, or as a start of learning."""

from dataclasses import replace

import numpy as np
from scipy.linalg import polar
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.generative._layers import on_host
from skamem.memory import HebbianMemory, HopfieldNetwork, PseudoinverseMemory

__all__ = ["same_energy", "stored"]

_INDEPENDENT = 1e-10  # least relative size of what a pattern adds to the others, or of an eigenvalue that counts


def same_energy(source, factor, temperature):
    """Parameters of the machine with Gaussian hidden units whose free energy is the energy of a Hopfield network.

    Parameters
    ----------
    source : array-like of shape (n_patterns, n_units) or fitted memory
        Patterns of -1 and 1, or of 0 and 1, linearly independent in -1 and 1, to be stored by the projection rule; or a
        `HopfieldNetwork` of any weights, or a memory of symmetric ones, each self-coupling of which counts for nothing.
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
    TypeError
        For memories without an energy of pairs of units.
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
    if hasattr(source, "get_params"):
        couplings, fields = _factor_of_weights(*_energy_of(source))
    else:
        couplings, fields = _factor_of_patterns(source, factor), 0.0
    # With s = 2v - 1: ½ abs(Qᵀs)² = ½ abs(2 Qᵀv - Qᵀ1)², and fieldsᵀs = 2 fieldsᵀv up to a constant.
    couplings = couplings / np.sqrt(temperature)
    visible = 2.0 * np.broadcast_to(fields, couplings.shape[:1]) / temperature
    return 2.0 * couplings.T, visible, -couplings.sum(axis=0)


def stored(machine, patterns, means):
    """The machine with a Hopfield network in its first hidden units, one a pattern, about the means of the data.

    Its visible units are as likely to be on as before where every unit is at its mean; from there the energy falls by
    ½ abs(Qᵀ(s - m))² towards the patterns, s = 2v - 1, m = 2 means - 1: projection rule, temperature 1.

    Parameters
    ----------
    machine : Bipartite
        Of binary visible units that are independent, or nearly so.
    patterns : array-like of shape (n_patterns, n_visible)
        As `same_energy`; at most as many as hidden units.
    means : array of shape (n_visible,)
        Of the data.

    Returns
    -------
    machine : Bipartite

    Raises
    ------
    ValueError
        For patterns that `same_energy` refuses, too many of them, or of another length.

    Notes
    -----
    A Gaussian hidden unit adds ½u² to -E, u its part of Qᵀ(s - m). One that is on or off with field 2u adds
    ln(2 cosh u), which is the same to second order, and u, which the visible biases take away; they get back what the
    units that were there gave at the means.
    """
    try:
        couplings = _factor_of_patterns(patterns, "polar", "init")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"init is neither 'random' nor a table of independent patterns: {error}") from error
    if couplings.shape[0] != machine.n_visible:
        raise ValueError(f"init has patterns of {couplings.shape[0]} units; expected {machine.n_visible}, as in X.")
    n_patterns = couplings.shape[1]
    if n_patterns > machine.n_hidden:
        raise ValueError(
            f"init has {n_patterns} patterns; expected at most n_components={machine.n_hidden}, a hidden unit for each."
        )
    place, dtype = arrays.placement_of(machine.weights), machine.weights.dtype
    xp = place.xp
    couplings = place.asarray((2.0 if machine.gaussian_hidden else 4.0) * couplings, dtype)
    weights = xp.concat([couplings, machine.weights[:, n_patterns:]], axis=1)
    hidden = xp.concat([-(means @ couplings), machine.hidden[n_patterns:]])
    visible = machine.visible
    if not machine.gaussian_hidden:
        replaced = machine.weights[:, :n_patterns] @ machine.hidden_mean(means[None, :])[0, :n_patterns]
        visible = visible + replaced - 0.5 * xp.sum(couplings, axis=1)
    return replace(machine, weights=weights, visible=visible, hidden=hidden)


def _factor_of_patterns(patterns, factor, name="patterns"):
    patterns = on_host(patterns, name).astype(np.float64)
    if np.all((patterns == 0.0) | (patterns == 1.0)):
        patterns = 2.0 * patterns - 1.0
    if not np.all(np.abs(patterns) == 1.0):
        raise ValueError(f"{name} with entries other than -1 and 1, or 0 and 1; threshold them with BipolarEncoder.")
    spread = np.linalg.svd(patterns, compute_uv=False)
    if len(patterns) > patterns.shape[1] or spread[-1] <= _INDEPENDENT * spread[0]:
        raise ValueError(
            f"{name}: {len(patterns)} patterns of {patterns.shape[1]} units depend on each other; expected linearly "
            "independent ones. Drop copies, complements and what others add up to."
        )
    return polar(patterns.T)[0] if factor == "polar" else np.linalg.qr(patterns.T)[0]


def _energy_of(memory):
    """Symmetric couplings and fields of a fitted memory of two-valued units, on the host."""
    has_energy = isinstance(memory, HopfieldNetwork) or (
        isinstance(memory, HebbianMemory | PseudoinverseMemory) and hasattr(memory, "energy")
    )
    if not has_energy:
        raise TypeError(
            f"source is of type {type(memory).__name__} and has no energy -½ sᵀWs of units of -1 and 1; expected "
            "patterns, a fitted HopfieldNetwork, or a HebbianMemory or PseudoinverseMemory that stores patterns with "
            "themselves. Give the patterns that it stores."
        )
    check_is_fitted(memory)
    weights = arrays.to_numpy(memory.weights_).astype(np.float64)
    bias = arrays.to_numpy(memory.bias_).astype(np.float64) if isinstance(memory, HopfieldNetwork) else 0.0
    return 0.5 * (weights + weights.T), bias


def _factor_of_weights(weights, fields):
    values, vectors = np.linalg.eigh(weights)
    # Self-couplings are constants for s = ±1: as much of them as makes all eigenvalues count from 0.
    values = values - min(values[0], 0.0)
    kept = values > _INDEPENDENT * max(values[-1], 1e-300)
    return vectors[:, kept] * np.sqrt(values[kept]), fields
