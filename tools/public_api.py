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
    that offers it, `skamem.memory`. An object that `root` does not offer keeps the name of the shallowest module.
    """
    found = {}
    for module_name in public_modules(root):
        module = importlib.import_module(module_name)
        for name in public_names(module):
            places = found.setdefault(getattr(module, name), [])
            places.append((module_name, name))
    for places in found.values():
        (module, name), group = places[0], places[-1][0]
        yield f"{module}.{name}", group


def _is_ours(value, module):
    """Whether a class or a function was written in the package that offers it: others document their own."""
    home = (getattr(value, "__module__", None) or "").split(".")[0]
    return home == module.__name__.split(".")[0] and (inspect.isclass(value) or inspect.isroutine(value))
