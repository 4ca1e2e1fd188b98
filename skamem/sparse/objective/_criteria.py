"""Information criteria: which size of a path to believe."""

import math

__all__ = ["CRITERIA", "information_criterion"]


def _gic(n_samples, n_features, size):
    # log log n is meant for n in the hundreds and more; it would turn negative below e.
    return size * math.log(max(n_features, 2)) * math.log(math.log(max(n_samples, 3.0)))


def _bic(n_samples, n_features, size):
    return size * math.log(max(n_samples, 2.0))


def _ebic(n_samples, n_features, size):
    log_choices = math.lgamma(n_features + 1) - math.lgamma(size + 1) - math.lgamma(n_features - size + 1)
    return _bic(n_samples, n_features, size) + 2.0 * log_choices


CRITERIA = {"gic": _gic, "bic": _bic, "ebic": _ebic}
"""Penalties by name: ``(n_samples, n_features, size) -> penalty`` for one target."""


def information_criterion(name, loss, size, *, n_samples, n_features, n_targets=1):
    """Criterion of a fit: n log(loss) + penalty, for each target; lower is better.

    Parameters
    ----------
    name : {"gic", "bic", "ebic"}
        gic: s log p log log n. bic: s log n. ebic: bic plus 2 log (p choose s), its parameter γ at 1.
    loss : float
        Residual sum of squares, > 0; its unit shifts the criterion by a constant.
    size : int
        s, the number of selected features.
    n_samples : float
        n; the sum of the weights where samples are weighted.
    n_features : int
        p, of the whole input, also after screening.
    n_targets : int, default=1

    Returns
    -------
    value : float

    References
    ----------
    Fan and Tang (2013), Journal of the Royal Statistical Society B 75:531, doi:10.1111/rssb.12001 (gic).
    Chen and Chen (2008), Biometrika 95:759, doi:10.1093/biomet/asn034 (ebic).

    Examples
    --------
    >>> information_criterion("bic", 1.0, 2, n_samples=100, n_features=10)
    9.21...
    """
    penalty = CRITERIA[name](n_samples, n_features, size)
    return n_targets * (n_samples * math.log(loss) + penalty)
