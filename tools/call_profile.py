"""How far a call travels through the package, and how long its modules are: python tools/call_profile.py

For a few usual calls: the files of the package they pass, the calls into it (a generator that resumes counts again),
how many of its frames are on the stack at once; then calls and frames of all Python code, scikit-learn's and NumPy's
too. Then a census of the code. Looks at whichever skamem Python imports, so PYTHONPATH puts two trees side by side;
``--markdown`` prints tables for a page.
"""

import argparse
import ast
import statistics
import sys
import tokenize
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

import skamem
from skamem import DenseAMClassifier, HebbianMemory, IHTRegressor, ModernHopfieldMemory

PACKAGE = Path(skamem.__file__).parent
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def travel(call):
    """What `call` does: (files of the package, calls into it, frames of it at once, all Python calls, all frames)."""
    prefix = f"{PACKAGE}/"
    files, n_calls, inside, deepest_inside, depth, deepest = Counter(), 0, 0, 0, 0, 0

    def watch(frame, event, argument):
        nonlocal n_calls, inside, deepest_inside, depth, deepest
        if event not in ("call", "return"):
            return
        step = 1 if event == "call" else -1
        ours = frame.f_code.co_filename.startswith(prefix)
        depth, inside = depth + step, inside + step * ours
        deepest, deepest_inside = max(deepest, depth), max(deepest_inside, inside)
        if event == "call":
            n_calls += 1
            if ours:
                files[frame.f_code.co_filename.removeprefix(prefix)] += 1

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    return files, files.total(), deepest_inside, n_calls, deepest - 1  # without the call itself


def usual_calls():
    """Pairs (name, call without arguments) on data that is small and the same everywhere."""
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], size=(10, 100))
    features, target = load_diabetes(return_X_y=True)
    labels = target > np.median(target)
    gaps = np.where(rng.random(features.shape) < 0.1, np.nan, features)
    memory = HebbianMemory().fit(patterns)
    modern = ModernHopfieldMemory().fit(features)
    return [
        ("HebbianMemory().fit", lambda: HebbianMemory().fit(patterns)),
        ("HebbianMemory().predict", lambda: memory.predict(patterns)),
        (
            "DenseAMClassifier(max_iter=1).fit",
            lambda: DenseAMClassifier(n_memories=20, max_iter=1, random_state=0).fit(features, labels),
        ),
        ("IHTRegressor(2).fit", lambda: IHTRegressor(2).fit(features, target)),
        ("IHTRegressor().fit", lambda: IHTRegressor().fit(features, target)),
        ("ModernHopfieldMemory().transform", lambda: modern.transform(gaps)),
    ]


def code_lines(path):
    """Numbers of the lines that hold code: neither blank, nor comment, nor docstring."""
    with tokenize.open(path) as file:
        source = file.read()
    tree = ast.parse(source)
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    strings = [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None
    ]
    docstrings = {line for string in strings for line in range(string.lineno, string.end_lineno + 1)}
    with path.open("rb") as file:
        tokens = [
            token for token in tokenize.tokenize(file.readline) if token.type not in NO_CODE | {tokenize.ENCODING}
        ]
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return lines - docstrings


def census():
    """Length of each module in lines, and the lines of code of the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in paths}
    return lengths, sum(len(code_lines(path)) for path in paths)


def table(header, rows, markdown):
    """Lines of a table; the first column is text."""
    rows = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        (" | " if markdown else "  ").join(
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    if markdown:
        lines.insert(
            1, " | ".join("-" * width if not index else "-" * (width - 1) + ":" for index, width in enumerate(widths))
        )
    return "\n".join(f"| {line} |" for line in lines) if markdown else "\n".join(lines)


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--files", action="store_true", help="name the files each call passes, with its calls there")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name, call in usual_calls():
        call()  # imports and caches apart
        files, *numbers = travel(call)
        rows.append((name, len(files), *numbers))
        if arguments.files:
            print(name, *(f"  {count:6d} {file}" for file, count in files.most_common()), sep="\n")
    print(table(("call", "files", "calls", "depth", "all calls", "all deep"), rows, arguments.markdown), end="\n\n")
    lengths, code = census()
    modules = sorted((length, name) for name, length in lengths.items() if not name.endswith("__init__.py"))
    summary = [
        ("modules", len(modules)),
        ("median length", statistics.median(length for length, _ in modules)),
        (f"longest: {modules[-1][1]}", modules[-1][0]),
        ("longer than 300 lines", sum(length > 300 for length, _ in modules)),
        ("lines of code", code),
    ]
    print(table(("census", "lines"), summary, arguments.markdown))


if __name__ == "__main__":
    main()
