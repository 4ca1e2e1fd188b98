#!/usr/bin/env python
# /// script
# dependencies = ["nox"]
# ///
"""The chores, one name each: ``nox -s test``, ``lint``, ``doctest``, ``docs``, ``bench``.

Sessions run in the environment that ``pip install -e ".[dev]"`` filled: none of them installs anything, so they
start at once and need no network. A clean environment is the business of ``.ci/run``, which calls these sessions.
"""

from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "none"

LINT = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["lint-imports"],
    ["codespell"],
    ["mypy"],
    ["python", "tools/validate_docstrings.py"],
]


@nox.session
def test(session):
    """The tests that take no more than a few seconds each; arguments go to pytest."""
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def slow(session):
    """The long reproductions of published figures."""
    # 5: nothing was selected, which is no failure as long as no test is marked.
    session.run("pytest", "-m", "slow", *session.posargs, success_codes=[0, 5])


@nox.session
def lint(session):
    """Style, floors, spelling, types and docstrings: every check runs, then the failures are named."""
    failed = []
    for command in LINT:
        try:
            session.run(*command)
        except CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error("failed: " + "; ".join(failed))


@nox.session
def doctest(session):
    """The examples in docstrings, in the user guide and in the README; tests carry out the recipes for developers."""
    files = [
        "--doctest-modules",
        "--doctest-glob=*.rst",
        "skamem",
        "docs/user_guide",
        "docs/install.rst",
    ]
    session.run("pytest", *files, *session.posargs)
    session.run("python", "tools/readme.py", "examples")


@nox.session
def docs(session):
    """The documentation, offline, warnings as errors; open docs/_build/html/index.html."""
    # One BLAS thread: on a busy machine the small products of the examples take four times longer with two.
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    build = ["sphinx-build", "-n", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html"]
    session.run(*build, *session.posargs, env=one_thread)


@nox.session(default=False)
def bench(session):
    """Every benchmark, against the peers that ``pip install -e ".[bench]"`` brings."""
    for script in session.posargs or sorted(map(str, Path("benchmarks").glob("[!_]*.py"))):
        session.run("python", script)


if __name__ == "__main__":
    nox.main()
