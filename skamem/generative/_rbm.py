"""RestrictedBoltzmannMachine: a generative model of binary or real features that says how good it is."""

from numbers import Integral, Real

import numpy as np

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.merging import IncrementalEstimator
from skamem.core.parameters import BOOLEAN, Interval, Options, RandomState, WithData
from skamem.core.rows import Rows
from skamem.generative._chains import SAMPLERS
from skamem.generative._hopfield_map import same_energy
from skamem.generative._layers import binary_values, on_host, opened
from skamem.generative._learning import Learning, given_sigma
from skamem.generative._likelihoods import BipartiteEstimator
from skamem.generative._monitor import Monitor

__all__ = ["RestrictedBoltzmannMachine"]

_AUTO = Options("auto")


class RestrictedBoltzmannMachine(BipartiteEstimator, IncrementalEstimator):
    """Restricted Boltzmann machine: hidden binary units explain how the features go together.

    As a transformer it gives features for a classifier; as a generative model it draws new rows, fills gaps, and says
    how probable a row is, so that searches can choose its settings by the likelihood of rows that it never saw.

    Parameters
    ----------
    n_components : int, default=256
        Hidden units.
    visible : {"binary", "gaussian"}, default="binary"
        "binary": features are 0 or 1, or probabilities between; other values count as the end they are beyond.
        "gaussian": real features, standardised inside.
    hidden : {"binary", "gaussian"}, default="binary"
        "gaussian": hidden units of variance 1, which see binary features only; the machine is then a Hopfield network
        at temperature 1, its couplings W Wᵀ.
    init : "random" or array-like of shape (n_patterns, n_features), default="random"
        First couplings: random ones, or those of the Hopfield network that stores these patterns of 0 and 1 (or
        -1 and 1), linearly independent and at most `n_components`, about the means of the data.
    sampler : {"pcd", "cd", "pt"}, default="pcd"
        Where the samples of the model come from in training. "pcd": chains that go on from batch to batch. "cd": chains
        that start at the batch. "pt": persistent chains at `n_temperatures` that swap states, for data of modes far
        apart.
    n_gibbs_steps : int, default=1
        Steps of the chains at each update.
    n_chains : "auto" or int, default="auto"
        Persistent chains; "auto" for as many as rows in a batch but 100 at least, up to 1,000 where units are few, and
        20 at each temperature of "pt". Not used by "cd".
    n_temperatures : int, default=10
        Temperatures of "pt", >= 2.
    learning_rate : "auto" or float > 0, default="auto"
        Rate of the first update; it falls linearly to 0 in `fit` and stays in `partial_fit`. "auto" is 0.1, for
        "pt" 0.2, and 0.02 with Gaussian features, but 0.01 for "cd" and with Gaussian hidden units.
    momentum : float in [0, 1), default=0.5
        Share of the last step that is repeated.
    weight_decay : float >= 0, default=0.0
        Pull of the couplings to 0.
    centered : bool, default=True
        Whether units are centred on their means in the gradient: steadier, and the same whichever value is called 1.
    sigma : "auto", float > 0 or array-like of shape (n_features,), default="auto"
        Standard deviations of Gaussian features, given the hidden units; "auto" learns them.
    max_iter : "auto" or int, default="auto"
        Epochs of `fit`. "auto": so many that there are 5,000 updates, between 10 and 500.
    batch_size : "auto" or int, default="auto"
        Rows for an update. "auto": a tenth of the rows, between 10 and 100.
    monitor : {None, "pseudo_likelihood", "log_likelihood"}, default=None
        What to compute after each epoch, of at most 2,000 of the rows, for ``monitor_curve_`` and `verbose`.
    verbose : bool, default=False
        Whether to print a line an epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of first couplings, order of rows and chains.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    components_ : array of shape (n_components, n_features)
        Couplings of hidden and visible units.
    intercept_visible_ : array of shape (n_features,)
        Biases of the visible units; their means where no hidden unit is on, for Gaussian ones.
    intercept_hidden_ : array of shape (n_components,)
        Biases of the hidden units.
    sigma_ : array of shape (n_features,)
        Standard deviations of Gaussian features given the hidden units.
    base_rate_ : array of shape (n_features,)
        Visible biases of the best model without hidden units: log odds of the means, or the means. Annealing and
        tempering start there.
    chains_ : array of shape (n_chains, n_features)
        Where the chains at the model's own temperature are; None with "cd".
    monitor_curve_ : list of float
        What `monitor` found after each epoch; empty for None.
    monitor_errors_ : list of float
        Standard errors of ``monitor_curve_``, those of ln Z: 0 where it is exact.
    n_iter_ : int
        Epochs made by `fit`, calls of `partial_fit` counted in.
    annealing_seed_ : int
        Seed of `log_partition`.
    log_partition_ : float
        ln Z, in nats: found when first asked for, then kept.
    log_partition_error_ : float
        Its standard error; 0 when it is exact.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.BoltzmannMachine : With couplings inside the layers.
    sklearn.neural_network.BernoulliRBM : Binary units and persistent chains, without a likelihood.

    Notes
    -----
    Energies: E = -vᵀWh - bᵀv - cᵀh, or Σ (v_i - b_i)² / 2σ_i² - Σ v_i W_ij h_j / σ_i² - cᵀh for Gaussian features,
    with W = ``components_.T``. First biases are those of independent units, so that learning starts from what the means
    alone tell and rare features do not turn all hidden units on. First random couplings give every unit a drive of
    standard deviation 0.5 or less, about means at which a hidden unit is on with probability 0.12: units that start
    alike learn the same thing for long. An epoch costs five products of n_samples x n_features x n_components, with
    "pt" two of them `n_temperatures` times.

    References
    ----------
    Smolensky (1986), in Parallel Distributed Processing, vol. 1, MIT Press, ch. 6; Hinton (2002), Neural Computation
    14:1771, doi:10.1162/089976602760128018; Melchior, Fischer and Wiskott (2016), JMLR 17(99):1.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import RestrictedBoltzmannMachine
    >>> X = np.repeat(np.eye(4), 25, axis=0)  # one of four bits is on
    >>> rbm = RestrictedBoltzmannMachine(8, random_state=0).fit(X)
    >>> bool(rbm.score(X) > -1.8)  # ln(1/4) = -1.386 is the bound, independent bits have -2.249
    True
    >>> rbm.reconstruct([[1.0, 0.0, np.nan, 0.0]], clamped=True).round()
    array([[1., 0., 0., 0.]])
    """

    _learning_parameters = ("n_components", "visible", "hidden")
    _parameters = {
        "n_components": Interval(Integral, low=1),
        "visible": Options("binary", "gaussian"),
        "hidden": Options("binary", "gaussian"),
        "init": WithData("'random', or patterns of 0 and 1"),
        "sampler": Options(*SAMPLERS),
        "n_gibbs_steps": Interval(Integral, low=1),
        "n_chains": _AUTO | Interval(Integral, low=1),
        "n_temperatures": Interval(Integral, low=2),
        "learning_rate": _AUTO | Interval(Real, low=0, low_open=True),
        "momentum": Interval(Real, low=0, high=1, high_open=True),
        "weight_decay": Interval(Real, low=0),
        "centered": BOOLEAN,
        "sigma": WithData("'auto', a positive number, or one a feature"),
        "max_iter": _AUTO | Interval(Integral, low=1),
        "batch_size": _AUTO | Interval(Integral, low=1),
        "monitor": Options(None, "pseudo_likelihood", "log_likelihood"),
        "verbose": BOOLEAN,
        "random_state": RandomState(),
    }

    def __init__(
        self,
        n_components=256,
        *,
        visible="binary",
        hidden="binary",
        init="random",
        sampler="pcd",
        n_gibbs_steps=1,
        n_chains="auto",
        n_temperatures=10,
        learning_rate="auto",
        momentum=0.5,
        weight_decay=0.0,
        centered=True,
        sigma="auto",
        max_iter="auto",
        batch_size="auto",
        monitor=None,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        self.n_components = n_components
        self.visible = visible
        self.hidden = hidden
        self.init = init
        self.sampler = sampler
        self.n_gibbs_steps = n_gibbs_steps
        self.n_chains = n_chains
        self.n_temperatures = n_temperatures
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.centered = centered
        self.sigma = sigma
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.monitor = monitor
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ learning

    @transactional
    def fit(self, X, y=None):
        """Learn from rows, forgetting what was learnt before.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted machine.

        Raises
        ------
        ValueError
            For NaN or infinite entries, or parameters out of range. A failed call changes nothing.

        Warns
        -----
        UserWarning
            When binary features have values outside [0, 1].
        """
        rows = self._open(X, reset=True)
        self._begin()
        learning = Learning.begun(self, rows)
        n_epochs, n_batches = learning.n_epochs, learning.n_batches
        monitor, done = Monitor(self, rows, learning.draws), 0

        def fitted():
            return learning.fitted(n_iter_=done, **monitor.found)

        tasks = fit_tasks(self, range(n_epochs), name="epoch", n_tasks=n_epochs, X=X, y=y, attributes=fitted)
        for done in (epoch + 1 for epoch in tasks):
            first = (done - 1) * n_batches
            # The rate falls to 0: the last models differ by less than the noise of one batch.
            learning.epoch(
                learning.draws.permutation(len(rows)),
                lambda batch, first=first: 1.0 - (first + batch) / (n_epochs * n_batches),
            )
            monitor.look(fitted, done)
        self._store(fitted())
        return self

    @transactional
    def partial_fit(self, X, y=None):
        """Learn from rows once, in their order, and go on from what was learnt before; rate and chains stay.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows; `batch_size` of them make an update. The first call sets first biases and the units of Gaussian
            features: give it rows that stand for all.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted machine.

        Raises
        ------
        ValueError
            As `fit`; also when `n_components`, `visible` or `hidden` changed since learning began.
        """
        first = not hasattr(self, "components_")
        rows = self._open(X, reset=first)
        self._begin_or_go_on(begins=first)
        if first:
            learning, n_iter = Learning.begun(self, rows), 0
            found = {"monitor_curve_": [], "monitor_errors_": []}
        else:
            learning = Learning.resumed(self, rows, self._machine()[0], self.base_rate_, self._past)
            n_iter, found = self.n_iter_, {name: getattr(self, name) for name in ("monitor_curve_", "monitor_errors_")}
        learning.epoch(np.arange(len(rows)), lambda batch: 1.0)
        self._store(learning.fitted(n_iter_=n_iter + 1, **found))
        return self

    def _check_parameters(self):
        super()._check_parameters()
        if self.visible == self.hidden == "gaussian":
            raise ValueError(
                "visible='gaussian' with hidden='gaussian' is a Gaussian with no end to its couplings; make one layer "
                "binary, or use sklearn.decomposition.FactorAnalysis."
            )
        if isinstance(self.init, str):
            validation.check_option("init", self.init, ("random",))
        elif self.visible == "gaussian":
            raise ValueError("init has patterns, but visible='gaussian'; expected init='random': patterns are binary.")

    def _open(self, X, *, reset):
        """Validated `Rows` on their placement, csr left as it is on the host."""
        X, placement = self._receive(X, reset=reset, method=None if reset else "partial_fit", accept_sparse="csr")
        dtype = arrays.float_dtype(X, placement.xp) if reset else self.components_.dtype
        if self.visible == "binary":
            owner, remedy = f"{type(self).__name__}(visible='binary')", "or use visible='gaussian'."
            X = binary_values(X, owner, f"Scale features with MinMaxScaler, {remedy}")
        return Rows(X, placement, dtype, keep_sparse=self.visible == "binary")

    def _store(self, attributes):
        for name, value in attributes.items():
            setattr(self, name, value)

    # ------------------------------------------------------------------ given parameters

    @classmethod
    def from_parameters(
        cls, components, intercept_visible, intercept_hidden, *, sigma=None, hidden="binary", backend=None
    ):
        """A fitted machine of given numbers: sampling, ln Z and likelihoods work at once.

        Parameters
        ----------
        components : array-like of shape (n_components, n_features)
            Couplings.
        intercept_visible : array-like of shape (n_features,)
            Biases of the visible units.
        intercept_hidden : array-like of shape (n_components,)
            Biases of the hidden units.
        sigma : float or array-like of shape (n_features,), default=None
            Standard deviations of Gaussian features; None for binary ones.
        hidden : {"binary", "gaussian"}, default="binary"
            As the parameter.
        backend : str, default=None
            As the parameter.

        Returns
        -------
        machine : RestrictedBoltzmannMachine
            `partial_fit` goes on from there.

        Raises
        ------
        ValueError
            For shapes that do not go together, entries that are not finite, or a sigma that is not positive.

        Examples
        --------
        >>> from skamem import RestrictedBoltzmannMachine
        >>> coin = RestrictedBoltzmannMachine.from_parameters([[0.0]], [0.0], [0.0])
        >>> coin.score_samples([[1.0]])
        array([-0.693147...])
        """
        place = opened(backend, components)
        components = on_host(components, "components")
        n_hidden, n_visible = components.shape
        machine = cls(
            n_hidden,
            visible="binary" if sigma is None else "gaussian",
            hidden=hidden,
            sigma="auto" if sigma is None else sigma,
            backend=backend,
        )
        machine._check_parameters()
        machine._begin()
        given = {"intercept_visible": (intercept_visible, n_visible), "intercept_hidden": (intercept_hidden, n_hidden)}
        biases = []
        for name, (values, n_units) in given.items():
            biases.append(on_host(values, name, ensure_2d=False).astype(components.dtype))
            if biases[-1].shape != (n_units,):
                raise ValueError(f"{name} has shape {biases[-1].shape}; expected ({n_units},) for these components.")
        deviation = None if sigma is None else given_sigma(sigma, n_visible).astype(components.dtype)
        machine.n_features_in_ = n_visible
        machine._store(Learning.of_numbers(machine, *(place.asarray(a) for a in (components.T, *biases, deviation))))
        return machine

    @classmethod
    def from_hopfield(cls, source, *, factor="polar", temperature=1.0, backend=None):
        """The machine with Gaussian hidden units whose free energy is the energy of a Hopfield network.

        Parameters
        ----------
        source : array-like of shape (n_patterns, n_units) or fitted memory
            Patterns of -1 and 1, or 0 and 1, linearly independent in -1 and 1, to be stored by the projection rule; or
            a `HopfieldNetwork` of any weights, an autoassociative `HebbianMemory` or `PseudoinverseMemory`.
        factor : {"polar", "qr"}, default="polar"
            For patterns: which factor of them the couplings are. "polar" is nearest to the patterns, "qr" takes them
            one after another. A network's weights are factored by their eigenvectors.
        temperature : float > 0, default=1.0
            Of the network; its energy is divided by it.
        backend : str, default=None
            As the parameter.

        Returns
        -------
        machine : RestrictedBoltzmannMachine
            For features v = (s + 1) / 2: its free energy is the network's energy over the temperature, up to a
            constant. `partial_fit` goes on from there.

        Raises
        ------
        ValueError
            For patterns of other values than -1 and 1, or that depend on each other.

        References
        ----------
        Smart and Zilman (2021), arXiv:2101.11744.

        Examples
        --------
        >>> import numpy as np
        >>> from skamem import RestrictedBoltzmannMachine
        >>> patterns = np.asarray([[1, 1, 1, -1, -1], [1, -1, 1, -1, 1]])
        >>> machine = RestrictedBoltzmannMachine.from_hopfield(patterns, temperature=0.1)
        >>> stored, other = machine.free_energy([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])
        >>> bool(stored < other)
        True
        """
        place = opened(backend, source)
        parameters = map(place.asarray, same_energy(source, factor, temperature))
        return cls.from_parameters(*parameters, hidden="gaussian", backend=backend)
