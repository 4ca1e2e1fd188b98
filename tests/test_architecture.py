"""The shape of the repository: who may name what, what is exported, what is tested.

Which floor may import which is a contract in pyproject.toml that import-linter keeps.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import skamem

TESTS = Path(__file__).parent
PACKAGE = Path(skamem.__file__).parent
MODULES = sorted(info.name for info in pkgutil.walk_packages(skamem.__path__, "skamem."))
PUBLIC = ["skamem", *(name for name in MODULES if not name.rpartition(".")[2].startswith("_"))]
BACKENDS = {"array_api_compat", "array_api_extra", "array_api_strict", "cupy", "cupyx", "dask", "jax", "torch"}
LAZY = {"cupy", "dask", "distributed", "jax", "matplotlib", "pandas", "rich", "skops", "torch"}  # optional packages
HOST_FLOORS = ("core", "memory")  # where NumPy may not compute: data there may live on a device
MIXED = {
    "core.arrays",
    "core.columns",
    "core.likeness",
    "core.parameters",
    "core.validation",
    "memory._binary_weights",
}  # ... but at the door, and for host-only storage
MIXED |= {"memory._bandwidth", "memory._imputation"}  # ... and these, for scalars and names
CROSS_CUTTING = {
    "architecture",
    "backends",
    "callbacks",
    "devices",
    "estimators",
    "fake_cupy",
    "fuzz",
    "joblib",
    "laws",
    "magnitudes",
    "masked_arrays",
    "moving",
    "papers",
    "parameters",
    "precision",
    "readme",
    "recipes",
    "row_independence",
    "traffic",
    "working_memory",
}
UNTESTED = {"exceptions"}  # no code


def source_of(name):
    return Path(inspect.getsourcefile(importlib.import_module(name)))


def imports(tree):
    """Names of the modules that a syntax tree imports, with those imported by ``importlib.import_module``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module, node
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((argument.value, node) for argument in node.args if isinstance(argument, ast.Constant))


@pytest.mark.parametrize("name", MODULES)
def test_only_core_arrays_names_a_backend(name):
    named = {module.partition(".")[0] for module, _ in imports(ast.parse(source_of(name).read_text()))}
    schedules = {"dask"} if package_of(name) == "distributed" else set()
    assert name == "skamem.core.arrays" or not named & (BACKENDS - schedules)


@pytest.mark.parametrize("name", ["skamem", *MODULES])
def test_optional_packages_are_not_imported_with_the_module(name):
    tree = ast.parse(source_of(name).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    at_import = {module.partition(".")[0] for module, node in imports(tree) if id(node) not in inside}
    assert not at_import & LAZY


@pytest.mark.parametrize(
    "name", [name for name in MODULES if name.split(".")[1] in HOST_FLOORS and name.partition(".")[2] not in MIXED]
)
def test_numpy_does_not_compute_where_data_may_be_on_a_device(name):
    tree = ast.parse(source_of(name).read_text())
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used = {name for name in attributes if name.startswith("np.")}
    assert used <= {"np.linalg", "np.linalg.LinAlgError"}


def package_of(name):
    return name.split(".")[1]


@functools.cache
def private_members():
    """The packages in which a class has a private member of a name: method, class attribute, or what is set on self."""
    packages = {}
    for name in MODULES:
        for kind in (
            node for node in ast.walk(ast.parse(source_of(name).read_text())) if isinstance(node, ast.ClassDef)
        ):
            body = [getattr(target, "id", "") for node in kind.body for target in getattr(node, "targets", ())]
            body += [node.target.id for node in kind.body if isinstance(node, ast.AnnAssign)]
            body += [node.name for node in kind.body if isinstance(node, ast.FunctionDef)]
            body += [
                node.attr
                for node in ast.walk(kind)
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            ]
            for member in body:
                if member.startswith("_") and not member.startswith("__"):
                    packages.setdefault(member, set()).add(package_of(name))
    return packages


def private_reads(tree):
    """Private attributes that are read of something else than self, also by a constant name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls", "super()"):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr"):
            yield from (argument.value for argument in node.args[1:2] if isinstance(argument, ast.Constant))


# What their estimators make public is what core.base gives.
ESTIMATOR_PACKAGES = {
    "impute",
    "memory",
    "sparse",
    "preprocessing",
    "supervised",
    "generative",
    "structures",
}  # theirs is what core.base gives


@pytest.mark.parametrize("name", [name for name in MODULES if package_of(name) != "core"])
def test_nobody_reads_what_is_private_to_another_package(name):
    packages = private_members()
    own = {package_of(name)} | ({"core"} if package_of(name) in ESTIMATOR_PACKAGES else set())
    read = set(private_reads(ast.parse(source_of(name).read_text())))
    assert {member for member in read if packages.get(member, own).isdisjoint(own)} == set()


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "skamem.core"])
def test_all_is_complete_and_sorted(name):
    module = importlib.import_module(name)
    exported = module.__all__
    assert len(set(exported)) == len(exported)
    assert exported == sorted(exported, key=lambda entry: (not entry.isupper(), not entry[0].isupper(), entry))
    assert all(hasattr(module, entry) for entry in exported)
    defined = {
        entry
        for entry, value in vars(module).items()
        if not entry.startswith("_") and getattr(value, "__module__", None) == name
    }
    assert defined <= set(exported)


def test_every_estimator_is_exported_flat():
    classes = {
        entry
        for name in PUBLIC
        for entry in getattr(importlib.import_module(name), "__all__", ())
        if hasattr(getattr(importlib.import_module(name), entry), "get_params") and not name.startswith("skamem.core")
    }
    assert classes == {entry for entry in skamem.__all__ if isinstance(getattr(skamem, entry), type)}
    assert not any(inspect.isabstract(getattr(skamem, entry)) for entry in classes)


def test_every_public_name_has_a_docstring():
    for name in PUBLIC:
        module = importlib.import_module(name)
        assert module.__doc__
        for entry in getattr(module, "__all__", ()):
            if callable(getattr(module, entry)):
                assert inspect.getdoc(getattr(module, entry)), f"{name}.{entry}"


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_short_enough_to_read(name):
    assert len(source_of(name).read_text().splitlines()) <= 450


def test_every_test_module_mirrors_a_module():
    there = {name.removeprefix("skamem.").replace("._", ".").lstrip("_") for name in MODULES}
    for path in TESTS.rglob("test_*.py"):
        subject = path.stem.removeprefix("test_")
        mirrored = ".".join([*path.parent.relative_to(TESTS).parts, subject])
        assert mirrored in there or subject in CROSS_CUTTING, (
            f"{path} mirrors no module: rename it, or name it in CROSS_CUTTING"
        )


def test_every_public_module_of_functions_is_mirrored():
    for name in PUBLIC:
        path = name.split(".")[1:]
        if hasattr(importlib.import_module(name), "__path__") or name.partition(".")[2] in UNTESTED:
            continue
        assert TESTS.joinpath(*path[:-1], f"test_{path[-1]}.py").exists(), f"{name} has no test module"


def test_the_version_is_one():
    from importlib.metadata import PackageNotFoundError, version

    try:
        assert version("skamem") == skamem.__version__
    except PackageNotFoundError:
        pytest.skip("skamem is not installed, it runs from its folder")
