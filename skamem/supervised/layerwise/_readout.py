"""Readouts: the weights of the stages' outputs in the answer, by ridge regression and by back-fitting.

Back-fitting visits the stages in turn and fits each to what the others leave. On a quadratic loss that is a block
Gauss-Seidel sweep on the moments of the stages' outputs, and so it is done here: a sweep there and back, made the
preconditioner of conjugate gradients, which end at the joint optimum in a few cycles where plain back-fitting would
need hundreds. For the logistic loss the sweep uses the bound on its Hessian.
"""

import copy
import math
from dataclasses import dataclass, field, replace
from typing import Any

from skamem.core import arrays

__all__ = ["ALPHAS", "BackFitting", "Factor", "Fit", "fit_one", "gcv_scores", "penalties_of", "ridge_path"]

ALPHAS = tuple(10.0 ** (1.0 - 0.5 * i) for i in range(16))
"""Ridge penalties to choose from, in units of the largest eigenvalue of the moments: 10 down to 10^-6.5."""


class Factor:
    """Spectrum of a stage's moments Hᵀ diag(share) H, through the smaller side.

    Parameters
    ----------
    outputs : array of shape (n_rows, n_units)
        H.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1.

    Attributes
    ----------
    values : array of shape (rank,)
        Eigenvalues, rising; those within rounding of 0 are left out.
    vectors : array of shape (n_units, rank)
        Eigenvectors.
    """

    def __init__(self, outputs, share):
        xp = arrays.namespace(outputs)
        weighted, wide = outputs * xp.sqrt(share)[:, None], arrays.widest_float(outputs)
        n_rows, n_units = outputs.shape
        tall = n_rows >= n_units
        moments = weighted.T @ weighted if tall else weighted @ weighted.T
        values, vectors = xp.linalg.eigh(xp.astype(moments, wide))
        cut = max(n_rows, n_units) * xp.finfo(outputs.dtype).eps * float(values[-1])
        first = int(xp.sum(xp.astype(values <= max(cut, 0.0), xp.int64)))
        values, vectors = values[first:], vectors[:, first:]
        if not tall:
            vectors = (xp.astype(weighted.T, wide) @ vectors) / xp.sqrt(values)
        self.values, self.vectors = values, vectors

    @property
    def largest(self):
        """Largest eigenvalue, 0 where nothing varies."""
        return float(self.values[-1]) if self.values.shape[0] else 0.0

    def silenced(self):
        """The same without any direction: readouts of it stay 0."""
        twin = copy.copy(self)
        twin.values, twin.vectors = self.values[:0], self.vectors[:, :0]
        return twin

    def solve(self, right_side, curvature, alpha):
        """(curvature Hᵀ diag(share) H + alpha)⁻¹ `right_side`, in the span of the rows."""
        inner = self.vectors.T @ right_side
        return self.vectors @ (inner / (curvature * self.values + alpha)[:, None])

    def freedom(self, curvature, alpha):
        """Effective degrees of freedom of the ridge regression, of each output."""
        if not curvature > 0:  # outputs that are certain of all classes
            return 0.0
        return float(arrays.namespace(self.values).sum(self.values / (self.values + alpha / curvature)))


@dataclass
class Fit:
    """Where the readouts stand.

    Parameters
    ----------
    coefs : list of array
        Readout of each stage, (n_units, n_outputs), in the wide floating type.
    outputs : array of shape (n_rows, n_outputs)
        F, what is answered.
    loss : float
        Of F, without the penalty.
    objectives : list of float
        Penalised loss at the start and after every cycle.
    level : array of shape (n_outputs,) or None, default=None
        What a new stage adds to the constant, if it does.
    """

    coefs: list
    outputs: Any
    loss: float
    objectives: list = field(default_factory=list)
    level: Any = None


def _inner(first, second):
    """Sum of the products of all entries, as a float."""
    xp = arrays.namespace(*first)
    return float(sum(xp.sum(a * b) for a, b in zip(first, second, strict=True)))


class BackFitting:
    """Readouts of some stages that are fitted together, by conjugate gradients over back-fitting sweeps.

    Parameters
    ----------
    loss : object
        `SquaredLoss` or `LogisticLoss`.
    features : object
        With `combined` and `correlated`.
    factors : list of Factor
        Of each stage.
    cross : list of list of array
        ``cross[s][t]``, t < s: moments of the outputs of stages t and s.
    alphas : list of float
        Penalty of each stage.
    targets, share : array
        Of the rows.
    """

    def __init__(self, loss, features, factors, cross, alphas, targets, share):
        self.loss, self.features, self.factors, self.cross = loss, features, factors, cross
        self.alphas, self.targets, self.share = alphas, targets, share

    def sweep(self, gradients):
        """One back-fitting sweep over the stages and back, from zero, for these gradients."""
        curvature, step = self.loss.curvature, []
        for s, gradient in enumerate(gradients):
            taken = [curvature * (self.cross[s][t].T @ step[t]) for t in range(s)]
            step.append(self.factors[s].solve(gradient - sum(taken), curvature, self.alphas[s]))
        for s in reversed(range(len(step) - 1)):
            taken = sum(curvature * (self.cross[t][s] @ step[t]) for t in range(s + 1, len(step)))
            step[s] = step[s] - self.factors[s].solve(taken, curvature, self.alphas[s])
        return step

    def gradients(self, fit):
        """Way down of the penalised objective, for each stage."""
        wide = fit.coefs[0].dtype
        xp = arrays.namespace(fit.outputs)
        residuals = self.loss.residuals(fit.outputs, self.targets) * self.share[:, None]
        found = self.features.correlated(residuals)
        return [xp.astype(g, wide) - alpha * A for g, alpha, A in zip(found, self.alphas, fit.coefs, strict=True)]

    def penalty(self, coefs):
        """What the penalty ½ Σ α |A|² adds to the loss."""
        return (
            0.5
            * self.loss.unit(self.targets.shape[1])
            * _inner([alpha * A for alpha, A in zip(self.alphas, coefs, strict=True)], coefs)
        )

    def run(self, fit, n_cycles, tolerance, ceiling=math.inf, watch=None):
        """Cycle until the penalised loss falls by less than `tolerance` of itself, the loss staying below `ceiling`.

        With a `watch`, a function of the outputs, the cycles also end where it does not fall.
        """
        xp, narrow = arrays.namespace(fit.outputs), fit.outputs.dtype
        objective = fit.loss + self.penalty(fit.coefs)
        fit = replace(fit, objectives=[objective])
        direction = before = None
        watched = math.inf if watch is None else watch(fit.outputs)
        for _ in range(n_cycles):
            gradients = self.gradients(fit)
            step = self.sweep(gradients)
            fall = _inner(gradients, step)
            if not fall > 0.0:
                break
            direction = self._conjugate(gradients, step, direction, before)
            before = gradients, fall
            change = self.features.combined([xp.astype(d, narrow) for d in direction])
            ridged = [alpha * d for alpha, d in zip(self.alphas, direction, strict=True)]
            slope, bend = _inner(ridged, fit.coefs), _inner(ridged, direction)
            length = self.loss.best_step(fit.outputs, change, self.targets, self.share, slope, bend)
            outputs = fit.outputs + length * change
            loss = self.loss.value(outputs, self.targets, self.share)
            coefs = [A + length * d for A, d in zip(fit.coefs, direction, strict=True)]
            reached = loss + self.penalty(coefs)
            if not (reached < objective and loss <= ceiling):
                break
            if watch is not None:
                seen = watch(outputs)
                if not seen < watched:
                    break
                watched = seen
            fit = Fit(coefs, outputs, loss, [*fit.objectives, reached])
            if objective - reached <= tolerance * objective:
                break
            objective = reached
        return fit

    @staticmethod
    def _conjugate(gradients, step, direction, before):
        """Polak and Ribière's direction, started anew where it would not lead down."""
        if direction is None:
            return step
        turned = _inner(step, [g - b for g, b in zip(gradients, before[0], strict=True)]) / before[1]
        direction = [d + max(0.0, turned) * p for d, p in zip(step, direction, strict=True)]
        return direction if _inner(gradients, direction) > 0.0 else step


class _Outputs:
    """The outputs of one stage, as `BackFitting` asks for them."""

    def __init__(self, outputs):
        self._outputs = outputs

    def combined(self, coefs):
        return self._outputs @ coefs[0]

    def correlated(self, residuals):
        return [self._outputs.T @ residuals]


def fit_one(loss, outputs, factor, alpha, start, base, targets, share, n_cycles, tolerance=1e-5):
    """Readout of one stage over fixed outputs of those before it.

    Parameters
    ----------
    loss : object
        `SquaredLoss` or `LogisticLoss`.
    outputs : array of shape (n_rows, n_units)
        Of the stage.
    factor : Factor
        Of its moments.
    alpha : float
        Penalty.
    start : array of shape (n_units, n_outputs) or None
        Readout to begin with; None is 0.
    base : array of shape (n_rows, n_outputs)
        Outputs of the stages before it.
    targets : array of shape (n_rows, n_outputs)
    share : array of shape (n_rows,)
    n_cycles : int
        At most; one is enough for the squared loss.
    tolerance : float, default=1e-5
        Relative fall of the objective that counts as none.

    Returns
    -------
    fit : Fit
        With one readout.
    """
    xp = arrays.namespace(outputs)
    if start is None:
        shape = outputs.shape[1], targets.shape[1]
        start = xp.zeros(shape, dtype=factor.values.dtype, device=arrays.device(outputs))
    reached = base + outputs @ xp.astype(start, outputs.dtype)
    fit = Fit([start], reached, loss.value(reached, targets, share))
    problem = BackFitting(loss, _Outputs(outputs), [factor], [[]], [alpha], targets, share)
    return problem.run(fit, 1 if loss.exact else n_cycles, tolerance)


def penalties_of(loss, factor):
    """Penalties to choose from for a stage of this `Factor`, falling."""
    # Where each penalty takes several cycles, every other one must do.
    return [relative * loss.curvature * factor.largest for relative in (ALPHAS if loss.exact else ALPHAS[::2])]


def ridge_path(loss, outputs, factor, base, targets, share, n_cycles=6):
    """Readouts of one stage for penalties that fall, each starting from the one before.

    Parameters
    ----------
    loss, outputs, factor, base, targets, share : object
        As `fit_one` takes them.
    n_cycles : int, default=6
        At most, for each penalty.

    Yields
    ------
    alpha : float
    fit : Fit
    """
    start = None
    for alpha in penalties_of(loss, factor):
        fit = fit_one(loss, outputs, factor, alpha, start if not loss.exact else None, base, targets, share, n_cycles)
        start = fit.coefs[0]
        yield alpha, fit


def gcv_scores(loss, path, factor, share, taken=0.0):
    """Generalised cross-validation along a path: loss / (1 - freedom / n)², less is better.

    Parameters
    ----------
    loss : object
        `SquaredLoss` or `LogisticLoss`.
    path : iterable of (float, Fit)
        What `ridge_path` gives.
    factor : Factor
        Of the stage.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1; they count as 1 / Σ share² rows.
    taken : float, default=0.0
        Degrees of freedom that stages before it have used.

    Yields
    ------
    score : float
        Infinite where less than a tenth of the freedom is left.
    alpha : float

    References
    ----------
    Golub, Heath and Wahba (1979), Technometrics 21:215, doi:10.1080/00401706.1979.10489751.
    """
    n_rows = 1.0 / float(share @ share)
    for alpha, fit in path:
        freedom = factor.freedom(loss.sharpness(fit.outputs, share), alpha)
        left = 1.0 - (1.0 + taken + freedom) / n_rows
        yield (fit.loss / left**2 if left > 0.1 else math.inf), alpha
