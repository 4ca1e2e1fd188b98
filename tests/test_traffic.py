"""What crosses between host and device, counted on the fake CuPy: rows go there once, answers come back once.

Traffic is measured by its growth. A call on four times the rows, all of them copies, moves more by what three copies
add; so the difference says what goes and comes for each row, whatever is moved besides. Waits of the host, for a number
that decides how to go on, must not grow with the rows. Where it is otherwise by design, the tables say how and why.
"""

import numpy as np
import pytest

from skamem.datasets import make_patterns

from ._estimators import ESTIMATORS, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("short_annealing"),
]

N, WIDTH, TIMES = 24, 24, 4
X = make_patterns(N, WIDTH, random_state=0)
LABELS = np.arange(N) % 3
QUESTIONS = [
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "quantize",
    "reconstruct",
]
QUESTIONS += ["field", "energy", "free_energy", "score_samples", "pseudo_likelihood", "recall", "top_k", "score"]
# How many numbers a row go to the device and come back, where it is not the cue and the answer. A None: as usual.
MOVED = {
    ("AssemblyClassifier", "predict"): (None, 3, "scores are compared on the host, in the types of labels"),
    ("AssemblyClassifier", "score"): (None, 3, "scores are compared on the host, in the types of labels"),
    ("AssemblyMemory", "score"): (2 * WIDTH, 18, "first and last assemblies are compared as sparse rows"),
    ("AssociativeImputer", "transform"): (0, 0, "a table is completed on the host"),
    ("AssociativeImputer", "score"): (0, 0, "a table is completed on the host"),
    ("BoltzmannMachine", "reconstruct"): (WIDTH + 2, WIDTH + 3, "rows are grouped by their gaps on the host"),
    ("FiniteStateMemory", "predict"): (WIDTH + 1, 60, "codes of symbols go, and labels of every step come"),
    ("FiniteStateMemory", "score"): (WIDTH + 1, 60, "codes of symbols go, and labels of every step come"),
    ("IHTSparseCoder", "transform"): (None, WIDTH + 2, "supports are searched for on the host, from correlations"),
    ("StabilitySelection", "transform"): (0, 0, "columns are picked on the host"),
    ("SupportSelector", "transform"): (0, 0, "columns are picked on the host"),
}
for name in ("decision_function", "predict", "predict_proba", "predict_log_proba", "score"):
    MOVED["MemoryClassifier", name] = (WIDTH + 1, 3, "a column of ones goes, too; scores are compared on the host")
for name in ("KernelMemory", "ModernHopfieldMemory"):
    MOVED[name, "transform"] = (None, WIDTH + 3, "which entries were unknown comes, too, for the indicator")

# Waits of a call at most; more where recall goes on until rows are at rest.
FEW_WAITS = 3
WAITS = dict.fromkeys(("DenseMemory", "KernelMemory"), 50) | {"FiniteStateMemory": 31}
WAITS |= dict.fromkeys(("AssemblyMemory", "HebbianMemory", "HopfieldNetwork", "BidirectionalMemory"), 21)
WAITS |= dict.fromkeys(("SequenceMemory", "ModernHopfieldMemory", "PseudoinverseMemory", "WillshawMemory"), 12)

DRAWN = "random numbers are drawn on the host, so that a seed gives one result everywhere"
SUPPORTS = "passes over X are made on the device, supports and small systems belong to the host"
# Of a fit: how often a row goes up and comes back, waits, and whether these grow with the rows.
FITS = {
    "AssemblyClassifier": (2.2, 0.1, 700, True, "stimuli are learnt one after another, until each is at rest"),
    "AssemblyMemory": (2.1, 0.2, 700, True, "stimuli are learnt one after another, until each is at rest"),
    "CompositionalRegressor": (1.1, 0.1, 1600, False, "each step of the descents is judged on the host"),
    "DeepBeliefClassifier": (600, 2, 30, False, DRAWN),
    "DeepBeliefNetwork": (600, 2, 30, False, DRAWN),
    "DeepBeliefRegressor": (600, 2, 30, False, DRAWN),
    "IHTClassifier": (8, 60, 2600, True, SUPPORTS),
    "IHTRegressor": (1.3, 1.4, 40, True, SUPPORTS),
    "IHTRegressorCV": (1.1, 1, 50, False, SUPPORTS),
    "LayerwiseClassifier": (1.1, 0.1, 9000, False, "each step of a readout's descent is judged on the host, folds too"),
    "LayerwiseRegressor": (1.1, 0.1, 500, False, "each step of a readout's descent is judged on the host"),
    "MagnitudePruning": (8.4, 0.3, 60, True, "it fits once a round, scores each network, and looks what weights bring"),
    "MemoryClassifier": (2.4, 0.15, 12, False, "a part first, for the scale of probabilities, then all"),
    "RestrictedBoltzmannMachine": (400, 1, 12, False, DRAWN),
    "SequenceMemory": (3, 1.3, 16, False, "patterns, those that follow, and a question whether they are held"),
    "StabilitySelection": (7, 5, 1000, True, "each of the subsamples is a fit of its own; " + SUPPORTS),
    "SupportSelector": (1.3, 1.4, 40, True, SUPPORTS),
}


def measured(cupy, call, *arguments):
    """A call's answer, and what it moved: numbers to the device, numbers to the host, waits."""
    cupy.traffic.clear()
    cupy.host_syncs.clear()
    answer = call(*arguments)
    return answer, cupy.traffic["to device"] / 8, cupy.traffic["to host"] / 8, cupy.host_syncs.total()


def numbers_a_row(answer):
    """How many numbers an answer has for each row; booleans are an eighth of one."""
    parts = answer if isinstance(answer, tuple) else vars(answer).values() if hasattr(answer, "states") else [answer]
    return sum(part.nbytes for part in parts if isinstance(part, np.ndarray)) / 8 / (TIMES * N)


def small_batches(Estimator):
    estimator = small(Estimator).set_params(backend="cupy")
    return estimator.set_params(batch_size=12) if "batch_size" in estimator.get_params() else estimator


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_answers_cost_one_way_there_and_one_back(Estimator, fake_cupy):
    name, rows, labels = Estimator.__name__, np.tile(X, (TIMES, 1)), targets(Estimator, np.tile(LABELS, TIMES))
    with fake_cupy() as cupy:
        fitted = small_batches(Estimator).fit(X, targets(Estimator, LABELS))
        for question in (question for question in QUESTIONS if hasattr(fitted, question)):
            ask = getattr(fitted, question)
            few = (X, targets(Estimator, LABELS)) if question == "score" else (X,)
            many = (rows, labels) if question == "score" else (rows,)
            ask(*few)  # what is worked out at the first question is kept
            _, *before = measured(cupy, ask, *few)
            answer, *after = measured(cupy, ask, *many)
            there, back = ((b - a) / (TIMES - 1) / N for a, b in zip(before[:2], after[:2]))
            goes, comes, _ = MOVED.get((name, question), (None, None, ""))
            assert there == (WIDTH if goes is None else goes), question
            if question == "score":  # needs what it compares
                answer = next(ask for name in QUESTIONS if (ask := getattr(fitted, name, None)))(rows)
            assert back <= (numbers_a_row(answer) + 0.01 if comes is None else comes), question
            assert after[2] <= before[2] + 1, question  # none for each row, nor for each block of them
            assert after[2] <= WAITS.get(name, FEW_WAITS), question
            constant = [part - N * a_row for part, a_row in zip(before[:2], (there, back))]
            assert max(constant) < 200 or name == "IHTSparseCoder", question  # an order of units, no fitted array


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_fits_take_rows_there_once_and_wait_for_no_batch(Estimator, fake_cupy):
    cost = []
    with fake_cupy() as cupy:
        for times in (1, TIMES):
            estimator = small_batches(Estimator)
            rows, labels = np.tile(X, (times, 1)), targets(Estimator, np.tile(LABELS, times))
            cost.append(measured(cupy, estimator.fit, rows, labels)[1:])
    there, back = ((b - a) / (TIMES - 1) / N / WIDTH for a, b in zip(cost[0][:2], cost[1][:2]))
    goes, comes, waits, grow, _ = FITS.get(Estimator.__name__, (1.1, 0.1, 20, False, ""))
    assert there <= goes
    assert back <= comes
    assert cost[1][2] <= (waits if grow else min(waits, cost[0][2] + 1))


# Of one more part: numbers that go up whatever the rows are.
AFRESH = {"AssociativeImputer": (1000, "means and covariances are worked out on the host")}
NOISE = dict.fromkeys(
    ("DenseAMClassifier", "DenseAMRegressor"), (3, "noise and order of the epoch are drawn on the host")
)


@pytest.mark.parametrize("Estimator", [Estimator for Estimator in ESTIMATORS if hasattr(Estimator, "partial_fit")])
def test_another_part_takes_no_fitted_array_there_again(Estimator, fake_cupy):
    name, cost = Estimator.__name__, []
    if name == "FiniteStateMemory":
        pytest.skip("parts are transitions, not rows")
    with fake_cupy() as cupy:
        for times in (1, TIMES):
            rows, labels = np.tile(X, (times, 1)), targets(Estimator, np.tile(LABELS, times))
            fitted = small_batches(Estimator).partial_fit(X, targets(Estimator, LABELS))
            cost.append(measured(cupy, fitted.partial_fit, rows, labels)[1:])
    there, back = ((b - a) / (TIMES - 1) / N for a, b in zip(cost[0][:2], cost[1][:2]))
    goes, comes, _, grow, _ = FITS.get(name, (1.1, 0.2, 20, False, ""))
    assert there <= NOISE.get(name, (goes,))[0] * WIDTH
    assert back <= comes * WIDTH
    assert cost[0][0] - N * there <= AFRESH.get(name, (60,))[0]
    assert grow or cost[1][2] <= cost[0][2] + 1


def test_the_tables_name_estimators_that_there_are():
    names = {Estimator.__name__ for Estimator in ESTIMATORS}
    assert names >= {name for name, _ in MOVED} | WAITS.keys() | FITS.keys() | AFRESH.keys() | NOISE.keys()
    assert all(reason for *_, reason in [*MOVED.values(), *FITS.values(), *AFRESH.values(), *NOISE.values()])


def test_a_wait_in_a_loop_is_seen(fake_cupy):
    with fake_cupy() as cupy:
        x = cupy.asarray(X)
        _, there, back, waits = measured(cupy, lambda: [float(row.sum()) for row in x])
    assert (there, back, waits) == (0, N, N)
