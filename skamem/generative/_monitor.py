"""What a fit writes down of itself, epoch by epoch: likelihoods, with the error of ln Z."""

import copy
import sys

from skamem.core import arrays

__all__ = ["Monitor"]

_MOST_ROWS = 2000  # that the monitor looks at


class Monitor:
    """Looks at a machine after each epoch.

    Parameters
    ----------
    rbm : RestrictedBoltzmannMachine
        Its `monitor` says what to compute, its `verbose` whether to print.
    rows : Rows
        Training data; some of them are looked at.
    draws : Draws
        Chooses these rows.
    """

    def __init__(self, rbm, rows, draws):
        self._rbm = rbm
        self._rows = rows.pick(draws.permutation(len(rows))[:_MOST_ROWS]) if rbm.monitor else None
        self._values, self._errors = [], []

    @property
    def found(self):
        """Fitted attributes (dict)."""
        return {"monitor_curve_": list(self._values), "monitor_errors_": list(self._errors)}

    def look(self, attributes, n_epochs):
        """After an epoch: the number asked for and its error, and a line. ``attributes()`` gives the fitted ones."""
        name = self._rbm.monitor
        if name:
            now = copy.copy(self._rbm)
            vars(now).update(attributes())
            vars(now).pop("feature_names_in_", None)  # the rows it looks at are bare
            values = (now.pseudo_likelihood if name == "pseudo_likelihood" else now.score_samples)(self._rows)
            self._values.append(float(arrays.namespace(values).mean(values)))
            self._errors.append(0.0 if name == "pseudo_likelihood" else now.log_partition_error_)
        if self._rbm.verbose:
            found = f", {name} {self._values[-1]:.4f}" if name else ""
            sys.stdout.write(f"Epoch {n_epochs}{found}\n")
