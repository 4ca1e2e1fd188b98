"""Further settings for scikit-learn's checks: with the others, every option of every estimator comes twice."""

from skamem import (
    AssemblyMemory,
    BidirectionalMemory,
    BipolarEncoder,
    BoltzmannMachine,
    DeepBeliefClassifier,
    DeepBeliefNetwork,
    DeepBeliefRegressor,
    DenseAMClassifier,
    DenseAMRegressor,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    IHTClassifier,
    IHTRegressor,
    IHTRegressorCV,
    IHTSparseCoder,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    RestrictedBoltzmannMachine,
    StabilitySelection,
    SupportSelector,
    WillshawMemory,
)

QUICK = {"n_memories": 20, "max_iter": 100}
LAYER = RestrictedBoltzmannMachine(max_iter=20)

MORE_SETTINGS = [
    AssemblyMemory(200, p=0.3, max_weight=None, homeostasis=False, binarize=None, backend="numpy"),
    AssemblyMemory(200, n_active=10, homeostasis=False, binarize=None, backend="torch"),
    AssemblyMemory(200, p=0.3, max_weight=None, backend="numpy"),
    AssemblyMemory(200, n_active=10, backend="torch"),
    AssemblyMemory(200, homeostasis=False, max_weight=1.5),
    BidirectionalMemory(backend="torch", coding="bipolar", missing="clamp"),
    BidirectionalMemory(backend="numpy", coding="bipolar"),
    BidirectionalMemory(coding="binary"),
    BidirectionalMemory(backend="numpy"),
    BidirectionalMemory(backend="torch", coding="binary", missing="clamp"),
    BipolarEncoder(backend="numpy", output="binary"),
    BipolarEncoder("hyperplanes", backend="torch", output="binary"),
    BipolarEncoder("median", backend="torch"),
    BipolarEncoder("thermometer", backend="numpy", output="binary"),
    DeepBeliefClassifier((20,), rbm=LAYER, backend="torch"),
    DeepBeliefClassifier((20,), rbm=LAYER, backend="torch", batch_size=20),
    DeepBeliefClassifier((20,), rbm=LAYER, backend="numpy"),
    DeepBeliefClassifier((20,), rbm=LAYER, backend="numpy", max_iter=200),
    DeepBeliefClassifier((20,), rbm=RestrictedBoltzmannMachine(visible="gaussian", max_iter=20)),
    DeepBeliefNetwork((20,), rbm=LAYER, backend="torch"),
    DeepBeliefNetwork((20, 10), rbm=LAYER, backend="torch"),
    DeepBeliefNetwork((20,), rbm=LAYER, backend="numpy"),
    DeepBeliefNetwork((20, 10), rbm=LAYER, backend="numpy"),
    DeepBeliefNetwork((20,), rbm=RestrictedBoltzmannMachine(visible="gaussian", max_iter=20)),
    DeepBeliefRegressor((20,), rbm=LAYER, backend="torch"),
    DeepBeliefRegressor((20, 10), rbm=LAYER, backend="torch"),
    DeepBeliefRegressor((20,), rbm=LAYER, backend="numpy"),
    DeepBeliefRegressor((20, 10), rbm=LAYER, backend="numpy"),
    DeepBeliefRegressor((20,), rbm=RestrictedBoltzmannMachine(visible="gaussian", max_iter=20)),
    DenseAMClassifier(
        backend="torch",
        early_stopping=True,
        fit_intercept=False,
        init="data",
        interaction="softplus",
        readout="exact",
        scale=None,
        solver="paper",
        **QUICK,
    ),
    DenseAMClassifier(
        backend="numpy",
        early_stopping=True,
        init="data",
        interaction="polynomial",
        readout="exact",
        scale="global",
        solver="paper",
        **QUICK,
    ),
    DenseAMClassifier(
        backend="numpy",
        early_stopping=True,
        fit_intercept=False,
        interaction="logcosh",
        scale="global",
        solver="paper",
        **QUICK,
    ),
    DenseAMClassifier(
        backend="torch",
        early_stopping=True,
        fit_intercept=False,
        init="data",
        interaction="exponential",
        readout="exact",
        scale=None,
        solver="paper",
        **QUICK,
    ),
    DenseAMClassifier(
        backend="numpy", early_stopping=True, init="data", interaction="logcosh", scale="global", **QUICK
    ),
    DenseAMClassifier(backend="torch", init="data", interaction="polynomial", scale=None, **QUICK),
    DenseAMClassifier(backend="numpy", interaction="exponential", readout="exact", scale=None, solver="paper", **QUICK),
    DenseAMClassifier(early_stopping=True, interaction="softplus", scale="global", solver="paper", **QUICK),
    DenseAMRegressor(
        backend="numpy",
        early_stopping=True,
        fit_intercept=False,
        init="data",
        interaction="logcosh",
        scale=None,
        **QUICK,
    ),
    DenseAMRegressor(
        backend="torch",
        early_stopping=True,
        fit_intercept=False,
        init="data",
        interaction="exponential",
        scale="global",
        **QUICK,
    ),
    DenseAMRegressor(
        backend="numpy", early_stopping=True, fit_intercept=False, interaction="softplus", scale=None, n_memories=20
    ),
    DenseAMRegressor(backend="numpy", init="data", interaction="polynomial", scale="global", **QUICK),
    DenseAMRegressor(
        backend="torch", early_stopping=True, fit_intercept=False, init="data", interaction="softplus", n_memories=20
    ),
    DenseAMRegressor(interaction="polynomial", scale="global", **QUICK),
    DenseAMRegressor(backend="torch", early_stopping=True, init="data", interaction="exponential", scale=None, **QUICK),
    DenseAMRegressor(backend="numpy", fit_intercept=False, interaction="logcosh", **QUICK),
    DenseMemory("softplus", coding="binary", missing="clamp", target="y", update="sync", check_stored=False),
    DenseMemory(
        "logcosh", backend="numpy", coding="bipolar", missing="clamp", target="y", update="sync", check_stored=False
    ),
    DenseMemory("logcosh", backend="torch", coding="bipolar", update="sync"),
    DenseMemory("softplus", backend="numpy", coding="bipolar", missing="clamp", target="y"),
    DenseMemory("exponential", backend="torch", coding="binary", missing="clamp", target="y", update="sync"),
    DenseMemory("rectified_polynomial", backend="torch", coding="binary"),
    HebbianMemory(
        "y",
        activation="identity",
        backend="torch",
        coding="bipolar",
        missing="clamp",
        zero_diagonal=True,
        check_stored=False,
    ),
    HebbianMemory(
        "y",
        activation="identity",
        backend="numpy",
        coding="binary",
        missing="clamp",
        update="async",
        zero_diagonal=True,
    ),
    HebbianMemory(
        "y", activation="step", backend="numpy", coding="binary", missing="clamp", update="async", check_stored=False
    ),
    HopfieldNetwork(
        "pseudoinverse", backend="numpy", coding="binary", fit_intercept=True, missing="clamp", update="sync"
    ),
    HopfieldNetwork(
        "perceptron", backend="torch", coding="bipolar", missing="clamp", update="sync", check_stored=False
    ),
    HopfieldNetwork(
        "storkey", backend="numpy", coding="bipolar", fit_intercept=True, update="sync", check_stored=False
    ),
    HopfieldNetwork("storkey", backend="torch", coding="bipolar", fit_intercept=True, missing="clamp"),
    HopfieldNetwork("perceptron", backend="numpy", coding="binary", fit_intercept=True, missing="clamp", update="sync"),
    HopfieldNetwork(backend="torch", coding="binary"),
    IHTClassifier(backend="numpy", criterion="gic", effort="thorough", fit_intercept=False, weight_kind="precision"),
    IHTClassifier(backend="torch", effort="thorough"),
    IHTClassifier(backend="torch", criterion="bic", effort="auto", fit_intercept=False),
    IHTClassifier(backend="numpy", criterion="ebic", effort="fast", fit_intercept=False, weight_kind="precision"),
    IHTClassifier(criterion="ebic", effort="thorough", weight_kind="precision"),
    IHTClassifier(backend="numpy", criterion="gic"),
    IHTClassifier(backend="torch", criterion="gic", effort="fast", fit_intercept=False, weight_kind="precision"),
    IHTClassifier(effort="auto", weight_kind="precision"),
    IHTClassifier(backend="torch", criterion="bic", fit_intercept=False),
    IHTRegressor(
        backend="numpy",
        criterion="bic",
        effort="swap",
        fit_intercept=False,
        multi_output="independent",
        weight_kind="precision",
    ),
    IHTRegressor(
        backend="torch",
        criterion="ebic",
        effort="thorough",
        fit_intercept=False,
        multi_output="independent",
        positive=True,
        weight_kind="precision",
    ),
    IHTRegressor(backend="torch", criterion="gic", effort="fast", positive=True),
    IHTRegressor(
        backend="torch", criterion="bic", effort="swap", fit_intercept=False, positive=True, weight_kind="precision"
    ),
    IHTRegressor(backend="numpy", criterion="ebic", effort="thorough", multi_output="independent"),
    IHTRegressor(
        effort="fast", fit_intercept=False, multi_output="independent", positive=True, weight_kind="precision"
    ),
    IHTRegressor(
        backend="numpy",
        criterion="gic",
        effort="thorough",
        fit_intercept=False,
        multi_output="independent",
        positive=True,
    ),
    IHTRegressorCV(
        backend="numpy",
        effort="fast",
        fit_intercept=False,
        one_se=True,
        positive=True,
        scoring="neg_mean_absolute_error",
        weight_kind="precision",
    ),
    IHTRegressorCV(backend="torch", effort="auto", one_se=True, positive=True, scoring="r2"),
    IHTRegressorCV(backend="numpy", effort="thorough", fit_intercept=False, weight_kind="precision"),
    IHTRegressorCV(effort="fast", fit_intercept=False, one_se=True, scoring="r2", weight_kind="precision"),
    IHTRegressorCV(backend="numpy", effort="fast", positive=True, scoring="neg_mean_absolute_error"),
    IHTRegressorCV(
        backend="torch",
        effort="thorough",
        fit_intercept=False,
        one_se=True,
        positive=True,
        scoring="neg_mean_absolute_error",
    ),
    IHTRegressorCV(backend="torch", effort="auto", scoring="r2", weight_kind="precision"),
    IHTRegressorCV(backend="numpy", fit_intercept=False, one_se=True),
    IHTSparseCoder(backend="numpy", effort="fast"),
    IHTSparseCoder(backend="torch"),
    IHTSparseCoder(backend="torch", effort="fast"),
    IHTSparseCoder(effort="fast"),
    IHTSparseCoder(backend="numpy"),
    KernelMemory(
        add_indicator=True,
        approximation="fourier",
        backend="numpy",
        keep_empty_features=True,
        missing="clamp",
        target="y",
    ),
    KernelMemory(add_indicator=True, approximation="fourier", backend="torch", keep_empty_features=True, target="y"),
    KernelMemory(approximation="fourier", backend="torch", keep_empty_features=True, target="y"),
    KernelMemory(
        add_indicator=True,
        approximation="fourier",
        backend="numpy",
        keep_empty_features=True,
        missing="clamp",
    ),
    KernelMemory(add_indicator=True, approximation="fourier", backend="torch", target="y"),
    KernelMemory("poly", backend="numpy", missing="clamp"),
    KernelMemory("poly", target="y"),
    KernelMemory("linear", add_indicator=True),
    KernelMemory("cosine", missing="clamp", n_recall_steps=3),
    KernelMemory("cosine", backend="torch", target="y"),
    KernelMemory("sigmoid", target="y"),
    KernelMemory("sigmoid", backend="numpy"),
    KernelMemory("ntk", missing="clamp", depth=1),
    KernelMemory("linear", add_indicator=True, backend="torch", keep_empty_features=True, missing="clamp"),
    KernelMemory(approximation="fourier", backend="torch", keep_empty_features=True),
    KernelMemory("laplacian", backend="numpy", keep_empty_features=True, missing="clamp", target="y"),
    KernelMemory(add_indicator=True, approximation="fourier", backend="numpy", target="y"),
    MemoryClassifier(backend="numpy", fit_intercept=False),
    MemoryClassifier(backend="torch", fit_intercept=False),
    MemoryClassifier(KernelMemory("laplacian"), backend="numpy"),
    MemoryClassifier(ModernHopfieldMemory(similarity="dot"), backend="torch"),
    ModernHopfieldMemory(
        "separation", add_indicator=True, backend="numpy", missing="clamp", similarity="dot", target="y"
    ),
    ModernHopfieldMemory("separation", add_indicator=True, keep_empty_features=True, missing="clamp"),
    ModernHopfieldMemory(
        "separation", add_indicator=True, backend="torch", keep_empty_features=True, similarity="dot", target="y"
    ),
    ModernHopfieldMemory(
        "held-out",
        add_indicator=True,
        backend="numpy",
        keep_empty_features=True,
        missing="clamp",
        similarity="local",
        target="y",
    ),
    PseudoinverseMemory(
        activation="step",
        backend="torch",
        coding="binary",
        hyperpower=True,
        missing="clamp",
        update="async",
        zero_diagonal=False,
    ),
    PseudoinverseMemory(
        "y",
        activation="step",
        backend="numpy",
        coding="bipolar",
        hyperpower=True,
        missing="clamp",
        solver="cholesky",
        alpha=0.1,
        update="async",
        zero_diagonal=True,
    ),
    PseudoinverseMemory(
        "y",
        activation="identity",
        backend="numpy",
        coding="bipolar",
        hyperpower=True,
        missing="clamp",
        solver="cholesky",
        alpha=0.1,
        update="async",
        zero_diagonal=False,
    ),
    PseudoinverseMemory(
        "y",
        backend="torch",
        coding="binary",
        hyperpower=True,
        missing="clamp",
        solver="neumann",
        update="async",
        zero_diagonal=True,
    ),
    WillshawMemory("winners", coding="bipolar", missing="clamp", storage="sparse", target="y"),
    WillshawMemory("winners", backend="torch", coding="binary", storage="dense", target="y"),
    WillshawMemory("winners", backend="numpy", coding="binary", missing="clamp", storage="packed"),
    WillshawMemory(backend="numpy", coding="bipolar", storage="sparse", target="y"),
    WillshawMemory(backend="torch", coding="binary", missing="clamp"),
    BoltzmannMachine(method="exact", backend="numpy", n_hidden=2, max_iter=10),
    BoltzmannMachine(method="exact", backend="torch", weight_decay=0.1, max_iter=10),
    BoltzmannMachine(method="gibbs", backend="numpy", max_iter=10, n_chains=10),
    BoltzmannMachine(method="gibbs", backend="torch", n_hidden=2, max_iter=10),
    BoltzmannMachine(n_hidden=1, max_iter=10),
    RestrictedBoltzmannMachine(
        n_components=5, max_iter=3, sampler="cd", centered=False, hidden="gaussian", backend="numpy"
    ),
    RestrictedBoltzmannMachine(n_components=5, max_iter=3, sampler="pt", n_temperatures=3, monitor="pseudo_likelihood"),
    RestrictedBoltzmannMachine(n_components=5, max_iter=3, visible="gaussian", backend="torch", learning_rate=0.01),
    RestrictedBoltzmannMachine(
        n_components=5, max_iter=3, visible="gaussian", centered=False, sigma=1.0, backend="numpy"
    ),
    RestrictedBoltzmannMachine(n_components=5, max_iter=3, sampler="cd", backend="torch", monitor="log_likelihood"),
    RestrictedBoltzmannMachine(n_components=5, max_iter=3, sampler="pt", n_temperatures=2, monitor="log_likelihood"),
    RestrictedBoltzmannMachine(
        n_components=5, max_iter=3, hidden="gaussian", monitor="pseudo_likelihood", batch_size=20
    ),
    RestrictedBoltzmannMachine(n_components=5, max_iter=3, n_chains=10, n_gibbs_steps=2),
    SupportSelector(IHTRegressor(2), backend="numpy"),
    SupportSelector(IHTRegressor(2, effort="fast"), backend="numpy"),
    SupportSelector(IHTRegressor(2), backend="torch"),
    SupportSelector(IHTClassifier(2), backend="torch"),
    SupportSelector(IHTClassifier(2)),
    StabilitySelection(n_pairs=2, random_state=0, backend="numpy", assumption="worst-case"),
    StabilitySelection(n_pairs=2, random_state=0, backend="torch", assumption="worst-case"),
    StabilitySelection(n_pairs=2, random_state=0, backend="torch"),
    StabilitySelection(n_pairs=2, random_state=0, backend="numpy", max_false=0.5),
    StabilitySelection(n_pairs=3, random_state=0),
    PseudoinverseMemory(check_stored=False),
    PseudoinverseMemory("y", check_stored=False),
]

REPEATED = ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data")


def expected_failures(estimator):
    """Checks that a setting fails by design, with the reason."""
    if getattr(estimator, "weight_kind", None) == "precision":
        return dict.fromkeys(REPEATED, "a row twice as precise is not two rows: precisions have no scale")
    if isinstance(estimator, DenseAMClassifier) and estimator.early_stopping:
        reason = (
            "accuracy in class weights of 1000 and 0.0001 is 1 in the first epoch, and the first best memories stay"
        )
        return {"check_class_weight_classifiers": reason}
    if isinstance(estimator, MemoryClassifier):
        if not estimator.fit_intercept:
            return {"check_class_weight_classifiers": "through the origin no weight moves a boundary to a side"}
        if isinstance(estimator.memory, ModernHopfieldMemory):
            return {"check_class_weight_classifiers": "a look-up memory takes the nearest label, whatever it weighs"}
    return {}
