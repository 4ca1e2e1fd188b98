"""Write the pages that follow the code: the API reference, and the tables of registered rules and energies."""

import importlib
import inspect
import re

from public_api import public_objects

# Sections of the reference, in reading order; one that is not named here comes after them, by name.
ORDER = [
    "skamem.memory",
    "skamem.supervised",
    "skamem.sparse",
    "skamem.generative",
    "skamem.preprocessing",
    "skamem.model_selection",
    "skamem.metrics",
    "skamem.analysis",
    "skamem.display",
    "skamem.datasets",
]

FOR_USERS = """\
Everything users need is imported flat, ``from skamem import HebbianMemory``, or from the module named below. For those
who add learning rules, energies or dynamics of their own there is also :doc:`core`.

.. toctree::
   :hidden:

   core
"""
FOR_DEVELOPERS = """\
For people who add learning rules, energies or dynamics; :doc:`../design/architecture` says how the parts fit. What
stands here may change in a minor version.
"""

REGISTRIES = {
    "rules": ("skamem.core.rules", "RULES"),
    "interactions": ("skamem.core.interactions", "INTERACTIONS"),
}


def write_pages(docs):
    """Write docs/api/index.rst, core.rst and <registry>.inc; files that would not change are left alone."""
    groups = {}
    for name, group in public_objects():
        groups.setdefault(group, []).append(name)
    core = {group: names for group, names in groups.items() if group.startswith("skamem.core.")}
    users = {group: names for group, names in groups.items() if group not in core}

    target = docs / "api"
    target.mkdir(exist_ok=True)
    for page in target.glob("skamem.*.rst"):
        if not any(page.stem in names for names in groups.values()):
            page.unlink()  # of something that is no longer public
    _write(target / "index.rst", _page("API reference", FOR_USERS, users))
    _write(target / "core.rst", _page("skamem.core", FOR_DEVELOPERS, core))
    for name, (module, registry) in REGISTRIES.items():
        _write(target / f"{name}.inc", _registry_table(module, registry))


def _write(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _page(title, introduction, groups):
    lines = [title, "=" * len(title), "", introduction, ""]
    for group in sorted(groups, key=lambda group: (ORDER.index(group) if group in ORDER else len(ORDER), group)):
        lines += [group, "-" * len(group), "", f".. py:module:: {group}", ".. py:currentmodule:: None", ""]
        lines += [_first_line(importlib.import_module(group)), ""]
        lines += [".. autosummary::", "   :toctree:", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in groups[group]] + [""]
    return "\n".join(lines)


def _registry_table(module, registry):
    """A list-table of the entries: the string to pass, what it is, its first line."""
    try:
        entries = getattr(importlib.import_module(module), registry)
    except (ImportError, AttributeError):
        return ""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: auto", "", "   * - name", "     - what it is", ""]
    for name, entry in entries.items():
        entry = getattr(entry, "weights", entry)  # a record of a rule
        entry = getattr(entry, "func", entry)  # functools.partial
        role = "class" if inspect.isclass(entry) else "func"
        lines += [f"   * - ``{name!r}``", f"     - :{role}:`~{module}.{entry.__name__}`: {_first_line(entry)}", ""]
    return "\n".join(lines)


def _first_line(thing):
    """The summary of a docstring, up to the first empty line."""
    doc = inspect.getdoc(thing) or ""
    return " ".join(doc.split("\n\n")[0].split())


def _skip_member(app, what, name, member, skip, options):
    """Leave out what scikit-learn documents: its own methods and the request methods it generates."""
    function = member.fget if isinstance(member, property) else member
    module = getattr(function, "__module__", None) or ""
    if module.startswith("sklearn.") or re.fullmatch(r"set_\w+_request", name):
        return True
    return None


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", _skip_member)
    return {"parallel_read_safe": True}
