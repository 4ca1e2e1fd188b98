"""Check the numpydoc docstring of all that is public: python tools/validate_docstrings.py

Which checks apply stands in pyproject.toml under [tool.numpydoc_validation]; SS07, no citation in a summary, is ours. A
running example is asked of classes and functions, not of their methods. In skamem.core, which is for people who read
its source, an example is welcome but not asked, and one sentence is enough where there are no sections. Exits with 1,
and one line per finding, if there is any.
"""

import importlib
import inspect
import os
import sys
import tomllib
from pathlib import Path

from numpydoc.validate import ERROR_MSGS, validate
from public_api import public_objects

EXAMPLE = {"EX01"}
SECTIONS = {"PR01", "RT01", "YD01"}


def selected_checks():
    """The codes that pyproject.toml asks for: with "all", those not listed."""
    config = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(config["tool"]["numpydoc_validation"]["checks"])
    return set(ERROR_MSGS) - listed if "all" in listed else listed


def members(cls, root="skamem"):
    """Names of the public methods and properties that were written in this package: others document their own."""
    for name, member in inspect.getmembers(cls):
        function = member.fget if isinstance(member, property) else member
        written_here = (getattr(function, "__module__", None) or "").split(".")[0] == root
        if not name.startswith("_") and written_here and inspect.isroutine(function):
            yield name


def findings(name, checks):
    """Lines `place: name: code message` for one dotted name."""
    try:
        result = validate(name)
    except ValueError as error:  # a section that numpydoc cannot parse
        return [f"{name}: {' '.join(str(error).split())}"]
    if name.startswith("skamem.core."):
        checks = checks - EXAMPLE
        if "----" not in result["docstring"]:
            checks = checks - SECTIONS
    summary = result["docstring"].strip().partition("\n\n")[0]
    if "]_" in summary:  # numpydoc renames references, and tables of summaries would show the new names
        result["errors"].append(("SS07", "Summary cites a reference; cite it below"))
        checks = checks | {"SS07"}
    place = f"{os.path.relpath(result['file'] or '')}:{result['file_line']}"
    return [f"{place}: {name}: {code} {message}" for code, message in result["errors"] if code in checks]


def main():
    """Print what is wrong; the exit status."""
    checks = selected_checks()
    n_objects, lines = 0, set()
    for name, _ in public_objects():
        module, _, attribute = name.rpartition(".")
        value = getattr(importlib.import_module(module), attribute)
        own_members = [f"{name}.{member}" for member in members(value)] if inspect.isclass(value) else []
        lines.update(findings(name, checks), *(findings(member, checks - EXAMPLE) for member in own_members))
        n_objects += 1 + len(own_members)
    print(*sorted(lines), sep="\n")
    print(f"{n_objects} public docstrings, {len(lines)} findings")
    return 1 if lines or not n_objects else 0


if __name__ == "__main__":
    sys.exit(main())
