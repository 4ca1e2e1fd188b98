"""MagnitudePruning: small networks, by pruning the smallest weights and training what is left again."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import has_fit_parameter

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import COUNT, Interval, Options, RandomState, Scoring, Several, Splits
from skamem.core.rows import Rows
from skamem.core.warn import warn
from skamem.supervised.pruning._around import ESTIMATOR, AroundEstimator
from skamem.supervised.pruning._families import check_prunable, family_of
from skamem.supervised.pruning._locality import mask_locality
from skamem.supervised.pruning._selection import SCOPES, most_sparse, prune, shares_kept

__all__ = ["MagnitudePruning"]


class _ImageShape(Several):
    """Height and width of images, and perhaps their number of channels."""

    def concerns(self, value):
        return super().concerns(value) and len(value) in (2, 3)

    def __str__(self):
        return "a tuple (height, width) or (height, width, n_channels)"


class MagnitudePruning(AroundEstimator):
    """Prune a network by magnitude, round by round, and train what is left again.

    In each round the weights that bring least to the outputs go, and the others are trained again without them, at the
    learning rates of the start [1]_, or from the weights of the start, too [2]_ [3]_. What is left in the end is a
    small network, often as accurate as the whole one, and where its weights are says something about the data.

    Parameters
    ----------
    estimator : estimator, default=None
        `DenseAMClassifier`, `DenseAMRegressor`, `LayerwiseClassifier`, `LayerwiseRegressor`, scikit-learn's
        `MLPClassifier` and `MLPRegressor` (``solver="adam"`` or "sgd"), or a linear model, one with ``coef_`` once
        fitted. It is cloned. None is ``DenseAMClassifier()``. Scale in a pipeline around the pruning, not inside.
    sparsity : float in [0, 1), default=0.9
        Share of the weights that is 0 in the end. Biases do not count and stay. One that leaves less than half a
        weight of each layer, or half a feature of a linear model, is warned of; one is left.
    n_rounds : int or None, default=None
        Rounds of pruning, of which each takes the same share of what is left; 1 is one-shot pruning. None takes as many
        as `fraction` asks for: 11 by default, which cost 12 trainings, as 4 cost 5.
    fraction : float in (0, 1), default=0.2
        Share of the weights left that a round takes, at most, where `n_rounds` is None.
    rewind_to : None, "initial", int >= 0 or float in [0, 1), default=None
        What the weights are set back to. None: they go on from where they are, and the learning rate alone is set back
        to its start [1]_. "initial": the first ones, which find "winning tickets" [2]_ and lose accuracy where few
        weights are left; an int, those after so many epochs; a float, those after this share of the epochs that the
        whole network took [3]_. Of no meaning to linear models, whose fit does not depend on where it starts; the units
        of layerwise networks, which learn what stages before them leave, start from the first weights with None, too.
    scope : {"global", "layer"}, default="global"
        Whether weights are compared over all layers, each by its square as a share of the squares of those in its layer
        that are no smaller [4]_, or each layer loses the same share. At least one weight of each layer stays.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, n_channels) of the images that the features are: asks for `locality_`.
    cv : int, splitter, iterable or None, default=None
        Splits in which the whole path is repeated and scored on the rows left out. None scores on the training rows.
    scoring : str, callable or None, default=None
        Scorer of the path; None is the estimator's `score`.
    random_state : int, RandomState or None, default=None
        Draws a seed for the estimator where its own ``random_state`` is no int, and the random masks of `locality_`.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; given to an estimator that has one, unless None.

    Attributes
    ----------
    estimator_ : estimator
        The pruned one, fitted.
    masks_ : list of ndarray of bool
        For each array of weights, which are left; in its shape.
    mask_names_ : list of str
        Which arrays of `estimator_` these are, "coefs_[0]" say.
    pruned_in_ : list of ndarray of int
        For each array of weights, the round in which each went; 0 for those that are left. The masks after round r are
        ``(pruned_in == 0) | (pruned_in > r)``.
    sparsity_ : float
        Share of the weights that is 0.
    path_ : Bunch
        The whole network, then the state after each round: "sparsity" and "n_weights" left; "train_score"; with `cv`
        "test_scores" of shape (n_states, n_splits), "mean_test_score" and "std_test_score"; "score", the mean test
        score, or the train score without `cv`.
    locality_ : Bunch
        With `image_shape`: whether the pixels that a unit of the first layer keeps are near to each other; see
        `skamem.supervised.pruning.mask_locality`. "z" > 0 and a small "p_value" say so.
    classes_ : ndarray of shape (n_classes,)
        Class labels, where the estimator has them.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.display.PruningPathDisplay : Draws the path.
    sklearn.feature_selection.RFE : The same for the features of linear models, as a selector.

    Notes
    -----
    *Magnitudes.* A weight of a perceptron or a dense memory counts by what it brings to the outputs: its absolute value
    times the standard deviation of its input, a feature or a unit, times the root mean square of the slope of the
    outputs by the unit that it goes to, all units taken as independent. That is the diagonal of optimal brain damage
    [5]_ with the Gauss-Newton matrix for the Hessian. Masks do not depend on the units in which a column is measured,
    and units that nothing comes from or goes to lose all weights. In the other families a weight counts by its
    absolute value times the standard deviation of its feature. Of equal ones the later go first.

    *Penalty.* Where training goes on, perceptrons learn with the `alpha` that is most likely given the weights of the
    whole network, γ / Σw² [6]_, or with their own if it is larger; γ, how many weights the rows settle, is the
    participation ratio of the variances that weights bring to the outputs. Without it many rounds of training fit the
    noise: MLPClassifier's default is next to none.

    *Rewinding.* Where weights are set back a training under masks draws the random numbers of the whole network's, so
    that it passes through the very weights to set back to: it runs with open masks as far as `rewind_to`, where they
    fall. With open masks to the end it is the training of the whole network, to the last bit. Before and after each
    update the weights that went are exactly 0. Early stopping begins to count anew where the masks fall.

    *Layers.* Of the layerwise networks the weights of the units are pruned, each stage's with a descent of its own;
    their readouts, a closed form, are fitted anew. A linear model loses features, for all its outputs at once.

    *Cost.* 1 + n_rounds trainings of the whole network's cost, times 1 + n_splits with `cv`; products are with all
    weights, zeros included.

    *Limits.* ``partial_fit`` of `estimator_` trains the weights that went, too.

    References
    ----------
    .. [1] Renda, Frankle and Carbin (2020), Comparing Rewinding and Fine-tuning in Neural Network Pruning,
       arXiv:2003.02389.
    .. [2] Frankle and Carbin (2019), The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks,
       arXiv:1803.03635.
    .. [3] Frankle, Dziugaite, Roy and Carbin (2020), Linear Mode Connectivity and the Lottery Ticket Hypothesis,
       arXiv:1912.05671: rewinding to weights from early in the training.
    .. [4] Lee, Park, Mo, Ahn and Shin (2021), Layer-adaptive sparsity for the Magnitude-based Pruning,
       arXiv:2010.07611.
    .. [5] LeCun, Denker and Solla (1990), Optimal Brain Damage, Advances in Neural Information Processing Systems 2.
    .. [6] MacKay (1992), A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 4:448.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skamem import DenseAMClassifier, MagnitudePruning
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> network = DenseAMClassifier(60, max_iter=20, random_state=0)
    >>> pruning = MagnitudePruning(network, sparsity=0.8, n_rounds=2, image_shape=(8, 8)).fit(X, y)
    >>> pruning.path_.n_weights.tolist(), bool(pruning.score(X_test, y_test) > 0.9)
    ([4440, 1986, 888], True)
    """

    _parameters: ClassVar = {
        "estimator": ESTIMATOR,
        "sparsity": Interval(Real, low=0, high=1, high_open=True),
        "n_rounds": COUNT | None,
        "fraction": Interval(Real, low=0, high=1, low_open=True, high_open=True),
        "rewind_to": (
            Options(None, "initial") | Interval(Integral, low=0) | Interval(Real, low=0, high=1, high_open=True)
        ),
        "scope": Options(*SCOPES),
        "image_shape": _ImageShape(COUNT) | None,
        "cv": Splits(),
        "scoring": Scoring(),
        "random_state": RandomState(),
    }

    def __init__(
        self,
        estimator=None,
        *,
        sparsity=0.9,
        n_rounds=None,
        fraction=0.2,
        rewind_to=None,
        scope="global",
        image_shape=None,
        cv=None,
        scoring=None,
        random_state=None,
        backend=None,
    ):
        self.estimator = estimator
        self.sparsity = sparsity
        self.n_rounds = n_rounds
        self.fraction = fraction
        self.rewind_to = rewind_to
        self.scope = scope
        self.image_shape = image_shape
        self.cv = cv
        self.scoring = scoring
        self.random_state = random_state
        self.backend = backend

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Train, prune and train again until the sparsity is reached.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Training rows, of the kinds that the estimator takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, where the estimator takes them.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        TypeError
            For an estimator without weights to prune; before it is trained where its class says so.
        ValueError
            For bad input, for weights of rows that the estimator does not take, for a `rewind_to` after the end of the
            training, or an `image_shape` of another number of features. A failed call changes nothing.
        """
        X, _ = self._receive(X, reset=True, **self._input_options())
        X, y = self._inside(X), self._inside(y)
        sample_weight = self._row_weights(sample_weight, X)
        if self.image_shape is not None and np.prod(self.image_shape) != X.shape[1]:
            raise ValueError(
                f"image_shape={self.image_shape!r} has {np.prod(self.image_shape)} pixels, but X has {X.shape[1]} "
                "features; expected as many."
            )
        check_prunable(self._template())
        random_state = check_random_state(self.random_state)
        estimator = self._seeded(random_state)
        scorer = check_scoring(estimator, scoring=self.scoring)
        family = family_of(estimator)(estimator, X, y, sample_weight)
        records, n_states = [], 1 + len(self._shares())
        states = self._states(family)
        tasks = fit_tasks(self, states, name="round", n_tasks=n_states, X=X, y=y, attributes=self._present)
        for state in tasks:
            fitted, masks = state
            self.estimator_ = fitted
            records.append((masks, _score(scorer, fitted, X, y, sample_weight)))
        # After the estimator has looked at the targets: it knows best what is wrong with them.
        test_scores = [] if self.cv is None else self._cross_validated(estimator, X, y, sample_weight, scorer)
        self._describe(family, records, np.asarray(test_scores).T)
        self._warn_of_sparsity(records[0][0])
        if self.image_shape is not None and self.masks_:
            first = family.first_layer(records[-1][0])
            self.locality_ = mask_locality(first, self.image_shape, random_state=random_state)
        return self

    def _present(self):
        return {"estimator_": self.estimator_}

    def _row_weights(self, sample_weight, X):
        if sample_weight is None:
            return None
        if not has_fit_parameter(self._template(), "sample_weight"):
            raise ValueError(
                f"sample_weight was passed, but {type(self._template()).__name__} does not take it in fit; pass None."
            )
        host = arrays.resolve_backend("numpy", X)
        return validation.check_sample_weight(sample_weight, X, host, np.float64)

    def _shares(self):
        n_rounds = None if self.n_rounds is None else int(self.n_rounds)
        return shares_kept(float(self.sparsity), n_rounds, float(self.fraction))

    def _states(self, family):
        """Yield (fitted estimator, masks): the whole network, then what each round leaves of it."""
        plain = fitted = family.fit()
        sizes = family.magnitudes(plain)
        masks = {name: np.ones(values.shape, dtype=bool) for name, values in sizes.items()}
        if not masks:
            warn(f"{plain!r} has no weights to prune: it is left as it is.", UserWarning)
        yield plain, masks
        for share in self._shares():
            sizes = family.magnitudes(fitted) if sizes is None else sizes  # a pass over the rows
            before, masks = masks, prune(sizes, masks, share, self.scope) if masks else masks
            if any(not np.array_equal(masks[name], before[name]) for name in masks):
                fitted = family.retrain(fitted if self.rewind_to is None else plain, masks, self.rewind_to)
                sizes = None
            yield fitted, masks

    def _cross_validated(self, estimator, X, y, sample_weight, scorer):
        """Scores on the rows left out: for each split a list over the states."""
        found = []
        for train, test in check_cv(self.cv, y, classifier=is_classifier(estimator)).split(X, y):
            weights = None if sample_weight is None else sample_weight[train]
            family = family_of(estimator)(estimator, _rows(X, train), _rows(y, train), weights)
            rows = _rows(X, test), _rows(y, test), None if weights is None else sample_weight[test]
            found.append([_score(scorer, fitted, *rows) for fitted, _ in self._states(family)])
        return found

    def _warn_of_sparsity(self, masks):
        """Say when the sparsity asked for leaves less than a weight of each array."""
        sizes = [mask.size for mask in masks.values()]
        most = most_sparse(sizes, float(self.sparsity), self.scope)
        if most < self.sparsity:
            warn(
                f"sparsity={self.sparsity:g} cannot be reached: the {sum(sizes)} weights that go one by one are in "
                f"{len(sizes)} arrays, each of which keeps one at least. {most:.3g} was reached, and rounds beyond it "
                "changed nothing; ask for less."
            )

    def _describe(self, family, records, test_scores):
        """Store what the rounds did."""
        states = [family.weight_masks(masks) for masks, _ in records]
        self.mask_names_, self.masks_ = list(records[-1][0]), states[-1]
        # A weight goes in the round after the last state that has it.
        self.pruned_in_ = [
            np.where(last, 0, sum(state[i].astype(np.int64) for state in states)) for i, last in enumerate(self.masks_)
        ]
        n_weights = np.array([sum(int(mask.sum()) for mask in state) for state in states])
        n_all = sum(mask.size for mask in self.masks_)
        sparsity = 1.0 - n_weights / n_all if n_all else 0.0 * n_weights
        train_score = np.array([score for _, score in records])
        path = Bunch(sparsity=sparsity, n_weights=n_weights, train_score=train_score, score=train_score)
        if test_scores.size:
            mean = test_scores.mean(axis=1)
            path.update(
                test_scores=test_scores, mean_test_score=mean, std_test_score=test_scores.std(axis=1), score=mean
            )
        self.path_, self.sparsity_ = path, float(sparsity[-1])


def _score(scorer, fitted, X, y, sample_weight):
    return float(scorer(fitted, X, y, **({} if sample_weight is None else {"sample_weight": sample_weight})))


def _rows(values, index):
    """Rows of a table or of targets, whatever they are stored in."""
    if hasattr(values, "iloc"):
        return values.iloc[index]
    return Rows(values if hasattr(values, "shape") else np.asarray(values), None).pick(index)
