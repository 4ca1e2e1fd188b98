"""Real cases of memories: small inputs, the right value, and ours."""

import contextlib
import resource
import subprocess
import sys
import warnings

import numpy as np
from _real_cases import case, caught, refusal, rmse, timed
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.impute import KNNImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skamem import (
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
)


def patterns(n, n_units, seed=0):
    """Random bipolar patterns."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=(n, n_units))


def noisy(stored, share, seed=1):
    """The patterns with a share of their units turned over."""
    flip = np.random.default_rng(seed).random(stored.shape) < share
    return np.where(flip, -stored, stored)


def with_gaps(table, share=0.2, seed=2):
    """The table with a share of its entries unknown."""
    return np.where(np.random.default_rng(seed).random(table.shape) < share, np.nan, table)


@case(13, "DenseMemory in float32: 60 .. 1000 units, all energies, degrees 2 .. 100", "recall of float64, 0 differ")
def single_precision():
    differ, total = [], 0
    for n_units in (60, 90, 300, 784, 1000):
        stored = patterns(20, n_units)
        cues = noisy(stored, 0.1)
        named = [("polynomial", degree) for degree in (2, 3, 15, 30, 100)]
        named += [(name, 3) for name in ("rectified_polynomial", "exponential", "logcosh", "softplus")]
        for interaction, degree in named:
            memory = DenseMemory(interaction, degree=degree, update="sync", n_recall_steps=5)
            total += 1
            try:
                single = clone(memory).fit(stored.astype(np.float32)).predict(cues.astype(np.float32))
                same = np.array_equal(single, clone(memory).fit(stored).predict(cues))
            except Exception:
                same = False
            differ += [] if same else [f"{interaction}{degree}@{n_units}"]
    return f"{len(differ)} of {total} differ {differ[:3]}", not differ


@case(13, "DenseMemory exponential, float64, 700 units, weights 1e5", "stored patterns come back")
def double_precision():
    stored = patterns(10, 700)
    memory = DenseMemory("exponential").fit(stored, sample_weight=np.full(10, 1e5))
    share = float(np.mean(memory.predict(noisy(stored, 0.1)) == stored))
    return f"{share:.3f} of the units", share == 1.0


@case(14, 'DenseMemory(binarize=None, target="y") of real patterns', "refused with the reason, or right")
def real_patterns():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((10, 20)), patterns(10, 5)
    message = refusal(lambda: DenseMemory(binarize=None, target="y").fit(X, Y))
    if message:
        return f"refused: {message[:60]}", "binarize" in message or "two-valued" in message
    share = float(np.mean(DenseMemory(binarize=None, target="y").fit(X, Y).predict(X) == Y))
    return f"{share:.2f} of the units", share == 1.0


def _classifiers():
    return {"Kernel": MemoryClassifier(KernelMemory()), "Modern": MemoryClassifier(ModernHopfieldMemory())}


@case(15, "iris as it is, + 1e7, times 1e-9, 1e150, 1e-150: 5-fold accuracy", "the same for all, within .02")
def offsets_and_scales():
    X, y = load_iris(return_X_y=True)
    moved = [X, X + 1e7, X * 1e-9, X * 1e150, X * 1e-150]
    answers, right = [], True
    for name, classifier in _classifiers().items():
        scores = [cross_val_score(classifier, values, y).mean() for values in moved]
        right &= bool(np.ptp(scores) <= 0.02)
        answers.append(f"{name} " + " ".join(f"{score:.2f}" for score in scores))
    return "; ".join(answers), right


@case(15, "iris in float32 times 1e-3, with fit_intercept's column of ones", "accuracy of float64")
def column_of_ones():
    X, y = load_iris(return_X_y=True)
    answers, right = [], True
    for name, classifier in _classifiers().items():
        wanted = cross_val_score(classifier, X, y).mean()
        ours = cross_val_score(classifier, (X * 1e-3).astype(np.float32), y).mean()
        right &= bool(abs(ours - wanted) <= 0.02)
        answers.append(f"{name} {ours:.2f} ({wanted:.2f})")
    return "; ".join(answers), right


@case(15, "KernelMemory('laplacian'), patterns as their own cues, + 1e8", "recall of the patterns without it, to 1e-6")
def laplacian():
    stored = np.random.default_rng(0).standard_normal((20, 5))
    wanted = KernelMemory("laplacian").fit(stored).predict(stored)
    error = np.abs(KernelMemory("laplacian").fit(stored + 1e8).predict(stored + 1e8) - 1e8 - wanted).max()
    return f"{error:.1e}", error < 1e-6


def _six_conditions():
    rng = np.random.default_rng(0)
    means = rng.standard_normal((6, 8)) * 2
    return np.repeat(means, 256, axis=0) + 0.4 * rng.standard_normal((1536, 8))


@case(16, "1536 rows of six conditions, in order and shuffled: automatic beta", "equal to 1e-10")
def order_of_rows():
    table = with_gaps(_six_conditions())
    shuffled = np.random.default_rng(1).permutation(len(table))
    memory = ModernHopfieldMemory(missing="clamp")
    betas = [float(clone(memory).fit(rows).beta_) for rows in (table, table[shuffled], table[::-1])]
    with config_context(working_memory=1):
        betas.append(float(clone(memory).fit(table).beta_))
    return " ".join(f"{beta:.6g}" for beta in betas), bool(np.ptp(betas) <= 1e-10 * max(betas))


@case(16, "columns sin(t) and t, only sin(t) has gaps: RMSE of the filled", "about .07, at most .1")
def gaps_as_they_occur():
    rng = np.random.default_rng(0)
    t = rng.uniform(0, 2 * np.pi, 400)
    table = np.c_[np.sin(t), t]
    holes = rng.random(400) < 0.2
    given = table.copy()
    given[holes, 0] = np.nan
    error = rmse(ModernHopfieldMemory(missing="clamp").fit_transform(given)[holes, 0], table[holes, 0])
    return f"{error:.3f}", error <= 0.1


@case(17, "a table stored with NaN, 3 steps: a cue alone and beside one with NaN", "the same answer to 1e-12")
def rows_beside():
    table = with_gaps(load_iris().data)
    worst = 0.0
    for memory in (
        ModernHopfieldMemory(missing="clamp", n_recall_steps=3),
        ModernHopfieldMemory(n_recall_steps=3),
        KernelMemory(missing="clamp"),
    ):
        memory.fit(table)
        cue = load_iris().data[:1]
        beside = np.vstack([cue, [[np.nan, 3.0, 1.0, np.nan]]])
        worst = max(worst, float(np.abs(memory.predict(cue)[0] - memory.predict(beside)[0]).max()))
    return f"{worst:.1e}", worst <= 1e-12


@case(18, "a row with nothing known: 1, 3 steps and KernelMemory", "the means of the columns")
def nothing_known():
    table = with_gaps(load_iris().data)
    means, empty = np.nanmean(table, axis=0), np.full((1, 4), np.nan)
    memories = (
        ModernHopfieldMemory(missing="clamp"),
        ModernHopfieldMemory(missing="clamp", n_recall_steps=3),
        KernelMemory(missing="clamp"),
    )
    errors = [float(np.abs(memory.fit(table).transform(empty) - means).max()) for memory in memories]
    return " ".join(f"{error:.1e}" for error in errors), max(errors) < 1e-9


@case(18, "a donor that shares no entry with the cue", "has no vote: 10, of the other donor")
def no_common_entry():
    table = np.array([[1.0, np.nan, 10.0], [np.nan, 5.0, 99.0], [1.1, np.nan, 10.0]])
    filled = ModernHopfieldMemory(0.1, missing="clamp").fit(table).transform([[1.0, np.nan, np.nan]])[0, 2]
    return f"{filled:.3f}", abs(filled - 10.0) < 1e-6


@case(
    19,
    "transform of 10000 x 10 with 30 incomplete rows, against KNNImputer and the 30 alone",
    "a tenth of KNNImputer's, or of the 30",
)
def complete_rows():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((10_000, 10))
    cues = table.copy()
    cues[:30, 3] = np.nan
    memory, peer = ModernHopfieldMemory(missing="clamp").fit(table), KNNImputer().fit(table)
    ours, alone = timed(lambda: memory.transform(cues), 2), timed(lambda: memory.transform(cues[:30]), 2)
    theirs = timed(lambda: peer.transform(cues))
    return f"{ours:.3f} s; 30 alone {alone:.3f}; KNNImputer {theirs:.3f}", ours * 10 <= theirs or ours < 2 * alone


@case(20, "perceptron: 300 patterns of 784 units, seconds an epoch", "well below .1")
def perceptron_epoch():
    stored = patterns(300, 784)
    seconds = timed(lambda: caught(lambda: HopfieldNetwork("perceptron", max_epochs=1).fit(stored)))
    return f"{seconds:.2f}", seconds < 0.1


@case(20, "perceptron: 150 patterns, 100 units, 4 sets", "stored on 4 of 4, in seconds")
def perceptron_capacity():
    stored = [patterns(150, 100, seed) for seed in range(4)]
    held, seconds = 0, 0.0
    for one in stored:
        network = HopfieldNetwork("perceptron")
        seconds += timed(lambda network=network, one=one: caught(lambda: network.fit(one)))
        held += bool(np.array_equal(network.predict(one), one))
    return f"{held} of 4 in {seconds:.1f} s", held == 4 and seconds < 20


@case(20, "perceptron with fit_intercept: x and -x together; margins_", "both stored, no warning; margins_ is there")
def perceptron_opposites():
    x = patterns(1, 30)
    network, messages = caught(lambda: HopfieldNetwork("perceptron", fit_intercept=True).fit(np.vstack([x, -x])))
    stored = np.array_equal(network.predict(np.vstack([x, -x])), np.vstack([x, -x]))
    there = hasattr(network, "margins_")
    return f"stored {stored}, warnings {len(messages)}, margins_ {there}", stored and not messages and there


@case(
    21,
    "3 digits in Hebbian, x beside -x and 3 more at degree 3, 60 of 100 in Storkey; 3 random",
    "a warning where one moves",
)
def does_not_stay():
    digits = np.where(load_digits().data[:3] > 8, 1.0, -1.0)
    x = patterns(1, 100)
    answers, right = [], True
    for name, memory, stored in (
        ("digits", HebbianMemory(), digits),
        ("x, -x", DenseMemory(degree=3), np.vstack([x, -x, patterns(3, 100, 5)])),
        ("Storkey", HopfieldNetwork("storkey"), patterns(60, 100)),
        ("random", HebbianMemory(), patterns(3, 100)),
    ):
        _, messages = caught(lambda memory=memory, stored=stored: memory.fit(stored))
        moved = int(np.any(memory.predict(stored) != stored, axis=1).sum())
        answers.append(f"{name}: {moved} move, {len(messages)} said")
        right &= bool(messages) == bool(moved)
    return "; ".join(answers), right


@case(21, "forget", "no warning of what it takes away")
def forget_is_quiet():
    stored = patterns(12, 100)
    memory, _ = caught(lambda: HopfieldNetwork().fit(stored))
    _, messages = caught(lambda: memory.forget(stored[6:]))
    return f"{len(messages)} warnings", not messages


@case(22, "cues of unknown units, 4 memories, 60 draws: converged, but not a fixed point", "0")
def converged_means_fixed():
    wrong = 0
    for seed in range(15):
        stored = patterns(6, 20, seed)
        cues = np.where(np.random.default_rng(seed).random((30, 20)) < 0.9, np.nan, 1.0)
        for memory in (
            HebbianMemory(zero_diagonal=True),
            PseudoinverseMemory(),
            DenseMemory(update="sync"),
            HopfieldNetwork(update="sync"),
        ):
            caught(lambda memory=memory, stored=stored: memory.fit(stored))
            recall = memory.recall(cues)
            again = memory.predict(recall.states)
            wrong += int((recall.converged & np.any(again != recall.states, axis=1)).sum())
    return str(wrong), wrong == 0


@case(
    22,
    "PseudoinverseMemory(solver='cholesky') and partial_fit, as many patterns as units, ill-conditioned",
    "all stored, or said",
)
def ill_conditioned_patterns():
    lost = 0
    for seed in range(5):
        stored = patterns(40, 40, seed)
        stored[-1] = stored[-2]
        stored[-1, 0] *= -1
        for memory in (PseudoinverseMemory(solver="cholesky", alpha=0.0), PseudoinverseMemory()):
            try:
                with warnings.catch_warnings(record=True) as said:
                    warnings.simplefilter("always")
                    memory.partial_fit(stored[:20]).partial_fit(stored[20:])
            except ValueError:
                continue
            lost += not said and bool(np.any(memory.field(stored) * stored <= 0))
    return f"{lost} lose one silently", lost == 0


@case(23, "from_weights(W, fit_intercept=True) without a bias; energy's docstring", "a clear error; names the bias")
def words():
    message = refusal(lambda: HopfieldNetwork.from_weights(np.zeros((4, 4)), fit_intercept=True))
    documented = "bias" in HopfieldNetwork.energy.__doc__
    return f"{'bias' in (message or '')}, {documented}", "bias" in (message or "") and documented


@case(23, "HopfieldNetwork of 40,000 units with 4 GB", "a MemoryError that names DenseMemory(degree=2)")
def many_units():
    code = "import numpy as np\nfrom skamem import HopfieldNetwork\nHopfieldNetwork().fit(np.ones((2, 40000)))"

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))

    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, preexec_fn=limit, check=False
    )
    last = (ended.stderr.strip().splitlines() or ["no error"])[-1]
    return last[:90], "MemoryError" in last and "DenseMemory" in last


def _cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split((X - X.mean(axis=0)) / X.std(axis=0), y, random_state=0)


@case(24, "MemoryClassifier: NaN, class_weight, partial_fit(classes=)", "each taken")
def memory_classifier():
    X, _, y, _ = _cancer()
    answers = []
    with contextlib.suppress(ValueError, TypeError):
        MemoryClassifier(ModernHopfieldMemory()).fit(with_gaps(X), y).predict(with_gaps(X))
        answers.append("NaN")
    with contextlib.suppress(ValueError, TypeError):
        MemoryClassifier(class_weight="balanced").fit(X, y)
        answers.append("class_weight")
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        MemoryClassifier().partial_fit(X[:50], y[:50], classes=[0, 1]).partial_fit(X[50:], y[50:])
        answers.append("partial_fit")
    return ", ".join(answers) or "none", len(answers) == 3


@case(
    24,
    "MemoryClassifier, a memory that looks up: fit of 4000 x 20 over storing; held-out log loss",
    "below 10x; at most KNeighbors'",
)
def look_up():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 20))
    classifier = MemoryClassifier(ModernHopfieldMemory())
    ratio = timed(lambda: classifier.fit(X, rng.integers(0, 2, 4000))) / timed(
        lambda: ModernHopfieldMemory(target="y").fit(X, X[:, :2]), 3
    )
    X, X_test, y, y_test = _cancer()
    ours = log_loss(y_test, classifier.fit(X, y).predict_proba(X_test))
    theirs = log_loss(y_test, KNeighborsClassifier().fit(X, y).predict_proba(X_test))
    return f"{ratio:.0f}x; {ours:.2f} (KNeighbors {theirs:.2f})", ratio < 10 and ours <= theirs


@case(26, "KernelMemory('poly', degree=20) on data of 1e30", "an answer or a clear error")
def polynomial_kernel():
    X = np.random.default_rng(0).standard_normal((30, 5)) * 1e30
    try:
        answer = KernelMemory("poly", degree=20, alpha=0.0).fit(X).predict(X)
    except ValueError as error:
        return f"refused: {error}"[:60], "n_components" in str(error) or "degree" in str(error) or "scale" in str(error)
    return f"finite: {np.isfinite(answer).all()}", bool(np.isfinite(answer).all())


@case(
    27,
    "PseudoinverseMemory(neumann, hyperpower), duplicate rows and partial_fit, 50 draws",
    "0 with NaN weights; the projection",
)
def hyperpower():
    bad, worst = 0, 0.0
    for seed in range(50):
        stored = patterns(6, 20, seed)
        stored = np.vstack([stored, stored[:2]])
        memory = PseudoinverseMemory(solver="neumann", hyperpower=True, activation="identity")
        caught(lambda memory=memory, stored=stored: memory.fit(stored[:4]).partial_fit(stored[4:]))
        answer = memory.predict(stored)
        bad += not np.isfinite(answer).all()
        worst = max(worst, float(np.nan_to_num(np.abs(answer - stored)).max()))
    return f"{bad} of 50; error {worst:.0e}", bad == 0 and worst < 1e-6


@case(27, "plain neumann, condition 100, 20 layers", "a warning that says what is left, or right to 1e-3")
def short_series():
    rng = np.random.default_rng(0)
    left, right = np.linalg.qr(rng.standard_normal((20, 20)))[0], np.linalg.qr(rng.standard_normal((30, 30)))[0]
    X = left @ np.diag(np.logspace(0, -1, 20)) @ right[:20]
    memory = PseudoinverseMemory(solver="neumann", n_layers=20, activation="identity", binarize=None)
    _, messages = caught(lambda: memory.fit(X))
    error = float(np.abs(memory.predict(X) - X).max())
    return f"error {error:.2f}, {len(messages)} warnings", bool(messages) or error < 1e-3


@case(30, "ModernHopfieldMemory at 1e160; KernelMemory('poly') with feedback", "finite, or not converged, or refused")
def false_convergence():
    X = np.random.default_rng(0).standard_normal((10, 4))
    answers, right = [], True
    for memory, table in (
        (ModernHopfieldMemory(1.0, n_recall_steps=5), X * 1e160),
        (KernelMemory("poly", degree=3, missing="clamp", n_recall_steps=50), with_gaps(X) * 5),
    ):
        try:
            caught(lambda memory=memory, table=table: memory.fit(table))
            recall, _ = caught(lambda memory=memory, table=table: memory.recall(table))
        except ValueError:
            answers.append("refused")
            continue
        far = ~np.isfinite(recall.states).all(axis=1) | (
            np.abs(recall.states).max(axis=1) > 1e3 * np.nanmax(np.abs(table))
        )
        answers.append(f"{int((far & recall.converged).sum())} false")
        right &= not bool((far & recall.converged).any())
    return ", ".join(answers), right


@case(32, "top_k(2) among four equal patterns, alone and in a batch", "the first stored, 0 and 1")
def ties():
    stored = np.vstack([np.tile([1.0, 2.0, 3.0], (4, 1)), np.random.default_rng(0).standard_normal((40, 3))])
    memory = ModernHopfieldMemory(1.0).fit(stored)
    answers = [np.asarray(part) for part in memory.top_k(stored[:8] + 0.1, k=2)]
    index = next(part for part in answers if part.dtype.kind == "i")
    alone = next(part for part in map(np.asarray, memory.top_k(stored[:1] + 0.1, k=2)) if part.dtype.kind == "i")
    return f"{index[0].tolist()}, alone {alone[0].tolist()}", index[0].tolist() == alone[0].tolist() == [0, 1]


@case(35, "KernelMemory: imputation that stops at n_recall_steps=1", "a ConvergenceWarning")
def imputation_steps():
    table = with_gaps(load_iris().data, 0.4)
    _, messages = caught(lambda: KernelMemory(missing="clamp", n_recall_steps=1).fit(table))
    return f"{len(messages)} warnings", bool(messages)


@case(38, "CapacityWarning of a HebbianMemory beyond its limit", "names the memory that holds them, DenseMemory")
def remedy():
    _, messages = caught(lambda: HebbianMemory().fit(patterns(40, 50)))
    said = " ".join(messages)
    return said[:90], "DenseMemory" in said
