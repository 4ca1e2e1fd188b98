"""HopfieldNetwork: symmetric weights, an energy, and a choice of learning rules."""

from numbers import Real
from typing import ClassVar

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, factors
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.fields import QuadraticLandscape
from skamem.core.parameters import COUNT, Interval, Kind, Registered
from skamem.core.rules import RULES, resolve_rule, stability_margins
from skamem.core.warn import warn
from skamem.memory._correlation import AdditiveLearning
from skamem.memory._landscape import LandscapeMemory

__all__ = ["HopfieldNetwork"]


def _only_if(wanted, reason):
    """A condition of `available_if`: that the network's rule is as wanted."""

    def condition(network):
        if wanted(resolve_rule(network.rule)):
            return True
        names = " or ".join(f"rule={name!r}" for name in RULES if wanted(resolve_rule(name)))
        raise AttributeError(f"HopfieldNetwork(rule={network.rule!r}) {reason} {names}.")

    return condition


_is_incremental = _only_if(lambda rule: rule.is_incremental, "learns all patterns together; partial_fit needs")
_is_mergeable = _only_if(lambda rule: rule.is_mergeable, "cannot join what was learnt apart; merge needs")
_is_reversible = _only_if(lambda rule: rule.additive, "cannot forget exactly; forget needs")


class HopfieldNetwork(AdditiveLearning, LandscapeMemory):
    """Hopfield network: two-valued units, symmetric weights without diagonal, an energy that recall goes down.

    Parameters
    ----------
    rule : {"hebbian", "storkey", "pseudoinverse", "perceptron"} or callable, default="hebbian"
        How weights are learnt. "hebbian" stores about 0.138 random patterns a unit, "storkey" more, "pseudoinverse" as
        many independent patterns as there are units, "perceptron" whatever symmetric weights can hold. A callable takes
        patterns (n_patterns, n_units) in {-1, +1} and returns symmetric weights.
    kappa : float, default=0.0
        Margin of ``rule="perceptron"``, >= 0, in units of the norm of a unit's weights: larger is slower to learn, with
        wider basins.
    max_epochs : int, default=10000
        Passes of ``rule="perceptron"`` over the patterns at most.
    fit_intercept : bool, default=False
        Learn a bias for each unit: the weight from one more unit that is always on.
    update : {"async", "sync"}, default="async"
        One unit after another, in an order drawn in `fit`, or all at once, which may end in a cycle of two states.
    n_recall_steps : int, default=100
        Sweeps (updates, when synchronous) at most.
    binarize : float or None, default=0.0
        Values above it are on; None takes two-valued patterns as they are.
    coding : {"auto", "bipolar", "binary"}, default="auto"
        Coding of the recalled patterns; "auto" takes that of the stored ones.
    missing : {"free", "clamp"}, default="free"
        Whether known units may be corrected in recall, or are held while unknown ones (NaN) are filled in.
    check_stored : bool, default=True
        Ask up to 256 of the stored patterns whether recall leaves them as they are, and warn if it does not.
    random_state : int, RandomState instance or None, default=None
        Draws the order of asynchronous updates, once, in `fit`.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    weights_ : array of shape (n_units, n_units)
        Symmetric, diagonal 0.
    bias_ : array of shape (n_units,)
        External field on each unit.
    couplings_ : array of shape (n_units, n_units) or (n_units + 1, n_units + 1)
        Weights as the rule leaves them, before the 1 / n_units of the Hebb rule; the unit that is always on is the
        last. Made anew where few patterns of many units are held as factors.
    margins_ : array of shape (n_patterns,)
        After ``rule="perceptron"``: how firmly each stored pattern is held, the smallest field of its units towards it
        by the norm of their weights. Not above 0 where a pattern is no fixed point.
    pattern_sum_ : array of shape (n_units,)
        Sum of the stored patterns: its sign is the majority that unresolved units take.
    n_patterns_ : int
        Patterns stored.
    total_weight_ : float
        The same, as a float.
    coding_ : str
        Coding of recalled patterns.
    order_seed_ : int
        Seed of the update order.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of str
        Names of the units, when `fit` saw any.

    See Also
    --------
    HebbianMemory : The same weights with their diagonal, and for pairs of patterns.
    DenseMemory : Energies of higher degree, which hold many more patterns.

    Notes
    -----
    A unit whose field is 0 keeps its state. One at a time, updates never raise the energy, so recall ends. Cost:
    `fit` O(n_patterns n_units²) (an epoch, for the perceptron), a sweep O(n_samples n_units²). With rule "hebbian" or
    "pseudoinverse", fewer patterns than half of the units and more than about a million weights, the weights are held
    as factors of n_patterns n_units numbers, and a sweep costs O(n_samples n_patterns n_units).

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import HopfieldNetwork
    >>> network = HopfieldNetwork(random_state=0).fit([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]])
    >>> network.predict([[1, 1, 1, -1, -1, 1]])
    array([[ 1.,  1.,  1., -1., -1., -1.]])
    >>> bool(network.energy([[1, 1, 1, -1, -1, -1]])[0] < network.energy([[1, 1, 1, -1, -1, 1]])[0])
    True
    """

    _parameters: ClassVar[dict[str, Kind]] = {
        "rule": Registered(RULES, "a callable (patterns) -> weights"),
        "kappa": Interval(Real, low=0.0),
        "max_epochs": COUNT,
    }
    target = "self"

    def __init__(
        self,
        rule="hebbian",
        *,
        kappa=0.0,
        max_epochs=10_000,
        fit_intercept=False,
        update="async",
        n_recall_steps=100,
        binarize=0.0,
        coding="auto",
        missing="free",
        check_stored=True,
        random_state=None,
        backend=None,
    ):
        self.rule = rule
        self.kappa = kappa
        self.max_epochs = max_epochs
        self.fit_intercept = fit_intercept
        self.update = update
        self.n_recall_steps = n_recall_steps
        self.binarize = binarize
        self.coding = coding
        self.missing = missing
        self.check_stored = check_stored
        self.random_state = random_state
        self.backend = backend

    @classmethod
    def from_weights(cls, weights, bias=None, **parameters):
        """A network with given weights, for hand-made networks and Ising models.

        Parameters
        ----------
        weights : array-like of shape (n_units, n_units)
            Symmetric; the diagonal is ignored.
        bias : array-like of shape (n_units,), default=None
            External field on each unit; None for none.
        **parameters
            Parameters of the network, such as `update` and `coding`.

        Returns
        -------
        network : HopfieldNetwork
            Fitted. Its patterns are bipolar unless ``coding="binary"``.

        Raises
        ------
        ValueError
            For weights that are not symmetric, shapes that do not fit, or ``fit_intercept=True`` without a bias.

        Examples
        --------
        >>> import numpy as np
        >>> from skamem import HopfieldNetwork
        >>> flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]])
        >>> flip_flop.recall([[1, -1], [-1, 1]]).converged
        array([ True,  True])
        """
        xp = arrays.input_namespace(weights)
        weights = check_array(weights, dtype=(xp.float64, xp.float32), input_name="weights")
        _check_symmetric(weights)
        n_units = weights.shape[0]
        network = cls(**({"fit_intercept": bias is not None} | parameters))
        if network.fit_intercept is True and bias is None:
            raise ValueError(
                "fit_intercept=True, but bias is None; expected an external field on each unit, or no intercept."
            )
        network._check_parameters()
        network._begin()
        place = arrays.resolve_backend(network.backend, weights)
        place.use()
        couplings = place.asarray(weights)
        if bias is not None:
            bias = check_array(bias, ensure_2d=False, dtype=(xp.float64, xp.float32), input_name="bias")
            if tuple(bias.shape) != (n_units,):
                raise ValueError(f"bias has shape {tuple(bias.shape)}; expected ({n_units},), one entry a unit.")
            couplings = _bordered(couplings, place.asarray(bias, couplings.dtype))
        network._scale = network._rule.scale(n_units)
        couplings = couplings / network._scale
        whole = bool(place.xp.all(couplings == place.xp.round(couplings)))
        largest = float(place.xp.max(place.xp.sum(place.xp.abs(couplings), axis=0)))
        network._exact = whole and largest < arrays.WHOLE_IN_FLOAT32
        network._learnt, network.n_features_in_ = couplings, n_units
        network.coding_ = "binary" if network.coding == "binary" else "bipolar"
        network._forget_all(place.xp.zeros_like(couplings[0, :n_units]))
        return network

    @property
    def couplings_(self):
        """Weights before they are scaled, with the unit of the bias, if any; made anew where held as factors."""
        return factors.matrix(self._learnt)

    @property
    def weights_(self):
        """Symmetric weights, diagonal 0."""
        weights = self._scale * factors.matrix(factors.corner(self._learnt, self.n_features_in_))
        xp = arrays.namespace(weights)
        return weights * (1.0 - xp.eye(weights.shape[0], dtype=weights.dtype, device=arrays.device(weights)))

    @property
    def bias_(self):
        """External field on each unit."""
        bias = self._couplings_of_bias()
        if bias is not None:
            return self._scale * bias
        xp, home = factors.namespace(self._learnt), self._home()
        return xp.zeros(self.n_features_in_, dtype=home.dtype, device=arrays.device(home))

    def _couplings_of_bias(self):
        """Couplings of the unit that is always on with the others; None without it."""
        n_units = self.n_features_in_
        if self._learnt.shape[0] == n_units:
            return None
        last = factors.namespace(self._learnt).asarray([n_units], device=arrays.device(self._home()))
        return factors.rows(self._learnt, last)[0, :n_units]

    @property
    def _field_scale(self):
        return self._scale

    @property
    def _rule(self):
        return resolve_rule(self.rule)

    # ------------------------------------------------------------------ storing

    @transactional
    def fit(self, X, y=None):
        """Store patterns, forgetting those stored before.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns, one a row. Real values are thresholded at `binarize`. NaN marks an unknown unit, which is stored
            as 0: it takes part in no association.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted network.

        Raises
        ------
        ValueError
            For infinite entries, and patterns that are not two-valued where they must be. A failed call changes
            nothing.
        """
        return self._store(X, None, None, reset=True)

    @available_if(_is_incremental)
    @transactional
    def partial_fit(self, X, y=None):
        """Store more patterns beside those stored before; not for ``rule="perceptron"`` or a callable.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns, one a row.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted network. Storing in pieces equals storing at once.

        Raises
        ------
        ValueError
            As `fit`, and for another `rule`, say, than that of the patterns before. A failed call changes nothing.
        """
        return self._store(X, None, None, reset=not hasattr(self, "_learnt"))

    @available_if(_is_reversible)
    @transactional
    def forget(self, X):
        """Take patterns out of the weights again, as if they had never been stored; for ``rule="hebbian"``.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_patterns, n_units)
            Patterns, as they were given to `fit`. What was never stored is taken away all the same: its energy rises.

        Returns
        -------
        self : object
            The network without them.

        Raises
        ------
        ValueError
            As `partial_fit`, and when more patterns would be forgotten than are stored. A failed call changes nothing.
        """
        return self._take_away(X, None, None)

    @available_if(_is_mergeable)
    @transactional
    def merge(self, other):
        """Learn all that another network has learnt; for ``rule="hebbian"`` or ``"pseudoinverse"``.

        Parameters
        ----------
        other : HopfieldNetwork
            Fitted, with as many units and the same `rule`, `fit_intercept` and `binarize`. It is left as it is.

        Returns
        -------
        self : object
            The network, with the patterns of both; fitted, if it was not.

        Raises
        ------
        TypeError, ValueError
            For what is no such network. A failed call changes nothing.
        """
        return self._merge(other)

    _learning_parameters = ("rule", "fit_intercept", "binarize")

    def _join(self, other, placement, *, reset):
        self._scale = other._scale
        super()._join(other, placement, reset=reset)

    def _joined(self, total, more):
        return super()._joined(total, more) if self._rule.additive else self._rule.join(total, more)

    def _learn(self, stream, *, reset):
        rule = self._rule
        vars(self).pop("margins_", None)
        self._scale = rule.scale(stream.X.shape[1])
        if rule.additive:
            self._add(stream, exact=rule.exact, reset=reset)
            return
        self._exact = rule.exact and (reset or self._exact)
        couplings = None if reset else self._learnt
        factored = self._stays_factored(stream, couplings)
        for _ in fit_tasks(self, [0], name="block", n_tasks=1, X=stream.X, attributes=dict):
            X, _, _ = stream.block(dtype=stream.dtype if reset else couplings.dtype)
            self._count(X, None, None)
            self._learnt = self._couple(rule, self._with_constant(X), couplings, factored=factored)

    def _products(self, X, Y, weight, *, factored):
        return self._couple(self._rule, self._with_constant(X), factored=factored)

    def _holds_factors(self, n_patterns, n_units, n_outputs):
        return self._rule.holds_factors(n_patterns, n_units)

    def _couple(self, rule, X, couplings=None, *, factored=False):
        """Couplings after learning X, on top of those there."""
        options = {name: getattr(self, name) for name in rule.options}
        couplings = rule.learn(X, couplings, factored=factored, **options)
        if not isinstance(self.rule, str):  # registered rules are known to give what they should
            if arrays.shape_of(couplings) != (X.shape[1], X.shape[1]):
                raise ValueError(
                    f"rule={self.rule!r} returned weights of shape {arrays.shape_of(couplings)}; expected "
                    f"{(X.shape[1], X.shape[1])}."
                )
            _check_symmetric(factors.matrix(couplings))
        if rule.shortfall:
            self.margins_ = stability_margins(X, couplings, fit_intercept=self.fit_intercept)
            shortfall = rule.shortfall(self.margins_, **options)
            if shortfall:
                warn(f"HopfieldNetwork(rule={self.rule!r}) {shortfall}", ConvergenceWarning)
        return couplings

    def _with_constant(self, X):
        if not self.fit_intercept:
            return X
        xp = arrays.namespace(X)
        return xp.concat([X, xp.ones((X.shape[0], 1), dtype=X.dtype, device=arrays.device(X))], axis=1)

    _field_class = QuadraticLandscape

    def _make_field(self):
        weights = factors.corner(self._learnt, self.n_features_in_)
        return QuadraticLandscape(
            weights, self._couplings_of_bias(), exact=self._exact, noise=self._rule.noise(weights)
        )

    def to_ising(self):
        """Couplings J and fields h of the Ising model with this energy: H(s) = -1/2 sᵀ J s - hᵀ s.

        Returns
        -------
        couplings : array of shape (n_units, n_units)
            Symmetric, diagonal 0; the network's `weights_`.
        fields : array of shape (n_units,)
            External field on each spin; its `bias_`.
        """
        check_is_fitted(self)
        return self.weights_, self.bias_


def _bordered(weights, bias):
    """Weights with one more unit, whose weights are the bias."""
    xp = arrays.namespace(weights)
    right = xp.concat([bias, xp.zeros_like(bias[:1])])[:, None]
    return xp.concat([xp.concat([weights, bias[None, :]], axis=0), right], axis=1)


def _check_symmetric(weights):
    xp = arrays.namespace(weights)
    if weights.shape[0] != weights.shape[1]:
        raise ValueError(
            f"weights have shape {tuple(weights.shape)}; expected a square matrix, a row and column a unit."
        )
    gap = float(xp.max(xp.abs(weights - xp.matrix_transpose(weights))))
    if not gap <= 1e-6 * float(xp.max(xp.abs(weights))):
        raise ValueError(
            f"weights are not symmetric: two entries differ by {gap:g}. A Hopfield network has an energy because its "
            "weights are symmetric; for others use skamem.core.fields.LinearField with skamem.core.dynamics."
        )
