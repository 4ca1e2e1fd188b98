"""A state machine in a memory does what its plain table says: whatever the memory, the noise, the labels, the place."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import get_tags

import skamem
from skamem import FiniteStateMemory
from skamem.exceptions import CapacityWarning

PARITY = {("even", "1"): "odd", ("odd", "1"): "even", ("even", "0"): "even", ("odd", "0"): "odd"}
ADDER = {(c, (a, b)): ((a + b + c) // 2, (a + b + c) % 2) for c in (0, 1) for a in (0, 1) for b in (0, 1)}
PARTIAL = {("a", 0): ("b", "x"), ("b", 0): ("a", "y"), ("b", 1): ("b", "x")}
ENGINES = [
    None,
    skamem.HebbianMemory(),
    skamem.PseudoinverseMemory(),
    skamem.PseudoinverseMemory(activation="identity", binarize=None),
    skamem.DenseMemory(degree=5),
    skamem.ModernHopfieldMemory(),
    skamem.KernelMemory(),
    skamem.BidirectionalMemory(),
]
every_engine = pytest.mark.parametrize("memory", ENGINES, ids=repr)


def random_table(seed, n_states=8, n_symbols=4, n_outputs=3):
    rng = np.random.default_rng(seed)
    pairs = [(state, symbol) for state in range(n_states) for symbol in range(n_symbols)]
    return {pair: (int(rng.integers(n_states)), int(rng.integers(n_outputs))) for pair in pairs}


def plain(table, string, start):
    """States and outputs by looking up, one symbol after another."""
    states, outputs = [start], []
    for symbol in string:
        state, output = table[states[-1], symbol]
        states.append(state)
        outputs.append(output)
    return tuple(states), tuple(outputs)


def strings_of(seed, n_strings=12, longest=40, n_symbols=4):
    rng = np.random.default_rng(seed)
    return [rng.integers(n_symbols, size=rng.integers(longest + 1)).tolist() for _ in range(n_strings)]


# ------------------------------------------------------------------------------------------- the table, run in a memory


@every_engine
def test_every_memory_does_what_the_table_says_under_noise(memory):
    # The default width errs in a step with probability below 1e-12, here 32,000 times.
    table = random_table(0)
    machine = FiniteStateMemory(memory, random_state=0).fit(table)
    strings = np.random.default_rng(1).integers(4, size=(64, 500)).tolist()
    for string, run in zip(strings, machine.run_many(strings, noise=0.05), strict=True):
        assert (run.states, run.outputs) == plain(table, string, 0)
        assert run.sure
        assert run.margins.shape == (500,)
        assert run.margins.min() > 0
        assert run.final_state == run.states[-1]
        assert run.halted is run.label is None
    assert machine.to_dict() == table


@pytest.mark.slow
def test_20_random_machines_read_100_000_symbols_each():
    for seed in range(20):
        table = random_table(seed)
        machine = FiniteStateMemory(random_state=seed).fit(table)
        strings = np.random.default_rng(seed).integers(4, size=(64, 1563)).tolist()
        runs = machine.run_many(strings, noise=0.05, random_state=seed)
        for string, run in zip(strings, runs, strict=True):
            assert (run.states, run.outputs) == plain(table, string, 0)


def test_codes_that_are_too_narrow_err_and_say_so():
    # 7 wrong codes of 16 units are as near as the right one with probability 7 (.718)^16 or so: .03 a step.
    table = random_table(0)
    machine = FiniteStateMemory(n_units=16, random_state=0).fit(table)
    run = machine.run(np.random.default_rng(1).integers(4, size=2000), noise=0.05)
    assert run.states != plain(table, np.random.default_rng(1).integers(4, size=2000).tolist(), 0)[0]
    assert not run.sure
    assert run.margins.min() < 0.3


def test_the_width_grows_with_states_noise_and_certainty_and_with_a_memory_that_holds_little():
    def width(memory=None, n_states=8, **options):
        return FiniteStateMemory(memory, random_state=0, **options).fit(random_table(0, n_states)).n_units_

    assert width() == 96
    assert width(n_states=100) > width() > width(error_rate=1e-6) > width(error_rate=1e-6, flip_rate=0.02)
    assert width(skamem.HebbianMemory()) > width()
    assert width(n_units=200) == 200


def test_transitions_that_a_memory_does_not_hold_are_counted():
    with pytest.warns(
        CapacityWarning, match=r"stores 32 transitions in codes of 8 units: \d+ of them are recalled wrongly"
    ):
        FiniteStateMemory(skamem.HebbianMemory(), n_units=8, random_state=0).fit(random_table(0))


@pytest.mark.parametrize(
    "options", [{"binarize": 5.0}, {"activation": "step"}, {"binarize": None}, {"coding": "binary"}]
)
@pytest.mark.parametrize("Memory", [skamem.HebbianMemory, skamem.PseudoinverseMemory])
def test_a_memory_set_to_other_patterns_holds_codes(Memory, options):
    table, string = random_table(0), np.random.default_rng(0).integers(4, size=100).tolist()
    run = FiniteStateMemory(Memory(**options), random_state=0).fit(table).run(string, noise=0.05)
    assert (run.states, run.outputs) == plain(table, string, 0)


@pytest.mark.parametrize("n_units", [1, 2, 5])
def test_any_width_gives_a_machine(n_units):
    machine = FiniteStateMemory(n_units=n_units, random_state=0)
    with pytest.warns(CapacityWarning, match="recalled wrongly"):
        machine.fit(random_table(0))
    assert len(machine.run([0, 1, 2]).states) == 4


# -------------------------------------------------------------------------------------------------------- machines


def test_parity():
    machine = FiniteStateMemory(random_state=0).fit(PARITY, accepting=["even"])
    strings = ["", "0", "1", "11", "1101", "0" * 50 + "1" * 30]
    np.testing.assert_array_equal(machine.accepts(strings), [string.count("1") % 2 == 0 for string in strings])
    np.testing.assert_array_equal(machine.predict(strings), machine.accepts(strings))
    assert machine.run("11").label is True
    assert machine.run("1").label is False


def test_sums_of_64_bits():
    adder = FiniteStateMemory(random_state=0).fit(ADDER)
    numbers = np.random.default_rng(0).integers(2**63, size=(2, 100), dtype=np.uint64).astype(object)
    pairs = [[(a >> bit & 1, b >> bit & 1) for bit in range(65)] for a, b in numbers.T]
    sums = [sum(bit << place for place, bit in enumerate(run.outputs)) for run in adder.run_many(pairs, noise=0.05)]
    assert sums == (numbers[0] + numbers[1]).tolist()


def test_1000_states():
    table = random_table(0, n_states=1000, n_symbols=4)
    machine = FiniteStateMemory(random_state=0).fit(table)
    strings = np.random.default_rng(0).integers(4, size=(32, 20)).tolist()
    for string, run in zip(strings, machine.run_many(strings, noise=0.05), strict=True):
        assert (run.states, run.outputs) == plain(table, string, 0)


def test_one_state_and_one_symbol():
    machine = FiniteStateMemory(random_state=0).fit([("s", "a", "s")])
    run = machine.run("aaa", noise=0.2)
    assert run.states == ("s",) * 4
    assert run.outputs is None
    np.testing.assert_array_equal(run.margins > 0, True)
    assert machine.predict(["aa", ""]) == ["s", "s"]


@pytest.mark.parametrize(
    "labels", [[0, 0.5, None, "é", ("a", 1)], ["", " ", "\n", "ß", "𝄞"], [b"a", -1, True, 10**30, ""]]
)
def test_any_hashable_labels(labels):
    table = {
        (s, a): (labels[(i + j) % 5], labels[(i * j) % 5]) for i, s in enumerate(labels) for j, a in enumerate(labels)
    }
    machine = FiniteStateMemory(random_state=0).fit(table)
    string = (labels * 3)[2:]
    run = machine.run(string)
    assert (run.states, run.outputs) == plain(table, string, labels[0])
    assert machine.states_ == labels


# -------------------------------------------------------------------------------------------------- running


def test_strings_of_all_lengths_side_by_side_are_read_as_if_alone():
    table = random_table(3)
    machine = FiniteStateMemory(random_state=0).fit(table)
    strings = [[], *strings_of(0), [], *strings_of(1, longest=600, n_strings=3)]
    for string, run in zip(strings, machine.run_many(strings), strict=True):
        alone = machine.run(string)
        assert (run.states, run.outputs) == (alone.states, alone.outputs) == plain(table, string, 0)
        np.testing.assert_array_equal(run.margins, alone.margins)
    assert machine.run_many([]) == []


def test_noise_of_a_string_depends_on_what_it_is_and_not_on_its_place_or_neighbours():
    machine = FiniteStateMemory(random_state=0).fit(random_table(3))
    strings = [[0, 1, 2], *strings_of(0, n_strings=11)]
    margins = [run.margins for run in machine.run_many(strings, noise=0.1, random_state=5)]
    order = np.random.default_rng(0).permutation(len(strings))
    moved = machine.run_many([strings[i] for i in order], noise=0.1, random_state=5)
    fewer = machine.run_many([[0] * 100, *strings[::2]], noise=0.1, random_state=5)[1:]
    alone = [machine.run(string, noise=0.1, random_state=5) for string in strings]
    with config_context(working_memory=0.01):  # a few strings at a time
        blocks = machine.run_many(strings, noise=0.1, random_state=5)
    for runs, numbers in ((moved, order), (fewer, range(0, 12, 2)), (alone, range(12)), (blocks, range(12))):
        for run, number in zip(runs, numbers, strict=True):
            np.testing.assert_array_equal(run.margins, margins[number])
    other = machine.run_many(strings, noise=0.1, random_state=6)
    assert any(not np.array_equal(run.margins, one) for run, one in zip(other, margins, strict=True))
    np.testing.assert_array_equal(machine.run([0] * 9, noise=0.1).margins, machine.run([0] * 9, noise=0.1).margins)


def test_copies_of_a_string_have_noise_of_their_own():
    # Two of 50 copies agree in all of 20 margins, each a count of flips among some 50 units, less often than 1e-12.
    machine = FiniteStateMemory(random_state=0).fit(random_table(3))
    runs = machine.run_many([[0, 1, 2, 3] * 5] * 50, noise=0.1, random_state=5)
    assert len({tuple(run.margins.tolist()) for run in runs}) == 50
    starts = machine.run_many([[0] * 20] * 2, [1, 2], noise=0.1, random_state=5)
    np.testing.assert_array_equal(starts[1].margins, machine.run([0] * 20, 2, noise=0.1, random_state=5).margins)


def test_margins_fall_with_noise_as_flips_do():
    machine = FiniteStateMemory(n_units=400, random_state=0).fit([("s", "a", "t"), ("t", "a", "s")])
    code = machine.state_codes_
    apart = 1.0 - code[0] @ code[1] / 400
    # A flip takes 2/n off the margin where both codes differ, nothing elsewhere: mean (1 - 2 p) (1 - overlap).
    for noise in (0.0, 0.1, 0.3):
        margins = machine.run("a" * 2000, noise=noise).margins
        error = np.sqrt(4 * noise * (1 - noise) * apart * 2 / 400 / 2000)
        assert abs(margins.mean() - (1 - 2 * noise) * apart) <= 5 * error + 1e-6


def test_a_start_of_ones_own():
    machine = FiniteStateMemory(random_state=0).fit(PARITY, start="odd")
    assert machine.run("1").final_state == "even"
    assert machine.run("1", "even").final_state == "odd"
    assert [run.final_state for run in machine.run_many(["1", "0"], ["even", "odd"])] == ["odd", "odd"]
    with pytest.raises(ValueError, match="start='none' is no state of the machine; expected one of 'even', 'odd'"):
        machine.run("1", "none")
    with pytest.raises(ValueError, match="start=.* is no state"):
        machine.run("1", [1])
    with pytest.raises(ValueError, match="start has 1 entries for 2 strings"):
        machine.run_many(["1", "0"], ["even"])


def test_a_pair_that_was_never_stored():
    machine = FiniteStateMemory(random_state=0).fit(PARTIAL)
    message = r"strings\[1\]\[2\] is 1 in state 'a', for which no transition is stored; stored there are 0\. Store it"
    with pytest.raises(ValueError, match=message):
        machine.run_many([[0, 1, 1], [0, 0, 1], [0]])
    with pytest.raises(
        ValueError, match=r"symbols\[1\] is 7, a symbol that the machine does not know; expected one of 0, 1"
    ):
        machine.run([0, 7])
    halting = FiniteStateMemory(unknown="halt", random_state=0).fit(PARTIAL, accepting=["a"])
    run = halting.run([0, 0, 1, 0])
    assert (run.states, run.outputs, run.halted, run.final_state, run.label) == (
        ("a", "b", "a"),
        ("x", "y"),
        2,
        None,
        None,
    )
    assert len(run.margins) == 2
    assert halting.run([7]).halted == 0
    assert halting.accepts([[0, 0], [0], [0, 0, 1], [7]]).tolist() == [True, False, False, False]
    recalling = FiniteStateMemory(unknown="recall", random_state=0).fit(PARTIAL)
    run = recalling.run([0, 0, 1, 0])
    assert run.states[:3] == ("a", "b", "a")
    assert len(run.states) == 5
    with pytest.raises(ValueError, match="a symbol that the machine does not know"):
        recalling.run([7])


def test_long_strings_raise_early(monkeypatch):
    from skamem.structures._running import Circuit

    steps = []
    whole = Circuit.run
    monkeypatch.setattr(Circuit, "run", lambda self, *given: steps.append(given[0].shape[1]) or whole(self, *given))
    with pytest.raises(ValueError, match=r"symbols\[2\] is 1 in state 'a'"):
        FiniteStateMemory(random_state=0).fit(PARTIAL).run([0, 0, 1] + [0] * 100_000)
    assert sum(steps) < 10_000


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), "a", None, True])
def test_noise_is_a_probability(wrong):
    machine = FiniteStateMemory(random_state=0).fit(PARITY)
    with pytest.raises((TypeError, ValueError), match="noise="):
        machine.run("1", noise=wrong)


# ------------------------------------------------------------------------------------------------------- storing


def test_pieces_are_one_fit():
    table = list(random_table(5).items())
    whole = FiniteStateMemory(random_state=0).fit(dict(table), accepting=[0])
    pieces = FiniteStateMemory(random_state=0).fit(dict(table[:10]), accepting=[0])
    assert pieces.partial_fit(dict(table[8:20])).partial_fit(dict(table[20:])) is pieces
    assert pieces.to_dict() == whole.to_dict()
    assert pieces.labels_.keys() == whole.labels_.keys()
    assert pieces.n_units_ == whole.n_units_
    string = np.random.default_rng(0).integers(4, size=100)
    assert pieces.run(string).states == whole.run(string).states
    first = FiniteStateMemory(random_state=0).partial_fit(dict(table))
    np.testing.assert_array_equal(first.state_codes_, FiniteStateMemory(random_state=0).fit(dict(table)).state_codes_)


def test_a_failed_call_changes_nothing():
    machine = FiniteStateMemory(random_state=0).fit(PARTIAL)
    before = dict(vars(machine))
    for call, message in [
        (lambda: machine.partial_fit({("a", 0): ("a", "x")}), "In state 'a' the symbol 0 leads to"),
        (lambda: machine.fit({("a", 0): "b", ("b", 0): "a"}, accepting=["c"]), "accepting='c' is no state"),
        (lambda: machine.fit({("a", 0): "b", ("b", 0): "a"}, start="c"), "start='c' is no state"),
        (lambda: machine.fit(["ab", "ab"], ["xy", "yx"]), "contradict each other at position 0"),
        (lambda: machine.fit(["ab"], ["xy"], start="c"), "start and accepting belong to a table"),
        (lambda: machine.fit([]), "transitions is empty"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
        assert vars(machine).keys() == before.keys()
        assert all(vars(machine)[name] is value for name, value in before.items())


def test_rates_that_no_width_serves():
    with pytest.raises(ValueError, match=r"flip_rate=0.4999 .* ask for codes of \d+ units"):
        FiniteStateMemory(flip_rate=0.4999).fit(PARITY)


@pytest.mark.parametrize(
    "memory", [skamem.WillshawMemory(), skamem.HopfieldNetwork(), skamem.HebbianMemory, "dense", 3]
)
def test_a_memory_that_cannot_store_pairs_is_refused(memory):
    with pytest.raises(TypeError, match="memory=.*cannot associate states and symbols"):
        FiniteStateMemory(memory).fit(PARITY)


def test_the_table_comes_back():
    table = random_table(0)
    machine = FiniteStateMemory(random_state=0).fit(table)
    assert FiniteStateMemory(random_state=0).fit(machine.to_table()).to_dict() == table
    pd = pytest.importorskip("pandas")
    frame = machine.to_table()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["state", "symbol", "next_state", "output"]
    silent = FiniteStateMemory(random_state=0).fit(PARITY)
    assert silent.to_dict() == PARITY
    assert list(silent.to_table().columns) == ["state", "symbol", "next_state"]


def test_a_dictionary_comes_back_whatever_the_states_are():
    kinds = {
        "int": range(6),
        "str": "abcdef",
        "two letters": ["ab", "ba", "aa", "bb", "ca", "cb"],
        "pairs": [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)],
        "named places": [("q", place) for place in range(6)],
        "triples": [(0, 0, place) for place in range(6)],
        "pairs of pairs": [((0, place), (place, "a")) for place in range(6)],
    }
    answers = {"silent": None, "numbers": [0, 1], "words": ["yes", "no"], "pairs": [(0, 1), (1, 0)]}
    for states in kinds.values():
        for outputs in answers.values():
            for seed in range(8):
                rng = np.random.default_rng(seed)
                rows = []
                for state in list(states)[: 1 + seed % 6]:  # the others absorb
                    for symbol in "rd"[: 1 + seed % 2]:
                        leads = [states[rng.integers(6)], *([] if outputs is None else [outputs[rng.integers(2)]])]
                        rows.append((state, symbol, *leads))
                machine = FiniteStateMemory(n_units=200, random_state=0).fit(rows)
                again = FiniteStateMemory(n_units=200, random_state=0).fit(machine.to_dict())
                assert again.transitions_ == machine.transitions_
                assert again.outputs_ == machine.outputs_


def test_an_absorbing_state_that_is_a_pair():
    steps = {((0, 0), "r"): (0, 1), ((0, 1), "r"): (1, 1)}
    run = FiniteStateMemory(random_state=0).fit(steps).run("rr")
    assert (run.states, run.outputs) == (((0, 0), (0, 1), (1, 1)), None)
    pieces = FiniteStateMemory(random_state=0).partial_fit({((0, 0), "r"): (0, 1)})
    assert pieces.partial_fit({((0, 1), "r"): (1, 1)}).run("rr").states == run.states


def test_the_table_comes_back_without_pandas(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    rows = FiniteStateMemory(random_state=0).fit(PARITY).to_table()
    assert rows[0] == {"state": "even", "symbol": "1", "next_state": "odd"}


# --------------------------------------------------------------------------------------------- learning from strings


def strings_and_sums(seed, n_strings=200):
    rng = np.random.default_rng(seed)
    strings = [
        [tuple(bits) for bits in rng.integers(2, size=(rng.integers(1, 12), 2)).tolist()] for _ in range(n_strings)
    ]
    return strings, [plain(ADDER, string, 0)[1] for string in strings]


def test_an_adder_is_learnt_from_sums():
    strings, sums = strings_and_sums(0)
    machine = FiniteStateMemory(random_state=0).fit_strings(strings, sums)
    assert len(machine.states_) == 2
    assert machine.start_ == 0
    assert machine.score(*strings_and_sums(1)) == 1.0
    assert machine.predict(strings) == sums
    assert machine.score(*strings_and_sums(1), noise=0.05) == 1.0


def test_a_recogniser_is_learnt_from_labelled_strings():
    rng = np.random.default_rng(0)
    strings = ["".join(rng.choice(list("01"), size=rng.integers(0, 12))) for _ in range(400)]
    labels = np.asarray([int("0" + string, 2) % 3 == 0 for string in strings])
    machine = FiniteStateMemory(random_state=0).fit(strings, labels)
    assert len(machine.states_) == 3
    others = ["".join(rng.choice(list("01"), size=20)) for _ in range(50)]
    truth = [int(string, 2) % 3 == 0 for string in others]
    np.testing.assert_array_equal(machine.accepts(others), truth)
    np.testing.assert_array_equal(machine.predict(others), truth)
    assert machine.score(others, truth) == 1.0
    assert machine.predict(others).dtype == bool
    assert FiniteStateMemory().fit(strings, labels.astype(int)).predict(others).dtype == int


def test_labels_of_several_kinds_and_of_nowhere():
    strings = ["", "a", "aa", "aaa", "aaaa", "aaaaa"]
    machine = FiniteStateMemory(random_state=0).fit(strings, [len(string) % 3 for string in strings])
    np.testing.assert_array_equal(machine.predict(["a" * n for n in range(12)]), np.arange(12) % 3)
    assert machine.predict(["ab"]).shape == (1,)  # halts, and has the label of most states
    assert not hasattr(machine, "accepts")
    with pytest.raises(AttributeError, match=r"no attribute 'accepts': .* fit\(transitions, accepting=\[...\]\)"):
        machine.accepts(["a"])


def test_classes_of_strings_are_learnt_predicted_and_scored():
    strings = ["".join(bits) for bits in np.random.default_rng(0).choice(list("01"), size=(60, 4))]
    labels = np.asarray(["even" if string.count("1") % 2 == 0 else "oddy" for string in strings])  # as long as strings
    machine = FiniteStateMemory(random_state=0).fit(strings, labels)
    assert len(machine.states_) == 2
    np.testing.assert_array_equal(machine.predict(strings), labels)
    assert machine.score(strings, labels) == machine.score(strings, labels.tolist()) == 1.0
    assert machine.score(strings, machine.predict(strings)) == 1.0
    assert cross_val_score(FiniteStateMemory(random_state=0), strings, labels, cv=3).min() == 1.0
    speaks = FiniteStateMemory(random_state=0).fit(["ab", "ba"], ["no", "ok"])
    assert speaks.predict(["ab"]) == [("n", "o")]
    assert speaks.score(["ab", "ba"], np.asarray(["no", "ok"])) == 1.0  # the machine says how they are meant


def test_scores_ask_for_what_the_machine_answers():
    silent = FiniteStateMemory(random_state=0).fit(PARITY)
    with pytest.raises(ValueError, match="y has a label for each string, but the machine has neither"):
        silent.score(["1"], [True])
    adder = FiniteStateMemory(random_state=0).fit(ADDER)
    with pytest.raises(ValueError, match="but the machine has an output for each symbol"):
        adder.score([[(0, 1)]], [True])
    accepts = FiniteStateMemory(random_state=0).fit(PARITY, accepting=["even"])
    for kind in (list, np.asarray):
        with pytest.raises(ValueError, match="y has an output for each symbol, but the machine has a label"):
            accepts.score(["10", "01"], kind(["no", "no"]))
    assert adder.run([]).margins.dtype == adder.run([(0, 1)]).margins.dtype
    with pytest.raises(ValueError, match="no symbols to score"):
        adder.score([[]], [[]])
    assert adder.score([[(0, 1), (1, 1)]], [[1, 1]]) == 0.5
    halting = FiniteStateMemory(unknown="halt", random_state=0).fit(PARTIAL)
    assert halting.score([[1, 0]], [["x", "x"]]) == 0.0  # what was never said is wrong


# ------------------------------------------------------------------------------------------------- scikit-learn


def test_a_search_finds_the_width_that_stands_the_noise():
    strings, sums = strings_and_sums(0, 60)

    def under_noise(machine, X, y):
        return machine.score(X, y, noise=0.2, random_state=0)

    search = GridSearchCV(FiniteStateMemory(random_state=0), {"n_units": [8, 128]}, scoring=under_noise, cv=3)
    search.fit(strings, sums)
    assert search.best_params_ == {"n_units": 128}
    assert search.best_score_ == 1.0
    assert search.cv_results_["mean_test_score"][0] < 0.95
    strings = ["a" * n for n in np.random.default_rng(0).permutation(30)]
    labels = [len(string) % 2 for string in strings]
    assert cross_val_score(FiniteStateMemory(random_state=0), strings, labels, cv=3).min() == 1.0


def test_tags_say_that_the_input_is_no_matrix():
    tags = get_tags(FiniteStateMemory())
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.string
    assert tags.input_tags.dict


@pytest.mark.parametrize("backend", [None, "numpy", "torch"])
def test_copies_and_pickles_run_alike(backend):
    if backend == "torch":
        pytest.importorskip("torch")
    machine = FiniteStateMemory(backend=backend, random_state=0).fit(random_table(0), accepting=[3])
    string = np.random.default_rng(0).integers(4, size=50)
    expected = machine.run(string, noise=0.1)
    for twin in (pickle.loads(pickle.dumps(machine)), clone(machine).fit(random_table(0), accepting=[3])):
        run = twin.run(string, noise=0.1)
        assert (run.states, run.outputs, run.label) == (expected.states, expected.outputs, expected.label)
        np.testing.assert_array_equal(run.margins, expected.margins)


def test_nothing_works_before_fit():
    machine = FiniteStateMemory()
    for name in ("run", "run_many", "predict", "score", "to_table", "to_dict"):
        method = getattr(machine, name)
        needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
        with pytest.raises(NotFittedError):
            method(*[["a"]] * len(needed))
    assert not hasattr(machine, "accepts")
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        machine.accepts(["a"])


def test_a_changed_parameter_is_checked_and_heeded():
    machine = FiniteStateMemory(random_state=0).fit(PARTIAL)
    assert machine.set_params(unknown="halt").run([1]).halted == 0
    with pytest.raises(ValueError, match="unknown='no' is not an option"):
        machine.set_params(unknown="no").run([1])


# ------------------------------------------------------------------------------------------------------ places


@every_engine
def test_one_seed_gives_one_result_behind_both_doors(memory, place, dispatched, fake_cupy):
    table = random_table(0, n_states=4, n_symbols=2)
    rows = np.asarray([(*pair, *leads) for pair, leads in table.items()])
    strings = np.random.default_rng(0).integers(2, size=(5, 30))
    expected = FiniteStateMemory(memory, random_state=0).fit(table).run_many(strings, noise=0.2)
    with dispatched():
        there = FiniteStateMemory(memory, random_state=0).fit(place.put(rows))
        found = there.run_many(place.put(strings), noise=0.2)
        assert place.get(there.state_codes_).shape == (4, there.n_units_)
    machines = [found]
    with fake_cupy():
        for backend in ("torch", "cupy:1"):
            if backend == "torch":
                pytest.importorskip("torch")
            machines.append(
                FiniteStateMemory(memory, random_state=0, backend=backend).fit(table).run_many(strings, noise=0.2)
            )
    for runs in machines:
        for run, one in zip(runs, expected, strict=True):
            assert (run.states, run.outputs) == (one.states, one.outputs)
            np.testing.assert_allclose(run.margins, one.margins, atol=1e-6)


def test_a_backend_is_handed_to_the_memory_or_taken_from_it(fake_cupy):
    with fake_cupy() as cupy:
        for machine in (
            FiniteStateMemory(backend="cupy"),
            FiniteStateMemory(skamem.PseudoinverseMemory(backend="cupy"), random_state=0),
        ):
            machine.fit(PARITY)
            assert isinstance(machine.state_codes_, cupy.ndarray)
            assert machine.run("101").final_state == "even"
