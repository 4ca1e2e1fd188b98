"""What is known of a support: its coefficients, its loss, and how far it is from a tie."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Fit"]


@dataclass
class Fit:
    """Least squares on one support, in standardised units.

    Parameters
    ----------
    support : int array of shape (s,)
        Ascending.
    coefs : array of shape (s, n_targets) or None
        Host; None where only the loss was asked for.
    loss : float
        ‖ỹ - X̃ w‖² + α ‖w‖², as a fraction of ‖ỹ‖².
    margin : float
        Least sacrifice over best addition gain; infinite when nothing can gain; NaN when not computed.
    swap_optimal : bool
        Whether it was verified that no exchange of one member for any other column lowers the loss.
    exact : bool
        Whether what is left of the target is rounding.
    residual : array of shape (n_samples, n_targets) or None
        Where X lives, if at hand.
    gradient : array of shape (n_features, n_targets) or None
        X̃ᵀ residual, if at hand.
    """

    support: np.ndarray
    coefs: Any
    loss: float
    margin: float = np.nan
    swap_optimal: bool = False
    exact: bool = False
    residual: Any = None
    gradient: Any = None

    def residual_squares(self, alpha):
        """Residual sum of squares: the loss without its ridge term."""
        return self.loss - alpha * float(np.sum(self.coefs**2)) if alpha else self.loss
