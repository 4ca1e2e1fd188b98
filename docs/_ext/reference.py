"""Write what follows the code: the API reference, its links to the guide, tables of registered rules and energies."""

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
    "skamem.structures",
    "skamem.preprocessing",
    "skamem.impute",
    "skamem.model_selection",
    "skamem.metrics",
    "skamem.analysis",
    "skamem.display",
    "skamem.distributed",
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
For people who add learning rules, energies, dynamics or fits by descent; :doc:`../design/architecture` says how the
parts fit. What stands here may change in a minor version.
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
    core = {group: names for group, names in groups.items() if group.startswith(("skamem.core.", "skamem.training"))}
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
        lines += [".. autosummary::", "   :toctree:", f"   :caption: {group}", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in sorted(groups[group], key=_rank)] + [""]
    return "\n".join(lines)


def _rank(name):
    """Estimators, then functions, then what functions answer with."""
    module, _, entry = name.rpartition(".")
    value = getattr(importlib.import_module(module), entry)
    return 0 if hasattr(value, "fit") else 1 if not inspect.isclass(value) else 2


def guide_pages(docs):
    """For each public name the pages of the user guide that link to it, as ``:doc:`` roles."""
    pages = {}
    for page in sorted((docs / "user_guide").glob("*.rst")):
        text = page.read_text(encoding="utf-8")
        title = next(line for line in text.splitlines() if line[:1].isalpha())
        for name in dict.fromkeys(re.findall(r":(?:class|func|meth|attr):`(?:[^`<]*<)?~?(skamem\.[\w.]+)>?`", text)):
            links = pages.setdefault(_owner(name), [])
            link = f":doc:`{title} </user_guide/{page.stem}>`"
            if link not in links:
                links.append(link)
    return pages


def _owner(name):
    """The class of a method, anything else itself."""
    parent, _, last = name.rpartition(".")
    return parent if parent.rpartition(".")[2][:1].isupper() and not last[:1].isupper() else name


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


# Methods that come from scikit-learn's mixins, and that a reader of an estimator's page looks for.
INHERITED = {"score", "fit_transform", "fit_predict"}


def _skip_member(app, what, name, member, skip, options):
    """Leave out what every estimator has from scikit-learn, and the request methods that it generates."""
    function = member.fget if isinstance(member, property) else member
    module = getattr(function, "__module__", None) or ""
    if (module.startswith("sklearn.") and name not in INHERITED) or re.fullmatch(r"set_\w+_request", name):
        return True
    return None


def _allowed_values(app, what, name, thing, options, lines):
    """Below an estimator's docstring: what each parameter may be, from the table that checks it."""
    kinds = getattr(thing, "_kinds", None)
    if what == "class" and kinds:
        allowed = ((name, str(kind).replace("`", "")) for name, kind in kinds.items())
        lines += ["", ".. rubric:: Allowed values", ""]
        lines += [f"* ``{name}``: ``{words}``" for name, words in allowed] + [""]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", _skip_member)
    app.connect("autodoc-process-docstring", _allowed_values, priority=900)  # after numpydoc
    return {"parallel_read_safe": True}
