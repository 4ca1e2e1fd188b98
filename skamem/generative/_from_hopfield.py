"""hopfield_to_rbm: a Hopfield network read as a restricted Boltzmann machine."""

from skamem.generative._rbm import RestrictedBoltzmannMachine

__all__ = ["hopfield_to_rbm"]


def hopfield_to_rbm(source, *, factor="polar", temperature=1.0, backend=None):
    """The restricted Boltzmann machine whose free energy is the energy of a Hopfield network.

    Hidden units are Gaussian, one a pattern: summed out, they leave the couplings of the projection rule between the
    visible ones. What recall goes down becomes a probability, to sample from, to score rows with and to learn on.

    Parameters
    ----------
    source : array-like of shape (n_patterns, n_units) or fitted memory
        Patterns of -1 and 1, or 0 and 1, linearly independent in -1 and 1, to be stored by the projection rule; or a
        `HopfieldNetwork` of any weights, an autoassociative `HebbianMemory` or `PseudoinverseMemory`.
    factor : {"polar", "qr"}, default="polar"
        For patterns: which factor of them the couplings are. "polar" is nearest to the patterns, "qr" takes them one
        after another. A network's weights are factored by their eigenvectors.
    temperature : float > 0, default=1.0
        Of the network; its energy is divided by it.
    backend : str, default=None
        As of `skamem.RestrictedBoltzmannMachine`.

    Returns
    -------
    machine : RestrictedBoltzmannMachine
        For features v = (s + 1) / 2: its free energy is the network's energy over the temperature, up to a constant.
        `partial_fit` goes on from there.

    Raises
    ------
    TypeError
        For memories without an energy of pairs of units.
    ValueError
        For patterns of other values, or that depend on each other.

    See Also
    --------
    skamem.RestrictedBoltzmannMachine : ``init=patterns`` starts from such a network and from the means of the data.

    Notes
    -----
    The projection rule is W = Ξ(ΞᵀΞ)⁻¹Ξᵀ = QQᵀ for patterns in the columns of Ξ, Q any orthonormal basis of them, so
    that -½ sᵀWs = -½ abs(Qᵀs)². Cost: a singular value decomposition of the patterns, or an eigenvalue decomposition of
    the weights.

    References
    ----------
    Smart and Zilman (2021), On the mapping between Hopfield networks and restricted Boltzmann machines,
    arXiv:2101.11744.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import HopfieldNetwork
    >>> from skamem.generative import hopfield_to_rbm
    >>> patterns = np.asarray([[1, 1, 1, 1, -1, -1], [1, -1, 1, -1, 1, 1]])
    >>> machine = hopfield_to_rbm(patterns)
    >>> network = HopfieldNetwork("pseudoinverse").fit(patterns)
    >>> states = np.asarray([[1, 1, 1, 1, -1, -1], [1, 1, 1, 1, 1, 1]])
    >>> np.diff(machine.free_energy((states + 1) / 2)).round(6), np.diff(network.energy(states)).round(6)
    (array([2.]), array([2.]))
    """
    return RestrictedBoltzmannMachine.from_hopfield(source, factor=factor, temperature=temperature, backend=backend)
