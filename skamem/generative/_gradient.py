"""The gradient of the log-likelihood of a restricted Boltzmann machine, centred."""

from skamem.core import arrays

__all__ = ["batch_means", "centred_gradient"]


def centred_gradient(machine, data, model, centre):
    """Ascent direction for each parameter: what the data do together, less what the model's samples do together.

    Parameters
    ----------
    machine : Bipartite
        Whose parameters move.
    data, model : tuple of arrays
        Visible states (n_samples, n_visible), the data's may be csr, and probabilities (n_samples, n_hidden) of the
        hidden units given them; of a batch, and of the model's samples.
    centre : tuple of arrays or None
        Offsets of visible and hidden units, of shape (n_visible,) and (n_hidden,): their means, about. None for the
        plain gradient.

    Returns
    -------
    gradient : dict of arrays
        "weights", "visible", "hidden", and "log_variance" for Gaussian visible units, shaped as the parameters.

    Notes
    -----
    The local rule is <v h>_data - <v h>_model. With offsets μ, λ it becomes <(v - μ)(h - λ)>_data - <...>_model, and
    the biases give back what the weights then do to the means: learning no longer depends on which value of a unit is
    called 1. Cost: two products of n_samples x n_visible x n_hidden.

    References
    ----------
    Montavon and Müller (2012), doi:10.1007/978-3-642-35289-8_33; Melchior, Fischer and Wiskott (2016), JMLR 17(99).
    """
    (v, h), (v_model, h_model) = data, model
    seen, sampled = machine.precise(v), machine.precise(v_model)
    n_rows, n_model = v.shape[0], v_model.shape[0]
    weights, model_weights = seen.T @ h, sampled.T @ h_model
    if n_model != n_rows:
        model_weights *= n_rows / n_model
    weights -= model_weights
    weights *= 1.0 / n_rows
    share = _shares(n_rows, h)
    share_model = share if n_model == n_rows else _shares(n_model, h)
    visible = share @ seen - share_model @ sampled
    hidden = share @ h - share_model @ h_model
    if centre is not None:
        mu, lam = machine.precise(centre[0]), centre[1]
        weights -= mu[:, None] * hidden[None, :]
        weights -= visible[:, None] * lam[None, :]
        visible -= weights @ lam
        hidden -= mu @ weights
    gradient = {"weights": weights, "visible": visible, "hidden": hidden}
    if not machine.is_binary:
        gradient["log_variance"] = _by_log_variance(machine, v, h) - _by_log_variance(machine, v_model, h_model)
    return gradient


def _by_log_variance(machine, v, h):
    """Mean derivative of -E by ln σ²: (v - b)²/2σ² - v (Wh)/σ², for each visible unit."""
    xp = arrays.namespace(v)
    terms = 0.5 * (v - machine.visible) ** 2 - v * machine.visible_drive(h)
    return xp.mean(terms, axis=0) / machine.sigma**2


def batch_means(rows):
    """Means of the columns of an array: by a product, the fastest sum of few rows."""
    return _shares(rows.shape[0], rows) @ rows


def _shares(n_rows, like):
    return arrays.namespace(like).full(n_rows, 1.0 / n_rows, dtype=like.dtype, device=arrays.device(like))
