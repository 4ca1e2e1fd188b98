"""Information criteria: which size of a path to believe."""

import math

__all__ = ["CRITERIA", "DEFAULT", "information_criterion", "price"]


def _bic(n_samples, n_features, size, n_targets):
    return n_targets * size * math.log(max(n_samples, 2.0))


def _gic(n_samples, n_features, size, n_targets):
    # log log n is meant for n in the hundreds and more; it would turn negative below e.
    return n_targets * size * math.log(max(n_features, 2)) * math.log(math.log(max(n_samples, 3.0)))


def _gicc(n_samples, n_features, size, n_targets):
    of_the_choice = 2.0 * n_targets * size + 2.0 * _log_choices(n_features, size)
    return max(_gic(n_samples, n_features, size, n_targets), of_the_choice)


def _ebic(n_samples, n_features, size, n_targets):
    return _bic(n_samples, n_features, size, n_targets) + 2.0 * _log_choices(n_features, size)


def _log_choices(n_features, size):
    """log (p choose s)."""
    return math.lgamma(n_features + 1) - math.lgamma(size + 1) - math.lgamma(n_features - size + 1)


CRITERIA = {"gicc": _gicc, "gic": _gic, "bic": _bic, "ebic": _ebic}
"""Prices by name: ``(n_samples, n_features, size, n_targets) -> price``, next to a deviance."""

DEFAULT = "gicc"
"""What estimators use: the one that benchmarks/criteria.py finds reliable from n << p to n >> p."""


def price(name, size, *, n_samples, n_features, n_targets=1):
    """Price of a support of `size` members, next to a deviance; parameters as in `information_criterion`."""
    return CRITERIA[name](n_samples, n_features, size, n_targets)


def information_criterion(name, loss, size, *, n_samples, n_features, n_targets=1):
    """Criterion of a fit: what is left of y, and the price of the support; lower is better.

    Parameters
    ----------
    name : {"gicc", "gic", "bic", "ebic"}
        bic: n log loss + s log n. gic: n log loss + s log p log log n. ebic: bic plus 2 log (p choose s), its parameter
        γ at 1. gicc, gic corrected for few samples:

            (n - 1 - s) log(loss (n - 1) / (n - 1 - s)) + max(s log p log log n, 2 s + 2 log (p choose s)).

        The first term has the unbiased variance and the degrees of freedom that the support leaves, so that a support
        which fits noise gains little, where n log loss rewards it without end. The price is no less than what the best
        of all supports of noise gains.
    loss : float
        Residual sum of squares, > 0, as a fraction of that without features.
    size : int
        s, the number of selected features.
    n_samples : float
        n; the sum of the weights where samples are weighted.
    n_features : int
        p, of the whole input, also after screening.
    n_targets : int, default=1
        Targets that share the support: it is chosen once, and each has its coefficients.

    Returns
    -------
    value : float

    References
    ----------
    Fan and Tang (2013), Journal of the Royal Statistical Society B 75:531, doi:10.1111/rssb.12001 (gic).
    Chen and Chen (2008), Biometrika 95:759, doi:10.1093/biomet/asn034 (ebic).
    Baraud, Giraud and Huet (2009), Annals of Statistics 37:630, doi:10.1214/07-AOS573 (unknown variance: degrees of
    freedom and the price of the choice).

    Examples
    --------
    >>> information_criterion("bic", 1.0, 2, n_samples=100, n_features=10)
    9.21...
    """
    counted = n_samples
    if name == "gicc":
        counted = max(n_samples - 1 - size, 0.0)
        loss = loss * (n_samples - 1) / max(counted, 1.0)
    misfit = counted * math.log(loss) if counted else 0.0
    return n_targets * misfit + price(name, size, n_samples=n_samples, n_features=n_features, n_targets=n_targets)
