"""Approximate message passing: iterative hard thresholding with a soft posterior mean and a memory of itself.

Two changes to z <- H_s(z + Aᵀ(y - A z)): the threshold becomes the posterior mean under a Bernoulli-Gauss prior, whose
sparsity and variance follow the data by expectation maximisation; and the residual keeps the Onsager term, which takes
out what each coefficient has put there itself. On incoherent designs it recovers supports that greedy methods do not.
"""

import numpy as np

from skamem.sparse.search._pursuit import greatest, largest

__all__ = ["approximate_message_passing"]

_DAMPING = 0.7
_MAX_ITER = 400
# Iterations without a lower noise level before giving up, and those in which the sparsity still keeps its first guess.
_PATIENCE = 60
_BURN_IN = 10
# Shares of the support that guided rounds take for granted, one after the other, and by how much (log odds).
_GUIDED_SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_GRANTED = 10.0


def approximate_message_passing(problem, size, *, guided):
    """Support proposed by approximate message passing.

    Parameters
    ----------
    problem : Problem
        One target.
    size : int
        s.
    guided : bool
        Where the first run stalls, go on with a share of the largest estimates taken for granted. Most of them are
        right, which leaves a smaller and easier problem; those that are wrong cost one degree of freedom each.

    Returns
    -------
    support : int array of shape (s,)
        Most probable members.

    Notes
    -----
    Two passes over X an iteration; one where few coefficients are away from zero. Some tens of iterations a round.

    References
    ----------
    Vila and Schniter (2013), IEEE Transactions on Signal Processing 61:4658, doi:10.1109/TSP.2013.2272287.
    """
    passing = _Passing(problem, size)
    passing.run()
    for share in _GUIDED_SHARES if guided else ():
        if passing.is_exact:
            break
        passing.grant(max(int(share * size), 1))
        passing.run()
    # Where probabilities saturate at one, the size of the estimate decides.
    best = passing.best
    score = best["probability"] * 1e3 + best["estimate"] / best["estimate"].max(initial=1e-300)
    return largest(score * problem.usable[:, None], size, problem.locked)


class _Passing:
    """State of the iteration: coefficients, corrected residual, prior; and the best state seen."""

    def __init__(self, problem, size):
        self.problem = problem
        self.n = problem.n_counted
        self.sparsity = min(size / problem.n_features, 0.9)
        self.variance = 1.0 / size
        self.coefs = np.zeros((problem.n_features, 1))
        self.residual = problem.target
        self.granted = 0.0
        self.best = None

    @property
    def is_exact(self):
        """Whether the residual has vanished."""
        return self.best["noise"] < 1e-10 / self.n

    def grant(self, count):
        """Take the `count` largest estimates for members, and go on from the best state."""
        self.granted = np.zeros_like(self.coefs)
        self.granted[greatest(self.best["estimate"][:, 0], count)] = _GRANTED
        for name in ("coefs", "residual", "variance", "sparsity"):
            setattr(self, name, self.best[name])

    def run(self):
        """Iterate until the noise level stays or the residual vanishes."""
        xp, least, n_stale = self.problem.design.xp, np.inf, 0
        for iteration in range(_MAX_ITER):
            noise = float(xp.sum(self.residual * self.residual)) / self.n
            if not noise < 20 * least or noise == 0.0:
                break
            change, probability, estimate = self._advance(noise, learn_sparsity=iteration > _BURN_IN)
            if noise < 0.999 * least:
                least, n_stale = noise, 0
                self.best = {
                    "noise": noise, "probability": probability, "estimate": np.abs(estimate), "coefs": self.coefs,
                    "residual": self.residual, "variance": self.variance, "sparsity": self.sparsity,
                }  # fmt: skip
            else:
                n_stale += 1
            if noise < 1e-14 / self.n or change < 1e-5 or n_stale > _PATIENCE:
                break

    def _advance(self, noise, *, learn_sparsity):
        """One iteration; the relative change of the coefficients, and what they were made from."""
        problem = self.problem
        estimate = self.coefs + problem.gradient(self.residual)
        probability, mean, spread = _posterior(estimate, noise, self.sparsity, self.variance, self.granted)
        onsager = self.residual * (float(np.sum(spread)) / noise / self.n)
        residual = problem.target - _combination(problem, mean, probability) + onsager
        change = np.linalg.norm(mean - self.coefs) / max(np.linalg.norm(mean), 1e-300)
        self.coefs = _DAMPING * mean + (1 - _DAMPING) * self.coefs
        self.residual = _DAMPING * residual + (1 - _DAMPING) * self.residual
        self.variance = float(np.sum(spread + mean**2) / max(np.sum(probability), 1e-12))
        if learn_sparsity:
            self.sparsity = float(np.clip(np.mean(probability), 1e-4, 0.9))
        return change, probability, estimate


def _posterior(estimate, noise, sparsity, variance, granted):
    """Probability of being nonzero, mean and variance of coefficients that are seen in Gaussian noise."""
    total = noise + variance
    log_odds = np.log(sparsity / (1 - sparsity)) + 0.5 * np.log(noise / total) + granted
    log_odds = log_odds + 0.5 * estimate**2 * (1 / noise - 1 / total)
    probability = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    conditional_mean = estimate * (variance / total)
    mean = probability * conditional_mean
    spread = probability * (variance * noise / total + conditional_mean**2) - mean**2
    return probability, mean, spread


def _combination(problem, coefs, probability):
    """X̃ @ coefs, from the columns that matter where these are few."""
    active = np.flatnonzero(probability > 1e-6)
    if len(active) < problem.n_features // 4:
        return problem.columns(active) @ problem.design.asarray(coefs[active])
    return problem.combine(coefs)
