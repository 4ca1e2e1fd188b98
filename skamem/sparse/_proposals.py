"""Other ways to a support, for where the first one may be wrong.

Each proposal is a support that local search finishes. They fail in different places: approximate message passing is
strong on incoherent designs, forward selection on correlated ones, growing and shrinking leaves a local optimum.
"""

import numpy as np

from skamem.sparse._chains import Chains
from skamem.sparse._htp import largest
from skamem.sparse._linalg import ZERO_LOSS
from skamem.sparse._path import forward_path, grow
from skamem.sparse._search import Candidate, is_small, local_search, working_set_of

__all__ = ["approximate_message_passing", "escalate"]

# Supports with a margin of at least this were right on all random designs tried; below it, other starts are worthwhile.
SURE = 2.0
# Found by two independent ways, a support with this margin is believed.
_LIKELY = 1.5


def escalate(problem, candidate, size, *, tol, exhaustive=False):
    """Try other starts, finish each by local search, keep the lowest loss.

    Stops at a loss of zero, at a comfortable margin, or when a likely support was found twice.

    Parameters
    ----------
    problem : Problem
    candidate : Candidate
        Where local search led so far.
    size : int
    tol : float
        Least relative decrease of the loss that counts.
    exhaustive : bool, default=False
        Try all proposals, whatever they bring.

    Returns
    -------
    candidate : Candidate
    """
    if size >= int(problem.usable.sum()):
        return candidate
    best = _Best(problem, candidate, tol, exhaustive)
    starts = [_forward, _marginal] if problem.n_targets > 1 else [approximate_message_passing, _marginal, _forward]
    for start in starts:
        if best.believed:
            return best.candidate
        best.consider(start(problem, size, tol))
    n_spare = min(problem.n_rows - 2, int(problem.usable.sum()) - 1) - size
    step = min(max(size // 2, 1), n_spare)
    while step >= 1 and not best.believed:
        if not best.consider(_grow_and_shrink(problem, best.candidate, step)):
            step //= 2
    return best.candidate


class _Best:
    """The best candidate so far, and how often it was found."""

    def __init__(self, problem, candidate, tol, exhaustive):
        self.problem = problem
        self.candidate = candidate
        self.tol = tol
        self.exhaustive = exhaustive
        self.times_found = 1

    def consider(self, support):
        """Finish the proposal `support` by local search; True if that is better than the best so far."""
        start = Candidate(support, self.problem.least_squares(support).loss)
        found = local_search(self.problem, start, tol=self.tol)
        better = found.loss < self.candidate.loss * (1 - self.tol)
        if better:
            self.candidate, self.times_found = found, 1
        elif np.array_equal(found.support, self.candidate.support):
            self.times_found += 1
        return better

    @property
    def believed(self):
        """Whether there is nothing to gain from a further proposal."""
        if self.candidate.loss <= ZERO_LOSS:
            return True
        likely = self.times_found >= 2 and self.candidate.margin > _LIKELY
        return not self.exhaustive and (self.candidate.margin >= SURE or likely)


def _marginal(problem, size, tol):
    """Columns that correlate most with the target."""
    return largest(problem.correlation, size, problem.locked)


def _forward(problem, size, tol):
    """Forward selection by orthogonal least squares; on small problems every size is improved by swaps."""
    if is_small(problem, size):
        *_, last = forward_path(problem, size, swaps=True, tol=tol)
        return last.support
    support = np.flatnonzero(problem.locked)
    while len(support) < size:
        chain, working_set = _grown(problem, support, min(max(size // 4, 1), size - len(support)))
        if chain.size == len(support):
            break
        support = np.sort(working_set[chain.supports[0]])
    return support


def _grow_and_shrink(problem, candidate, step):
    """Add the `step` best columns one by one, then remove as many, always the least missed."""
    support = candidate.support
    chain, working_set = _grown(problem, support, step)
    while chain.size > len(support):
        chain.remove(np.array([int(np.argmin(chain.sacrifices()[0]))]))
    return np.sort(working_set[chain.supports[0]])


def _grown(problem, support, n_more):
    """Chain from `support` with up to `n_more` best additions, on a working set, and that working set."""
    gradient = problem.gradient(problem.least_squares(support).residual)
    working_set = working_set_of(problem, gradient, support, max(4 * len(support), 2 * n_more, 128))
    chain = Chains(problem.restricted_quadratic(working_set), len(support) + n_more)
    chain.restart(np.searchsorted(working_set, support))
    for _ in range(n_more):
        if not grow(chain):
            break
    return chain, working_set


def approximate_message_passing(problem, size, tol, *, max_iter=400, damping=0.7):
    """Support proposed by approximate message passing with a Bernoulli-Gauss prior.

    Iterative hard thresholding with two changes: a soft posterior mean in place of the threshold, and the Onsager term,
    which takes out of the residual what each coefficient has put there itself. The sparsity and variance of the prior
    follow the data by expectation maximisation.

    Parameters
    ----------
    problem : Problem
        One target.
    size : int
    tol : float
        Not used; here so that all proposals are called alike.
    max_iter : int, default=400
    damping : float, default=0.7
        Weight of the new iterate.

    Returns
    -------
    support : int array of shape (s,)
        Largest posterior probabilities.

    Notes
    -----
    Two passes over X an iteration; one where few coefficients are away from zero.

    References
    ----------
    Vila and Schniter (2013), IEEE Transactions on Signal Processing 61:4658, doi:10.1109/TSP.2013.2272287.
    """
    xp, n = problem.design.xp, problem.n_rows
    sparsity, variance = min(size / problem.n_features, 0.9), 1.0 / size
    coefs = np.zeros((problem.n_features, 1))
    residual = problem.target
    least, best, n_stale = np.inf, problem.correlation, 0
    for iteration in range(max_iter):
        noise = float(xp.sum(residual * residual)) / n
        estimate = coefs + problem.gradient(residual)
        probability, mean, spread = _posterior(estimate, noise, sparsity, variance)
        if noise < 0.999 * least:
            least, n_stale = noise, 0
            # Where probabilities saturate at one, the size of the estimate decides.
            best = probability * 1e3 + np.abs(estimate) / np.abs(estimate).max()
        else:
            n_stale += 1
        onsager = residual * (float(np.sum(spread)) / noise / n)
        fresh = problem.target - _combination(problem, mean, probability) + onsager
        change = np.linalg.norm(mean - coefs) / max(np.linalg.norm(mean), 1e-300)
        coefs = damping * mean + (1 - damping) * coefs
        residual = damping * fresh + (1 - damping) * residual
        variance = float(np.sum(spread + mean**2) / max(np.sum(probability), 1e-12))
        if iteration > 10:
            sparsity = float(np.clip(np.mean(probability), 1e-4, 0.9))
        if not noise < 20 * least or noise < 1e-14 / n or change < 1e-5 or n_stale > 60:
            break
    return largest(best * problem.usable[:, None], size, problem.locked)


def _posterior(estimate, noise, sparsity, variance):
    """Probability of being nonzero, mean and variance of coefficients seen in Gaussian noise."""
    total = noise + variance
    log_odds = np.log(sparsity / (1 - sparsity)) + 0.5 * np.log(noise / total)
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
