"""What the stages make small, squared error or the multinomial logistic loss, and the residual they are fitted to.

Both are convex in the outputs F, with a Hessian of at most `curvature` times the identity (for the softmax: Böhning's
bound, on outputs that sum to 0 over the classes). So one ridge regression of the residual lowers either of them.
"""

import math

from skamem.core import arrays
from skamem.training import log_softmax

__all__ = ["LogisticLoss", "SquaredLoss"]

_NEWTON_STEPS, _HALVINGS = 3, 30


class SquaredLoss:
    """Mean over rows and outputs of (F - t)²."""

    curvature = 1.0
    exact = True
    """Whether one step down the ridge regression of the residual ends at its minimum."""

    def start(self, targets, share):
        """Outputs that are best without any feature, of shape (n_outputs,)."""
        return share @ targets

    def of_rows(self, outputs, targets):
        """Loss of each row."""
        error = outputs - targets
        return arrays.namespace(outputs).mean(error * error, axis=1)

    def value(self, outputs, targets, share):
        """Loss, as a float."""
        return float(share @ self.of_rows(outputs, targets))

    def unit(self, n_outputs):
        """The loss is this many times ½ Σ (F - t)², to which the penalty ½ Σ α |A|² belongs."""
        return 2.0 / n_outputs

    def residuals(self, outputs, targets):
        """Targets less outputs."""
        return targets - outputs

    def best_step(self, outputs, change, targets, share, slope, bend):
        """Step t along `change` where objective + t `slope` + ½ t² `bend`, those of the penalty, is least."""
        xp = arrays.namespace(outputs)
        along = share @ xp.sum(change * (targets - outputs), axis=1)
        across = share @ xp.sum(change * change, axis=1)
        down, curved = float(along) - slope, float(across) + bend
        return down / curved if curved > 0 else 0.0

    def sharpness(self, outputs, share):
        """Mean curvature at these outputs."""
        return 1.0


class LogisticLoss:
    """Mean over rows of -log softmax(F) of the row's class; targets are one-hot."""

    curvature = 0.5
    exact = False

    def start(self, targets, share):
        """Logarithms of the class shares, centred."""
        xp = arrays.namespace(targets)
        shares = share @ targets
        logarithms = xp.log(arrays.clip(shares, min=float(xp.finfo(targets.dtype).eps)))
        return logarithms - xp.mean(logarithms)

    def of_rows(self, outputs, targets):
        """Loss of each row."""
        return -arrays.namespace(outputs).sum(log_softmax(outputs) * targets, axis=1)

    def value(self, outputs, targets, share):
        """Loss, as a float."""
        return float(share @ self.of_rows(outputs, targets))

    def unit(self, n_outputs):
        """The penalty ½ Σ α |A|² belongs to the loss itself."""
        return 1.0

    def residuals(self, outputs, targets):
        """Targets less probabilities."""
        return targets - arrays.namespace(outputs).exp(log_softmax(outputs))

    def best_step(self, outputs, change, targets, share, slope, bend):
        """Step t along `change` where objective + t `slope` + ½ t² `bend`, those of the penalty, is about least."""
        xp = arrays.namespace(outputs)

        def at(step):
            return self.value(outputs + step * change, targets, share) + step * slope + 0.5 * step * step * bend

        step, start = 0.0, self.value(outputs, targets, share)
        for _ in range(_NEWTON_STEPS):
            shares = xp.exp(log_softmax(outputs + step * change))
            mean = xp.sum(shares * change, axis=1)
            rise = share @ (mean - xp.sum(targets * change, axis=1))
            curved = share @ (xp.sum(shares * change * change, axis=1) - mean * mean)
            rise, curved = float(rise) + slope + step * bend, float(curved) + bend
            if not curved > 0:
                break
            longest = 2 * step if step > 0 else math.inf  # where p is near 0 or 1 the curvature promises too much
            step = min(step - rise / curved, longest) if step > 0 else -rise / curved
        for _ in range(_HALVINGS):
            if at(step) <= start:
                return step
            step /= 2
        return 0.0

    def sharpness(self, outputs, share):
        """Mean curvature at these outputs: that of p (1 - p), over the directions that there are."""
        xp = arrays.namespace(outputs)
        shares = xp.exp(log_softmax(outputs))
        return float(share @ (1 - xp.sum(shares * shares, axis=1))) / max(1, shares.shape[1] - 1)
