"""What other projects' pages describe, for intersphinx: written while building, from the projects that are installed.

An inventory of a site is usually fetched from it; this build needs no network. The sites of scikit-learn, NumPy and
SciPy give every public class and function a page of its own, named after it, so what is installed says where it is
described. A reference to something that does not exist stays an error.
"""

import importlib
import inspect
import pkgutil
import warnings
import zlib

# Project: its site, the folder of the pages that describe one object each, and the packages to look through.
SITES = {
    "sklearn": ("https://scikit-learn.org/stable/", "modules/generated", ["sklearn"]),
    "numpy": ("https://numpy.org/doc/stable/", "reference/generated", ["numpy", "numpy.linalg", "numpy.random"]),
    "scipy": (
        "https://docs.scipy.org/doc/scipy/",
        "reference/generated",
        ["scipy.linalg", "scipy.optimize", "scipy.sparse", "scipy.special", "scipy.stats"],
    ),
}
# Sections that docstrings refer to which we inherit.
LABELS = {
    "sklearn": {
        "accuracy_score": "modules/model_evaluation.html#accuracy-score",
        "r2_score": "modules/model_evaluation.html#r2-score",
    },
}


def write_inventories(folder):
    """Write <folder>/<project>.inv for each site; the intersphinx_mapping that reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (site, pages, packages) in SITES.items():
        entries = {f"{name} py:{role}": f"{pages}/{owner}.html#$" for name, role, owner in _public(packages)}
        entries |= {f"{name} std:label": uri for name, uri in LABELS.get(project, {}).items()}
        header = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n# Compressed using zlib\n"
        body = "".join(f"{entry} 1 {uri} {entry.partition(' ')[0]}\n" for entry, uri in sorted(entries.items()))
        path, content = folder / f"{project}.inv", header.encode() + zlib.compress(body.encode())
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        mapping[project] = (site, str(path))
    return mapping


def _public(packages):
    """Triples (dotted name, role, name of the page) of what the packages, and scikit-learn's public modules, offer."""
    for package in packages:
        names = [package]
        if package == "sklearn":
            path = importlib.import_module(package).__path__
            names += [f"sklearn.{info.name}" for info in pkgutil.iter_modules(path) if info.name[0] != "_"]
        for name in names:
            yield from _members(name)


def _members(module_name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is about to go says so when it is imported
        module = _import(importlib.import_module, module_name)
        entries = getattr(module, "__all__", None) or [entry for entry in dir(module) if entry[0] != "_"]
        values = {f"{module_name}.{entry}": _import(getattr, module, entry) for entry in entries}
    for name, value in values.items():
        if inspect.isclass(value):
            yield name, "class", name
            yield from ((f"{name}.{method}", "method", name) for method in dir(value) if method[0] != "_")
        elif callable(value):
            yield name, "function", name


def _import(how, *arguments):
    """None for what needs a package that is not installed, or asks to be enabled first."""
    try:
        return how(*arguments)
    except ImportError:
        return None
