"""The gradient of the log-likelihood of a restricted Boltzmann machine, centred."""

from skamem.core import arrays

__all__ = ["centred_gradient", "in_units_of_noise", "row_shares", "together"]


def centred_gradient(machine, visibles, hiddens, shares, centre):
    """Ascent direction for each parameter: what the data do together, less what the model's samples do together.

    Parameters
    ----------
    machine : Bipartite
        Whose parameters move.
    visibles : array of shape (n_data + n_samples, n_visible), or tuple of a csr matrix and an array
        Visible states of a batch, then those of the model's samples: as `together` puts them.
    hiddens : array of shape (n_data + n_samples, n_hidden)
        Probabilities of the hidden units given them.
    shares : array of shape (n_data + n_samples,)
        1 / n_data for each row of the batch, -1 / n_samples for each sample; see `row_shares`.
    centre : tuple of arrays or None
        Offsets of visible and hidden units, of shape (n_visible,) and (n_hidden,): their means, about. None for the
        plain gradient.

    Returns
    -------
    gradient : dict of arrays
        "weights", "visible", "hidden", and "log_variance" for Gaussian visible units, shaped as the parameters.

    Notes
    -----
    The local rule is <v h>_data - <v h>_model: one weighted sum over the rows of both. With offsets μ, λ it becomes
    <(v - μ)(h - λ)>_data - <...>_model, and the biases give back what the weights then do to the means: learning no
    longer depends on which value of a unit is called 1. Cost: a product of (n_data + n_samples) x n_visible x n_hidden,
    and no other pass over what is as large as the weights.

    References
    ----------
    Montavon and Müller (2012), doi:10.1007/978-3-642-35289-8_33; Melchior, Fischer and Wiskott (2016), JMLR 17(99).
    """
    mu, lam = (None, None) if centre is None else (machine.precise(centre[0]), centre[1])
    h = hiddens if lam is None else hiddens - lam
    hidden = shares @ h
    if isinstance(visibles, tuple):
        weights, visible = _of_sparse(visibles, h, shares)
        if mu is not None:
            weights -= mu[:, None] * hidden[None, :]  # csr rows stay as they are
    else:
        v = machine.precise(visibles)
        v = v if mu is None else v - mu
        weights, visible = (v * shares[:, None]).T @ h, shares @ v
    if centre is not None:
        visible -= weights @ lam
        hidden -= mu @ weights
    gradient = {"weights": weights, "visible": visible, "hidden": hidden}
    if not machine.is_binary:
        # The derivative of -E by ln σ²: (v - b)²/2σ² - v (Wh)/σ², for each visible unit.
        terms = 0.5 * (visibles - machine.visible) ** 2 - visibles * machine.visible_drive(hiddens)
        gradient["log_variance"] = (shares @ terms) / machine.sigma**2
    return gradient


def _of_sparse(visibles, hiddens, shares):
    data, sampled = visibles
    n_data, weighted = data.shape[0], hiddens * shares[:, None]
    weights = data.T @ weighted[:n_data, :]
    weights += sampled.T @ weighted[n_data:, :]
    return weights, shares[:n_data] @ data + shares[n_data:] @ sampled


def in_units_of_noise(machine, gradient, centre):
    """The `centred_gradient` of a machine of Gaussian visible units, preconditioned; it is changed.

    Weights and biases of a visible unit move its mean, of which σ² is the inverse of the Fisher information: times σ²,
    their steps no longer grow while σ shrinks, and one learning rate does for all stages.
    """
    precision = 1.0 / machine.sigma**2
    weights = gradient["weights"]
    if centre is not None:  # what centring took off the hidden biases follows the weights
        gradient["hidden"] += (centre[0] * precision - centre[0]) @ weights
    weights /= precision[:, None]
    gradient["visible"] /= precision
    return gradient


def together(v, sampled):
    """Visible states of a batch and of samples as `centred_gradient` takes them."""
    return arrays.namespace(sampled).concat([v, sampled], axis=0) if arrays.is_array(v) else (v, sampled)


def row_shares(n_data, n_samples, like):
    """What rows of data, then of samples, count for in a difference of means; of the type of the array `like`."""
    xp, options = arrays.namespace(like), {"dtype": like.dtype, "device": arrays.device(like)}
    return xp.concat(
        [xp.full(n_data, 1.0 / n_data, **options), xp.full(n_samples, -1.0 / n_samples, **options)], axis=0
    )
