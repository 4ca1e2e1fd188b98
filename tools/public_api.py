"""What is public in skamem: one definition for the docstring check and for the API reference."""

import importlib
import inspect
import pkgutil


def public_modules(root="skamem"):
    """Names of the importable modules without a leading underscore in any part, `root` first."""
    package = importlib.import_module(root)
    yield root
    for module in pkgutil.walk_packages(package.__path__, prefix=f"{root}."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def public_names(module):
    """Classes and functions a module offers: its `__all__`, or else what it defines without a leading underscore."""
    defined = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return [name for name in getattr(module, "__all__", defined) if _is_ours(getattr(module, name), module)]


def public_objects(root="skamem"):
    """Pairs (name users import, module that groups it), every object once.

    What `root` offers is known by its flat name, `skamem.HebbianMemory`, and grouped with the deepest public module
    that offers it and holds its code, `skamem.memory`. An object that `root` does not offer is named after that module,
    also where another one passes it on: `skamem.metrics.exact_recall_score`.
    """
    found = {}
    for module_name in public_modules(root):
        module = importlib.import_module(module_name)
        for name in public_names(module):
            places = found.setdefault(getattr(module, name), [])
            places.append((module_name, name))
    for value, places in found.items():
        at_home = [place for place in places if f"{value.__module__}.".startswith(f"{place[0]}.")]
        group, name = (at_home or places)[-1]
        if places[0][0] == root:
            yield f"{root}.{places[0][1]}", group
        else:
            yield f"{group}.{name}", group


def _is_ours(value, module):
    """Whether a class or a function was written in the package that offers it: others document their own."""
    home = (getattr(value, "__module__", None) or "").split(".")[0]
    return home == module.__name__.split(".")[0] and (inspect.isclass(value) or inspect.isroutine(value))
