"""Tasks of ``benchmarks/structures.py``: state machines in a memory, beside their plain tables."""

import time

import numpy as np
from timing import medians, say

from skamem import FiniteStateMemory, HebbianMemory, PseudoinverseMemory

N_STATES, N_SYMBOLS, N_STRINGS, LENGTH = 8, 4, 64, 1563  # 64 strings of 1563 symbols are 100,032


def random_table(seed):
    """A complete table with outputs."""
    rng = np.random.default_rng(seed)
    pairs = [(state, symbol) for state in range(N_STATES) for symbol in range(N_SYMBOLS)]
    return {pair: (int(rng.integers(N_STATES)), int(rng.integers(3))) for pair in pairs}


def looked_up(table, string):
    """States and outputs of the plain table, from state 0."""
    states, outputs = [0], []
    for symbol in string:
        state, output = table[states[-1], symbol]
        states.append(state)
        outputs.append(output)
    return tuple(states), tuple(outputs)


def n_wrong(table, strings, runs):
    """Symbols of which the next state or the output is wrong."""
    wrong = 0
    for string, run in zip(strings, runs, strict=True):
        states, outputs = looked_up(table, string)
        told = zip(states[1:], outputs, run.states[1:], run.outputs, strict=True)
        wrong += sum((state, output) != (found, said) for state, output, found, said in told)
    return wrong


def strings_for(seed, length=LENGTH):
    """Random strings, as lists."""
    return np.random.default_rng(seed).integers(N_SYMBOLS, size=(N_STRINGS, length)).tolist()


def machines(options):
    """20 random machines under noise; how fast; sums; contradictions."""
    wrong, n_symbols, seconds, least = 0, 0, 0.0, 2.0
    for seed in range(20):
        table, strings = random_table(seed), strings_for(seed)
        machine = FiniteStateMemory(random_state=seed).fit(table)
        start = time.perf_counter()
        runs = machine.run_many(strings, noise=0.05, random_state=seed)
        seconds += time.perf_counter() - start
        wrong, n_symbols = wrong + n_wrong(table, strings, runs), n_symbols + N_STRINGS * LENGTH
        least = min(least, *(run.margins.min() for run in runs))
    say(
        f"20 machines, {N_STATES} states, {N_SYMBOLS} symbols, {machine.n_units_} units, 5 % flipped in every step: "
        f"{wrong} errors in {n_symbols} symbols, least margin {least:.2f}",
        wrong == 0,
    )
    say(f"  {n_symbols / seconds:.0f} symbols a second in a batch of {N_STRINGS}", n_symbols / seconds >= 20_000)
    for width in (32, 64):
        wrong = 0
        for seed in range(20):
            table, strings = random_table(seed), strings_for(seed)
            narrow = FiniteStateMemory(n_units=width, random_state=seed).fit(table)
            wrong += sum(
                run.states != looked_up(table, string)[0]
                for string, run in zip(strings, narrow.run_many(strings, noise=0.05), strict=True)
            )
        say(f"  in {width} units: {wrong} of {20 * N_STRINGS} strings go astray")
    speed(options)
    sums()
    contradictions()


def speed(options):
    """Memories beside each other, strings without noise and with it."""
    table, strings = random_table(0), strings_for(0, 300)
    memories = {"dense, exponential": None, "pseudoinverse": PseudoinverseMemory(), "Hebb": HebbianMemory()}
    fitted = {name: FiniteStateMemory(memory, random_state=0).fit(table) for name, memory in memories.items()}
    contenders = {
        f"{name}, {machine.n_units_} units, {100 * noise:.0f} % noise": lambda machine=machine, noise=noise: (
            machine.run_many(strings, noise=noise)
        )
        for name, machine in fitted.items()
        for noise in (0.0, 0.05)
    }
    contenders["one string"] = lambda: fitted["dense, exponential"].run(strings[0])
    contenders["plain table"] = lambda: [looked_up(table, string) for string in strings]
    for name, median in medians(contenders, options.repeats).items():
        n_symbols = 300 if name == "one string" else 300 * N_STRINGS
        say(f"  {name}: {n_symbols / median:.0f} symbols a second")


def sums():
    """1,000 random sums of 64 bits by the serial adder."""
    bits = (0, 1)
    adder = FiniteStateMemory(random_state=0).fit(
        [(carry, (a, b), (a + b + carry) // 2, (a + b + carry) % 2) for carry in bits for a in bits for b in bits]
    )
    numbers = np.random.default_rng(0).integers(2**64, size=(2, 1000), dtype=np.uint64).astype(object)
    pairs = [[(int(a) >> place & 1, int(b) >> place & 1) for place in range(65)] for a, b in numbers.T]
    for noise in (0.0, 0.05):
        runs = adder.run_many(pairs, noise=noise)
        found = [sum(digit << place for place, digit in enumerate(run.outputs)) for run in runs]
        right = sum(one == a + b for one, a, b in zip(found, *numbers, strict=True))
        say(f"{right} of 1000 sums of 64 bits right, {100 * noise:.0f} % noise", right == 1000)


def contradictions():
    """What is said of strings that contradict each other."""
    try:
        FiniteStateMemory().fit_strings(["ab", "b", "abc"], ["xy", "x", "xzx"])
    except ValueError as error:
        told = str(error)
    say(told, "Strings 0 and 2 contradict each other at position 1" in told)


TASKS = {"machines": machines}
