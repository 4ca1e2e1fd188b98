"""How much should a memory hold? The theory of random patterns, in closed form.

n units, m random unbiased patterns. In one step a bit is held in place by its own pattern (the signal) and pushed about
by all others (crosstalk, the noise), a sum of many fair signs: `bit_error_probability`. What feedback makes of it is
`retrieval_overlap`. `capacity` turns both, and what is known of other rules, into a number of patterns.
"""

import math
import numbers

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import erf, gamma
from scipy.stats import binom, norm

from skamem.core.interactions import resolve_interaction
from skamem.core.rules import CRITICAL_LOAD
from skamem.core.validation import check_number, check_option

__all__ = ["bit_error_probability", "capacity", "retrieval_overlap"]

_LAWS = ("auto", "exact", "gaussian", "asymptotic")
_POLYNOMIALS = ("polynomial", "rectified_polynomial")


def bit_error_probability(n_units, n_patterns, *, model="hebbian", zero_diagonal=True, degree=3, law="auto"):
    """Probability that a bit of a stored pattern is wrong after one synchronous step.

    Patterns are random, independent and unbiased; the cue is a stored pattern, and a unit whose field is 0 stays.

    Parameters
    ----------
    n_units : int
        Units n, >= 2.
    n_patterns : int or array-like of int
        Stored patterns m, >= 1; real numbers will do for the laws that are not exact.
    model : {"hebbian", "polynomial", "rectified_polynomial"}, default="hebbian"
        Outer-product weights, or a dense memory of that energy.
    zero_diagonal : bool, default=True
        Whether units of ``model="hebbian"`` have no connection to themselves. `HopfieldNetwork` has none;
        `HebbianMemory` keeps them by default.
    degree : float, default=3
        n of the polynomials.
    law : {"auto", "exact", "gaussian", "asymptotic"}, default="auto"
        "exact", for the Hebb rule: the binomial law of (m - 1)(n - 1) fair signs. "gaussian": the tail Q(signal/noise)
        of a normal distribution with the exact variance of the noise. "asymptotic": the same with the variance of large
        n, the form that papers print. "auto" is "exact" for the Hebb rule and "gaussian" for the others.

    Returns
    -------
    probability : float or ndarray
        In [0, 1]; shape of `n_patterns`.

    Raises
    ------
    ValueError
        When a parameter is out of range, or there is no such law for the model.

    See Also
    --------
    crosstalk : The noise of given patterns.
    capacity : The number of patterns at which this reaches a given value.

    Notes
    -----
    With Q the tail of the standard normal distribution: Q(sqrt((n - 1) / (m - 1))) for the Hebb rule without its
    diagonal; with it other patterns help to hold a bit, and it is Q((n + m - 1) / sqrt((n - 1)(m - 1))), not above
    Q(2) = .023 for large n, however many patterns there are. For F(x) = x^d and large n,
    Q(sqrt(n^(d-1) / ((2d - 3)!! (m - 1)))) [1]_; rectified, only half of the patterns make noise.

    Cost: O(n_units) for the polynomials, O(1) a value.

    References
    ----------
    .. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.

    Examples
    --------
    >>> from skamem.analysis import bit_error_probability
    >>> bit_error_probability(1000, [184, 324]).round(4)
    array([0.0097, 0.0392])
    >>> bit_error_probability(1000, [184, 324], zero_diagonal=False).round(4)
    array([0.0028, 0.0099])
    >>> round(bit_error_probability(100, 500, model="polynomial", degree=3), 5)
    0.00517
    """
    check_number("n_units", n_units, kind=numbers.Integral, low=2)
    check_option("model", model, ("hebbian", *_POLYNOMIALS))
    check_option("zero_diagonal", zero_diagonal, (True, False))
    check_option("law", law, _LAWS)
    count = np.asarray(n_patterns)
    if count.dtype.kind not in "iuf" or not np.all(count >= 1):
        raise ValueError(f"n_patterns={n_patterns!r}; expected numbers of patterns >= 1.")
    count = count.astype(float)
    if law == "exact" or (law == "auto" and model == "hebbian"):
        probability = _exact_error(n_units, count, model, zero_diagonal)
    else:
        large = law == "asymptotic"
        with np.errstate(divide="ignore"):  # a single pattern makes no noise
            if model == "hebbian":
                ratio = _hebbian_ratio(n_units, count, zero_diagonal, large)
            else:
                ratio = _dense_ratio(n_units, model, degree, large) / np.sqrt(count - 1)
        probability = norm.sf(ratio)
    return float(probability) if count.ndim == 0 else probability


def _exact_error(n_units, count, model, zero_diagonal):
    if model != "hebbian":
        raise ValueError(f"law='exact' is known for model='hebbian' only; found model={model!r}. Use law='gaussian'.")
    if np.any(count != np.rint(count)):
        raise ValueError("law='exact' expects whole numbers of patterns; for others use law='gaussian'.")
    trials = (count - 1) * (n_units - 1)
    held = n_units - 1 + (0 if zero_diagonal else count)
    # The sum of fair signs is 2 B - trials, with B binomial; the bit turns where it is below -held, and stays at -held.
    return binom.cdf(np.ceil((trials - held) / 2) - 1, trials, 0.5)


def _hebbian_ratio(n_units, count, zero_diagonal, large):
    """Signal by standard deviation of the noise."""
    units = n_units if large else n_units - 1
    return (units if zero_diagonal else units + count) / np.sqrt(units * (count - 1))


def _dense_ratio(n_units, model, degree, large):
    """Signal by standard deviation of the noise of a single other pattern."""
    interaction = resolve_interaction(model, degree)
    if large:
        return math.sqrt(n_units ** (degree - 1) / _noise_moment(model, degree))
    n_on = np.arange(n_units)
    overlap = 2.0 * n_on - (n_units - 1)  # with the other pattern, this bit left out
    # In units of n_units: powers of large overlaps would overflow.
    gap = interaction.energy((overlap + 1) / n_units) - interaction.energy((overlap - 1) / n_units)
    signal = 1.0 - interaction.energy(np.asarray((n_units - 2) / n_units))
    return float(signal / np.sqrt(np.sum(binom.pmf(n_on, n_units - 1, 0.5) * gap**2)))


def _noise_moment(model, degree):
    """(2 degree - 3)!! for any real degree: E z^(2 degree - 2) of a normal variable z; half of it when rectified."""
    moment = 2 ** (degree - 1) * gamma(degree - 0.5) / math.sqrt(math.pi)
    return moment / 2 if model == "rectified_polynomial" else moment


# ------------------------------------------------------------------------------------------------------- feedback


def _load_of(y):
    """The load at which a network of infinite size ends at overlap erf(y)."""
    return (erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-(y**2))) ** 2 / 2


# Where that is largest, CRITICAL_LOAD: beyond it nothing is retrieved.
_CRITICAL_Y = float(minimize_scalar(lambda y: -_load_of(y), bounds=(1.0, 2.0), method="bounded").x)


def retrieval_overlap(load):
    """Overlap with a stored pattern at which a Hopfield network of infinite size comes to rest.

    Hebb's rule, no diagonal, random patterns, no temperature: the largest solution of the mean-field equations of
    Amit, Gutfreund and Sompolinsky [1]_ (replica symmetric).

    Parameters
    ----------
    load : float or array-like
        Patterns by units, >= 0.

    Returns
    -------
    overlap : float or ndarray
        From 1 at load 0 to .967 at .1379; 0 beyond, where nothing is retrieved.

    Raises
    ------
    ValueError
        When a load is negative or no number.

    Notes
    -----
    y (sqrt(2 load) + 2/sqrt(π) exp(-y²)) = erf y, overlap = erf y. Finite networks have no sharp end: at load .14 and
    n = 1500 the mean overlap is still about .97. Cost: about ten evaluations a load.

    References
    ----------
    .. [1] Amit, Gutfreund and Sompolinsky (1985), Physical Review Letters 55:1530, doi:10.1103/PhysRevLett.55.1530.

    Examples
    --------
    >>> from skamem.analysis import retrieval_overlap
    >>> retrieval_overlap([0.05, 0.10, 0.12, 0.16]).round(4)
    array([1.    , 0.998 , 0.9932, 0.    ])
    """
    loads = np.asarray(load)
    if loads.dtype.kind not in "iuf" or not np.all(loads >= 0):
        raise ValueError(f"load={load!r}; expected numbers of patterns by numbers of units, >= 0.")
    overlaps = np.asarray([_overlap(value) for value in loads.ravel()]).reshape(loads.shape)
    return float(overlaps) if loads.ndim == 0 else overlaps


def _overlap(load):
    if load == 0 or load > CRITICAL_LOAD:
        return float(load == 0)
    # y sqrt(2 load) < erf y < 1 bounds the solution from above; the smaller one, below _CRITICAL_Y, is not stable.
    return erf(brentq(lambda y: _load_of(y) - load, _CRITICAL_Y, 1 / math.sqrt(2 * load)))


# ------------------------------------------------------------------------------------------------------- capacity


def capacity(n_units, *, model="hebbian", criterion=None, error=0.01, zero_diagonal=True, degree=3, n_active=None):
    """Number of random patterns that a memory of this size is predicted to hold.

    Parameters
    ----------
    n_units : int
        Units n, >= 2.
    model : str, default="hebbian"
        Learning rule, or energy: see the table.
    criterion : str, default=None
        What "hold" means: see the table; None for the first one of the model.
    error : float in (0, 0.5), default=0.01
        For ``criterion="bit_error"``: wrong bits after one step that are put up with.
    zero_diagonal : bool, default=True
        For the bit error of ``model="hebbian"``: whether units have no connection to themselves.
    degree : float, default=3
        Degree d of the polynomials.
    n_active : float, default=None
        Active units k of a pattern of the Willshaw net; None for the optimum, log2 n.

    Returns
    -------
    n_patterns : float
        Not rounded; inf where the error is never reached.

    Raises
    ------
    ValueError
        For a model or a criterion of it that is not in the table, or a number out of range.

    See Also
    --------
    capacity_curve : Measures it.
    bit_error_probability : The law that ``criterion="bit_error"`` inverts.

    Notes
    -----
    ======================  ==============  ======================================================  ======
    model                   criterion       patterns                                                source
    ======================  ==============  ======================================================  ======
    "hebbian"               "retrieval"     .1379 n: recall ends near the pattern                   [1]_
    "hebbian"               "pattern"       n / (2 ln n): a given pattern is stable                 [2]_
    "hebbian"               "all_patterns"  n / (4 ln n): every pattern is stable                   [2]_
    "hebbian"               "bit_error"     the Gaussian law of `bit_error_probability` is `error`  none
    "storkey"               "pattern"       n / sqrt(2 ln n)                                        [3]_
    "pseudoinverse"         "all_patterns"  n - 1, if they are independent                          [4]_
    "perceptron"            "all_patterns"  2 n: weights exist, if not symmetric ones               [5]_
    "willshaw"              "half_on"       ln .5 / ln(1 - (k/n)²): half of the synapses are on     [6]_
    "polynomial"            "pattern"       n^(d-1) / (2 (2d-3)!! ln n), eq. (6)                    [7]_
    "polynomial"            "bit_error"     α n^(d-1), eq. (5), with α of the Gaussian law          [7]_
    "rectified_polynomial"  the same two    about twice as many                                     none
    "exponential"           "pattern"       2^(n/2)                                                 [8]_
    ======================  ==============  ======================================================  ======

    Those with a logarithm, and .1379 n, hold for large n: small networks are softer about them. Correlated patterns
    lower all of them but n - 1.

    References
    ----------
    .. [1] Amit, Gutfreund and Sompolinsky (1985), Physical Review Letters 55:1530, doi:10.1103/PhysRevLett.55.1530.
    .. [2] McEliece, Posner, Rodemich and Venkatesh (1987), IEEE Transactions on Information Theory 33:461,
       doi:10.1109/TIT.1987.1057328.
    .. [3] Storkey (1997), Artificial Neural Networks - ICANN'97, LNCS 1327:451, doi:10.1007/BFb0020196.
    .. [4] Personnaz, Guyon and Dreyfus (1985), Journal de Physique Lettres 46:359,
       doi:10.1051/jphyslet:01985004608035900.
    .. [5] Gardner (1988), Journal of Physics A 21:257, doi:10.1088/0305-4470/21/1/030.
    .. [6] Willshaw, Buneman and Longuet-Higgins (1969), Nature 222:960, doi:10.1038/222960a0.
    .. [7] Krotov and Hopfield (2016), arXiv:1606.01164.
    .. [8] Demircigil et al. (2017), On a model of associative memory with huge storage capacity, arXiv:1702.01929.

    Examples
    --------
    >>> from skamem.analysis import capacity
    >>> round(capacity(1000), 1), round(capacity(1000, criterion="bit_error"), 1)
    (137.9, 185.6)
    >>> round(capacity(1000, model="polynomial", degree=3))
    24127
    """
    check_number("n_units", n_units, kind=numbers.Integral, low=2)
    check_number("error", error, low=0, high=0.5, low_open=True, high_open=True)
    check_option("zero_diagonal", zero_diagonal, (True, False))
    check_option("model", model, tuple(_PREDICTIONS))
    known = _PREDICTIONS[model]
    if criterion is None:
        criterion = next(iter(known))
    if not isinstance(criterion, str) or criterion not in known:
        table = "; ".join(f"{name}: {', '.join(map(repr, criteria))}" for name, criteria in _PREDICTIONS.items())
        raise ValueError(f"criterion={criterion!r} is not known for model={model!r}; expected one of {table}.")
    options = {"model": model, "error": error, "zero_diagonal": zero_diagonal, "degree": degree, "n_active": n_active}
    return float(known[criterion](int(n_units), **options))


def _hebbian_bit_error(n_units, *, error, zero_diagonal, **_):
    width, units = norm.isf(error), n_units - 1
    if zero_diagonal:
        return 1 + units / width**2
    # (units + others + 1) / sqrt(units others) = width: a quadratic equation for the root of the others.
    discriminant = width**2 * units - 4 * (units + 1)
    return 1 + ((width * math.sqrt(units) - math.sqrt(discriminant)) / 2) ** 2 if discriminant >= 0 else math.inf


def _dense_bit_error(n_units, *, model, error, degree, **_):
    return 1 + (_dense_ratio(n_units, model, degree, False) / norm.isf(error)) ** 2


def _dense_pattern(n_units, *, model, degree, **_):
    interaction = resolve_interaction(model, degree)
    return n_units ** (interaction.degree - 1) / (2 * _noise_moment(model, interaction.degree) * math.log(n_units))


def _willshaw_half_on(n_units, *, n_active, **_):
    if n_active is None:
        n_active = math.log2(n_units)
    check_number("n_active", n_active, low=0, high=n_units, low_open=True, high_open=True)
    return math.log(0.5) / math.log1p(-((n_active / n_units) ** 2))


def _exponential_pattern(n_units, **_):
    return 2.0 ** (n_units / 2) if n_units < 2048 else math.inf


_PREDICTIONS = {
    "hebbian": {
        "retrieval": lambda n, **_: CRITICAL_LOAD * n,
        "pattern": lambda n, **_: n / (2 * math.log(n)),
        "all_patterns": lambda n, **_: n / (4 * math.log(n)),
        "bit_error": _hebbian_bit_error,
    },
    "storkey": {"pattern": lambda n, **_: n / math.sqrt(2 * math.log(n))},
    "pseudoinverse": {"all_patterns": lambda n, **_: n - 1},
    "perceptron": {"all_patterns": lambda n, **_: 2 * n},
    "willshaw": {"half_on": _willshaw_half_on},
    **{name: {"pattern": _dense_pattern, "bit_error": _dense_bit_error} for name in _POLYNOMIALS},
    "exponential": {"pattern": _exponential_pattern},
}
