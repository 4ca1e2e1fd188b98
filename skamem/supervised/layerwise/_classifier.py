"""LayerwiseClassifier: a network for classes that grows by stages, each fitted to what those before it leave."""

from typing import ClassVar

from sklearn.base import ClassifierMixin

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.parameters import ClassWeight
from skamem.supervised.layerwise._base import BaseLayerwise
from skamem.supervised.layerwise._losses import LogisticLoss
from skamem.training import ClassTargets, check_two_classes, class_weights, log_softmax

__all__ = ["LayerwiseClassifier"]


class LayerwiseClassifier(ClassifierMixin, BaseLayerwise):
    """Network for classes that grows by stages, without backpropagation from end to end.

    A stage is a layer of units with its own connections to the output. It is fitted to what the stages before it leave
    of the multinomial logistic loss, and kept if it helps on rows held back; then the readouts of all stages are fitted
    together. It can be used after every stage.

    Parameters
    ----------
    n_stages : int, default=10
        Most stages, the linear one included; fewer when further ones do not help. A polynomial has as many as its
        degree.
    n_units : int, default=100
        Units of a stage.
    activation : str or object, default="relu"
        Function F of the units: "relu", or an energy of `skamem.core.interactions` by name ("rectified_polynomial",
        "polynomial", "exponential", "logcosh", "softplus") or as an object with `energy` and `slope`. "polynomial"
        stands for the monomials themselves: stage d is all those of degree d.
    degree : float, default=2
        Degree of "rectified_polynomial" and "polynomial".
    alpha : {"auto", "gcv"} or float >= 0, default="auto"
        Ridge penalty of the readouts, in units of the mean square of the stage's outputs, which are scaled. "gcv"
        chooses it for each stage by generalised cross-validation. "auto" takes for units that have learnt what is best
        on the rows held back, and without such rows does as "gcv"; for stages that no target has shaped, what is best
        in five folds of all rows, or on the rows held back where these are 1,000 or more. 0 is no penalty.
    deep : bool, default=True
        Whether the units of a stage also see those of the stage before, beside the features.
    max_epochs : "auto" or int >= 0, default="auto"
        Epochs of the descent of a stage's units. "auto": 800 updates, but between 10 and 100 epochs; 0 leaves the units
        as they were drawn.
    batch_size : "auto" or int, default="auto"
        Rows an update. "auto": a tenth of all, but between 32 and 200.
    learning_rate_init : float > 0, default=0.03
        Rate of Adam for weights of unit size; it rises, then falls to 0 as a cosine does.
    noise : "auto" or float >= 0, default="auto"
        Standard deviation of Gaussian noise added to the inputs of units while they learn, in units of the scaled
        features. More of it makes smoother functions. "auto": a tenth of the spread of the scaled features along the
        direction in which they vary most; 0.1 for features without correlation, more where many say the same.
    max_cycles : int >= 0, default=20
        Most back-fitting cycles over all stages after each new one.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, on top of `sample_weight`.
    early_stopping : bool, default=True
        Hold back `validation_fraction` of the rows from the units' descent, and drop stages that do not lower the loss
        on them by more than chance explains: of few noisy rows the linear stage is left. Of fewer than 10 rows none is
        held back.
    validation_fraction : float in (0, 1), default=0.2
        Share of the rows held back.
    n_iter_no_change : int, default=2
        Stages one after the other without a sure gain that end the growth.
    tol : float in [0, 1), default=1e-3
        Share of the loss on the rows held back by which a stage must lower it.
    verbose : bool, default=False
        Print the loss after every stage.
    random_state : int, RandomState or None, default=None
        Seeds units, batches, noise and the rows held back; all drawn on the host, so that a seed means the same on
        every backend.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_stages_ : int
        Stages that were kept.
    kept_stages_ : list of bool
        Of each stage of units that was drawn, whether it was kept.
    stages_ : list of dict
        What each stage computes: "columns" (n_monomials, degree), the features that each monomial multiplies, or
        "weights" (n_inputs, n_units) and "bias" of its units; "offset" and "scale" of its outputs.
    coefs_ : list of list of array
        Readouts, as they stood after each stage: of it and of the stages before, each (n_units, n_classes).
    intercepts_ : list of array of shape (n_classes,)
        Constants beside them.
    alphas_ : list of float
        Penalty of each stage.
    activation_ : object
        F.
    offset_, scale_ : array of shape (n_features,)
        Means of the features, and their divisors: standard deviations, or a sixth of the largest deviation if that is
        more; infinite for a feature that does not vary.
    loss_curve_ : list of float
        Mean of -log p of the right class on all rows after each stage; never rises.
    cycle_curves_ : list of list of float
        For each stage, that loss and the penalty after its own fit and after every back-fitting cycle; never rises.
    validation_losses_ : list of float or None
        Loss on the rows held back after each stage, of readouts that did not see them; None where there are no such
        rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    LayerwiseRegressor : The same for real targets.
    DenseAMClassifier : A network with one hidden layer, trained as a whole.

    Notes
    -----
    The answer is a sum over stages, each connected to it directly: F(x) = c + Σ_s h_s(x) A_s. The first stage is
    linear, h_1 = x. The units of a new stage are drawn at random, with their thresholds at rows that have much left to
    learn, and descend for a while on the loss that the stages before leave; then the readout A_s is fitted by ridge
    regressions of the residual, one-hot targets less probabilities, with the curvature bounded by 1/2 [1]_. Last, all
    readouts are back-fitted: the stages in turn, each to what the others leave, as preconditioner of conjugate
    gradients, until the penalised loss no longer falls. No error is sent back through more than one stage.

    *Law.* A step is only taken if it does not raise the loss over all training rows, so `loss_curve_` never rises.

    *Polynomials.* With ``activation="polynomial", alpha=0`` back-fitting ends at the least-squares optimum over all
    polynomials of the degree, stage by stage Poggio's optimal corrections [2]_.

    *Held-back rows.* Units that have seen a row have learnt some of its noise, so cross-validation of their readout on
    it flatters. The rows held back judge. The best of many penalties lowers the loss on few rows for any stage, by
    chance: so stages count once the loss has fallen surely, by Student's paired test, since the last one that did; at
    the end those after it are dropped. The readouts that answer are fitted to all rows. With ``alpha="auto"`` the
    readout with which the units learned, under noise, stays where no ridge regression is better on the rows held back.

    *Weights.* Equal rows of equal target are merged: weight 3 and three equal rows give the same fit, and so does any
    order of the rows. The scale of the weights is of no importance.

    *Cost* of a stage: about 6 n_rows n_inputs n_units operations an epoch, 2 n_rows n_units n_units_of_all_stages for
    the moments, and two passes over the outputs of all stages a cycle. These are kept while scikit-learn's
    ``working_memory`` lasts, else computed again.

    References
    ----------
    .. [1] Böhning (1992), Multinomial logistic regression algorithm, Annals of the Institute of Statistical
       Mathematics 44:197, doi:10.1007/BF00048682: the bound on the curvature.
    .. [2] Poggio (1975), On Optimal Nonlinear Associative Recall, Biological Cybernetics 19:201,
       doi:10.1007/BF02281970.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skamem import LayerwiseClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> classifier = LayerwiseClassifier(n_stages=3, random_state=0).fit(X, y)
    >>> classifier.score(X_test, y_test) > 0.97
    True
    """

    _parameters: ClassVar = {"class_weight": ClassWeight()}

    def __init__(
        self,
        n_stages=10,
        *,
        n_units=100,
        activation="relu",
        degree=2,
        alpha="auto",
        deep=True,
        max_epochs="auto",
        batch_size="auto",
        learning_rate_init=0.03,
        noise="auto",
        max_cycles=20,
        class_weight=None,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=2,
        tol=1e-3,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        super().__init__(
            n_stages,
            n_units=n_units,
            activation=activation,
            degree=degree,
            alpha=alpha,
            deep=deep,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate_init=learning_rate_init,
            noise=noise,
            max_cycles=max_cycles,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            verbose=verbose,
            random_state=random_state,
            backend=backend,
        )
        self.class_weight = class_weight

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Grow the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            When a parameter is of the wrong type.
        ValueError
            For bad input, parameters out of range, or rows of a single class. A failed call changes nothing.
        """
        return self._fit_rows(X, y, sample_weight)

    def _fit_rows(self, X, y, sample_weight, masking=None):
        X, placement = self._receive(X, reset=True)
        self.classes_, codes = validation.check_labels(y, X, owner=type(self).__name__)
        weights = class_weights(self.class_weight, self.classes_, codes, self._sample_weights(sample_weight, X))
        check_two_classes(codes, weights)
        targets = ClassTargets(codes, len(self.classes_), off=0.0)
        self._fit(X, y, targets, LogisticLoss(), weights, placement, masking)
        return self

    def predict(self, X):
        """The most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        labels : array of shape (n_samples,)
            In the namespace of `X` for numeric labels, NumPy for strings.
        """
        X, placement, model = self._receive_rows(X, "predict")
        return self._labels(model.outputs(X), placement)

    def _labels(self, blocks, placement):
        winners = placement.give(arrays.namespace(outputs).argmax(outputs, axis=1) for outputs in blocks)
        return arrays.take_labels(self.classes_, winners)

    def decision_function(self, X):
        """Outputs of the network: logarithms of the class probabilities up to a number for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : array of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the second's less the first's: the log-odds.
        """
        X, placement, model = self._receive_rows(X, "decision_function")
        if len(self.classes_) == 2:
            return placement.give((outputs[:, 1] - outputs[:, 0] for outputs in model.outputs(X)), X.shape[0])
        return placement.give(model.outputs(X), X.shape[0])

    def predict_log_proba(self, X):
        """Logarithms of the class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
            At most 0.
        """
        X, placement, model = self._receive_rows(X, "predict_log_proba")
        return placement.give((log_softmax(outputs) for outputs in model.outputs(X)), X.shape[0])

    def predict_proba(self, X):
        """Class probabilities: the softmax of the outputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
            Rows sum to 1.
        """
        X, placement, model = self._receive_rows(X, "predict_proba")
        return placement.give((_softmax(outputs) for outputs in model.outputs(X)), X.shape[0])

    def staged_predict(self, X):
        """The most probable class after each stage, as the network stood then.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Yields
        ------
        labels : array of shape (n_samples,)
            After 1, 2, ... `n_stages_` stages; the last is `predict`.
        """
        X, placement, model = self._receive_rows(X, "staged_predict")
        for blocks in model.staged_outputs(X):
            yield self._labels(blocks, placement)

    def staged_predict_proba(self, X):
        """Class probabilities after each stage, as the network stood then.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Yields
        ------
        probabilities : array of shape (n_samples, n_classes)
            After 1, 2, ... `n_stages_` stages; the last is `predict_proba`.
        """
        X, placement, model = self._receive_rows(X, "staged_predict_proba")
        for blocks in model.staged_outputs(X):
            yield placement.give(_softmax(outputs) for outputs in blocks)


def _softmax(outputs):
    return arrays.namespace(outputs).exp(log_softmax(outputs))
