"""Sums over all states of a few binary units, a block at a time."""

import math

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks

__all__ = ["MOST_UNITS", "drawn_visibles", "is_drawn_exactly", "log_partition", "log_sum_exp", "state_blocks"]

MOST_UNITS = 20
"""Binary units whose states can all be visited: a million."""
_MOST_DRAWN = 12  # binary units one of whose states is drawn by the probabilities of all: four thousand
_MOST_FACTORS = 16  # for a logarithm: it then costs little beside them
_HOST_NUMBERS, _DEVICE_NUMBERS = 2**15, 2**25  # worked on at once: in the processor's cache, or enough for a device


def state_blocks(n_units, like, row_bytes):
    """Yield all states of `n_units` units in {0, 1}, in blocks within the working memory.

    Parameters
    ----------
    n_units : int
        At most about 30.
    like : array
        Gives namespace, device and floating type.
    row_bytes : int
        Bytes of work arrays that a state needs.

    Yields
    ------
    states : array of shape (n_states, n_units)
        Binary numbers in order, the first unit the highest digit.
    """
    place = arrays.placement_of(like)
    digits = np.arange(n_units - 1, -1, -1)
    for rows in row_blocks(2**n_units, row_bytes, at_most=2**14):
        numbers = np.arange(rows.start, rows.stop)
        yield place.asarray((numbers[:, None] >> digits) & 1, like.dtype)


def log_sum_exp(values):
    """ln Σ exp(values) of an array, as a Python float."""
    xp = arrays.namespace(values)
    largest = float(xp.max(values))
    return largest + float(xp.log(xp.sum(xp.exp(values - largest))))


def log_partition(machine):
    """ln Z of a `Bipartite` machine by summing over all states of the smaller binary layer.

    Parameters
    ----------
    machine : Bipartite
        Its smaller layer, or the hidden one if visible units are Gaussian, has at most about `MOST_UNITS` units.

    Returns
    -------
    log_partition : float
        Exact to rounding. Cost O(2^n_smaller n_larger), or O(2^n_smaller n_smaller²) beside a Gaussian layer.
    """
    if machine.gaussian_hidden or not machine.is_binary:
        return _of_quadratic(*_quadratic(machine))
    weights, biases, other = machine.weights, machine.hidden, machine.visible
    if machine.n_visible < machine.n_hidden:
        other, biases, weights = biases, other, arrays.namespace(weights).matrix_transpose(weights)
    length = _factors_per_logarithm(weights, other)
    if length == 0:
        free_energy = machine.free_energy if _sums_visible_states(machine) else machine.hidden_free_energy
        blocks = state_blocks(biases.shape[0], weights, 8 * 6 * max(weights.shape))
        return float(np.logaddexp.reduce([log_sum_exp(-free_energy(states)) for states in blocks]))
    return _of_products(weights, biases, other, length)


# ------------------------------------------------------------------ exact samples


def _sums_visible_states(machine):
    """Whether it is the states of the visible layer that are visited: it is binary, and the other is not or larger."""
    return machine.gaussian_hidden or (machine.is_binary and machine.n_visible < machine.n_hidden)


def is_drawn_exactly(machine):
    """Whether a binary layer of a `Bipartite` machine is small enough for `drawn_visibles`."""
    return (machine.n_visible if _sums_visible_states(machine) else machine.n_hidden) <= _MOST_DRAWN


def drawn_visibles(machine, n_samples, draws):
    """Independent visible units of a `Bipartite` machine, drawn from its distribution and not by a chain.

    Parameters
    ----------
    machine : Bipartite
        One for which `is_drawn_exactly`.
    n_samples : int
        Rows wanted.
    draws : Draws
        Random numbers.

    Returns
    -------
    visibles : array of shape (n_samples, n_visible)
        A state of the smaller binary layer, by its probability, and the other layer given it.
    """
    xp, by_visible = arrays.namespace(machine.weights), _sums_visible_states(machine)
    n_units = machine.n_visible if by_visible else machine.n_hidden
    free_energy = machine.free_energy if by_visible else machine.hidden_free_energy
    blocks = list(state_blocks(n_units, machine.weights, 8 * 6 * max(machine.weights.shape)))
    energies = np.concatenate([arrays.to_numpy(free_energy(states)) for states in blocks]).astype(np.float64)
    totals = np.cumsum(np.exp(energies.min() - energies))
    chosen = np.searchsorted(totals, draws.uniform(totals, (n_samples,)) * totals[-1], side="right")
    rows = arrays.placement_of(machine.weights).asarray(np.minimum(chosen, len(totals) - 1))
    states = xp.take(xp.concat(blocks, axis=0), rows, axis=0)
    return states if by_visible else machine.draw_visible(machine.visible_mean(states), draws)


# ------------------------------------------------------------------ a Gaussian layer: a quadratic form


def _quadratic(machine):
    """(J, f, constant) of -F(s) = ½ sᵀJs + fᵀs + constant, for the binary layer beside a Gaussian one."""
    xp, weights = arrays.namespace(machine.weights), machine.weights
    if machine.gaussian_hidden:
        nothing = xp.zeros_like(machine.visible[None, :])
        constant = -float(machine.free_energy(nothing)[0])
        return weights @ weights.T, machine.visible + weights @ machine.hidden, constant
    precise = weights / machine.sigma[:, None] ** 2
    constant = -float(machine.hidden_free_energy(xp.zeros_like(machine.hidden[None, :]))[0])
    return precise.T @ weights, machine.hidden + machine.visible @ precise, constant


def _of_quadratic(couplings, fields, constant):
    xp, n_units = arrays.namespace(fields), fields.shape[0]
    parts = [
        log_sum_exp(states @ fields + 0.5 * xp.sum((states @ couplings) * states, axis=1))
        for states in state_blocks(n_units, fields, 8 * 6 * n_units)
    ]
    return constant + float(np.logaddexp.reduce(parts))


# ------------------------------------------------------------------ two binary layers: products


def _factors_per_logarithm(weights, other):
    """How many factors 1 + exp(drive) may be multiplied before a logarithm is due; 0 if one alone may overflow."""
    xp = arrays.namespace(weights)
    limit = 0.98 * math.log(float(xp.finfo(weights.dtype).max))
    largest = float(xp.max(xp.abs(other) + xp.sum(xp.abs(weights), axis=1)))
    return 0 if largest > limit else max(1, min(_MOST_FACTORS, int(limit / (largest + math.log(2.0)))))


def _of_products(weights, biases, other, length):
    """ln Σ_s exp(biasesᵀs) Π_i (1 + exp(other_i + Σ_k weights_ik s_k)), without an exponential a state and factor.

    The units are cut in two, s = (a, b), and exp(drive) is the product of what a and b give: 2^n_a + 2^n_b exponentials
    a factor instead of 2^n, and one logarithm for many factors.
    """
    xp, n_units = arrays.namespace(weights), weights.shape[1]
    host = arrays.host_checks_are_free(xp)
    width = -(-weights.shape[0] // length)  # of a slice of the factors; slices are multiplied with each other
    n_b = min(n_units - 1, max(1, int(math.log2(max(2, _HOST_NUMBERS // width))))) if n_units > 1 else 0
    n_a = n_units - n_b
    # All of them at once, however few rows a block may have: no more numbers than one block of the work below.
    states = xp.concat(list(state_blocks(n_b, weights, 1)), axis=0)
    factors_b, log_b = xp.exp(states @ weights[:, n_a:].T), states @ biases[n_a:]
    at_once = max(1, (_HOST_NUMBERS if host else _DEVICE_NUMBERS) // (factors_b.shape[0] * width))
    parts = []
    for states in state_blocks(n_a, weights, 8 * 4 * weights.shape[0]):
        factors_a, log_a = xp.exp(states @ weights[:, :n_a].T + other), states @ biases[:n_a]
        for start in range(0, states.shape[0], at_once):
            rows = slice(start, min(start + at_once, states.shape[0]))
            logs = _log_products(factors_a[rows, :], factors_b, width)
            parts.append(log_sum_exp(logs + log_a[rows][:, None] + log_b[None, :]))
    return float(np.logaddexp.reduce(parts))


def _log_products(first, second, width):
    """ln Π_i (1 + first_ai second_bi) for all pairs (a, b) of rows."""
    xp, n_factors = arrays.namespace(first), first.shape[1]
    product = 1.0 + first[:, None, :width] * second[None, :, :width]
    for start in range(width, n_factors, width):
        columns = slice(start, min(start + width, n_factors))
        factors = first[:, None, columns] * second[None, :, columns]
        factors += 1.0
        if factors.shape[-1] == width:
            product *= factors
        else:
            product[..., : factors.shape[-1]] *= factors
    return xp.sum(xp.log(product), axis=-1)
