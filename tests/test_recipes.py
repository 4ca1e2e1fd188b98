"""The recipes of docs/development, executed: each touches one file, and what was added works everywhere by its name.

A code block of a recipe says in its caption which file it goes to. The test carries it out in a copy of the package.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import skamem

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "docs" / "development"
BLOCK = re.compile(r"\.\. code-block:: python\n +:caption: ([^\n]+)\n\n((?: +[^\n]*\n|\n)+)")

pytestmark = pytest.mark.skipif(not RECIPES.exists(), reason="only in a clone, which has the documentation")


def steps(page):
    """Pairs (file, code to add) of a recipe, in its order."""
    for caption, code in BLOCK.findall((RECIPES / page).read_text(encoding="utf-8")):
        yield re.search(r"skamem/[\w/]+\.py", caption)[0], textwrap.dedent(code)


class Tree:
    """A copy of the tree in which a recipe was carried out."""

    def __init__(self, folder, page):
        self.folder, self.touched = folder, []
        shutil.copytree(Path(skamem.__file__).parent, folder / "skamem", ignore=shutil.ignore_patterns("__pycache__"))
        for name, code in steps(page):
            ast.parse(code)
            with (folder / name).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{code}")
            self.touched.append(name)

    def run(self, *arguments):
        """Run Python in the copy; its output, or a failure that shows it."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")
        }  # not our code
        environment = {**inherited, "PYTHONPATH": os.pathsep.join(map(str, (self.folder, ROOT)))}
        done = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def ask(self, code):
        """Run a program."""
        return self.run("-c", textwrap.dedent(code))

    def test(self, name, keyword):
        """Run the tests of a module whose names have a word in them; their summary."""
        shutil.copytree(ROOT / "tests", self.folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", self.folder)
        return self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{name}", "-k", keyword)


@pytest.fixture
def tree(request, tmp_path):
    """The copy in which the recipe was carried out that the test names as its parameter."""
    return Tree(tmp_path, request.param)


def registry_table(tree, registry):
    """The table of registered names as the documentation writes it."""
    code = f"""
        import importlib.util, sys
        sys.path.insert(0, {str(ROOT / "tools")!r})
        spec = importlib.util.spec_from_file_location("reference", {str(ROOT / "docs/_ext/reference.py")!r})
        reference = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(reference)
        print(reference._registry_table(*reference.REGISTRIES[{registry!r}]))
    """
    return tree.ask(code)


@pytest.mark.parametrize("tree", ["add_a_rule.rst"], indirect=True)
class TestRule:
    def test_it_fits_by_its_name(self, tree):
        assert tree.touched == ["skamem/core/rules.py"]
        tree.ask("""
            import numpy as np
            from skamem import HopfieldNetwork
            patterns = np.random.default_rng(0).choice([-1.0, 1.0], size=(4, 200))
            network = HopfieldNetwork("clipped").fit(patterns)
            correlation = patterns.T @ patterns
            wanted = np.sign(correlation) / 200
            np.fill_diagonal(wanted, 0)
            np.testing.assert_allclose(network.weights_, wanted, atol=1e-12)
            cues = patterns * np.where(np.arange(200) % 10, 1, -1)
            np.testing.assert_array_equal(network.predict(cues), patterns)
        """)

    def test_it_is_known_to_messages_and_documentation(self, tree):
        message = tree.ask("""
            from skamem import HopfieldNetwork
            try:
                HopfieldNetwork("foo").fit([[1, -1]])
            except ValueError as error:
                print(error)
        """)
        assert "'clipped'" in message
        table = registry_table(tree, "rules")
        assert "``'clipped'``" in table
        assert "Hebb weights clipped to their signs." in table

    def test_its_capacity_and_remedy_are_said(self, tree):
        said = tree.ask("""
            import warnings
            import numpy as np
            from skamem import HopfieldNetwork
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                HopfieldNetwork("clipped").fit(np.random.default_rng(0).choice([-1.0, 1.0], size=(15, 100)))
            print(caught[0].category.__name__, caught[0].message)
        """)
        assert said.startswith("CapacityWarning")
        assert "about 10" in said
        assert "DenseMemory many more" in said

    @pytest.mark.slow
    def test_the_tests_of_all_rules_run_on_it(self, tree):
        assert re.search(r"\b(\d+) passed", tree.test("core/test_rules.py", "clipped"))


@pytest.mark.parametrize("tree", ["add_an_energy.rst"], indirect=True)
class TestEnergy:
    def test_memories_and_classifiers_take_it_by_its_name(self, tree):
        assert tree.touched == ["skamem/core/interactions.py"]
        tree.ask("""
            import numpy as np
            from sklearn.datasets import load_iris
            from skamem import DenseAMClassifier, DenseMemory
            patterns = np.random.default_rng(0).choice([-1.0, 1.0], size=(60, 100))
            memory = DenseMemory("cubic").fit(patterns)
            cues = patterns * np.where(np.arange(100) % 10, 1, -1)
            np.testing.assert_array_equal(memory.predict(cues), patterns)
            np.testing.assert_allclose(memory.energy(patterns), memory.energy(-patterns))
            raised = patterns.copy()
            raised[:, 3] *= -1
            gap = (memory.energy(raised) - memory.energy(patterns)) * patterns[:, 3] / 2
            np.testing.assert_allclose(memory.field(patterns)[:, 3], gap, rtol=1e-9)
            X, y = load_iris(return_X_y=True)
            for readout in ("linear", "exact"):
                classifier = DenseAMClassifier(20, interaction="cubic", readout=readout, random_state=0)
                assert classifier.fit(X, y).score(X, y) > 0.9
        """)

    def test_it_is_known_to_messages_and_documentation(self, tree):
        message = tree.ask("""
            from skamem import DenseMemory
            try:
                DenseMemory("foo").fit([[1, -1]])
            except ValueError as error:
                print(error)
        """)
        assert "'cubic'" in message
        table = registry_table(tree, "interactions")
        assert "``'cubic'``" in table
        assert "Third power of the magnitude" in table

    @pytest.mark.slow
    def test_the_tests_of_all_energies_run_on_it(self, tree):
        assert re.search(r"\b(\d+) passed", tree.test("core/test_interactions.py", "Cubic or cubic"))


@pytest.mark.parametrize("tree", ["add_a_memory.rst"], indirect=True)
class TestMemory:
    def test_one_file_and_one_export_make_a_memory_of_sequences(self, tree):
        assert tree.touched == ["skamem/memory/_successor.py", "skamem/__init__.py"]
        length = len((tree.folder / tree.touched[0]).read_text(encoding="utf-8").strip().splitlines())
        assert length <= 40
        tree.ask("""
            import numpy as np, pickle
            from sklearn import config_context
            from sklearn.exceptions import NotFittedError
            from skamem import SuccessorMemory
            patterns = np.random.default_rng(0).choice([-1.0, 1.0], size=(4, 200))
            memory = SuccessorMemory().fit(patterns)
            following = np.roll(patterns, -1, axis=0)
            cues = patterns * np.where(np.arange(200) % 10, 1, -1)
            np.testing.assert_array_equal(memory.predict(cues), following)
            np.testing.assert_array_equal(memory.transform(cues), following)
            assert memory.score(cues, following) == 1.0
            gaps = np.where(np.arange(200) % 5 == 0, np.nan, patterns)
            np.testing.assert_array_equal(memory.predict(gaps), following)
            tour = memory.set_params(n_recall_steps=20).recall(cues)
            assert set(tour.cycle_length) == {4} and not tour.converged.any()
            alone = [memory.recall(row[None, :]).states[0] for row in cues]
            np.testing.assert_array_equal(alone, tour.states)
            with config_context(working_memory=0.001):
                np.testing.assert_array_equal(memory.recall(cues).states, tour.states)
            assert not hasattr(memory, "energy") and not hasattr(SuccessorMemory(), "energy")
            np.testing.assert_allclose(memory.field(cues), cues @ (patterns.T @ following) / 200)
            np.testing.assert_array_equal(pickle.loads(pickle.dumps(memory)).predict(cues), memory.predict(cues))
            held = memory.recall(cues, clamped=np.arange(200) < 7).states
            np.testing.assert_array_equal(held[:, :7], cues[:, :7])
            try:
                memory.set_params(coding="foo").fit(patterns)
            except ValueError as error:
                assert "coding='foo'" in str(error)
        """)

    @pytest.mark.slow
    def test_it_is_an_estimator_with_callbacks_on_every_backend(self, tree):
        tree.ask("""
            import os
            os.environ["SCIPY_ARRAY_API"] = "1"
            import numpy as np
            from sklearn import config_context
            from sklearn.utils.estimator_checks import check_estimator
            from skamem import SuccessorMemory
            from skamem.core.callbacks import CALLBACKS_AVAILABLE
            check_estimator(SuccessorMemory(), on_skip=None)
            patterns = np.random.default_rng(0).choice([-1.0, 1.0], size=(4, 50))
            expected = SuccessorMemory().fit(patterns).predict(patterns)
            try:
                import torch
            except ImportError:
                torch = None
            if torch:
                found = SuccessorMemory(backend="torch").fit(patterns).predict(patterns)
                np.testing.assert_array_equal(found, expected)
                with config_context(array_api_dispatch=True):
                    found = SuccessorMemory().fit(torch.asarray(patterns)).predict(torch.asarray(patterns))
                assert isinstance(found, torch.Tensor)
                np.testing.assert_array_equal(found.numpy(), expected)
            try:
                import array_api_strict as strict
            except ImportError:
                strict = None
            if strict:
                with config_context(array_api_dispatch=True):
                    X = strict.asarray(patterns)
                    found = SuccessorMemory().fit(X).predict(X)
                assert found.__array_namespace__() is strict
                np.testing.assert_array_equal(np.from_dlpack(found), expected)
            if CALLBACKS_AVAILABLE:
                from sklearn.callback import ProgressBar
                SuccessorMemory().set_callbacks(ProgressBar()).fit(patterns)
        """)


def test_every_recipe_is_carried_out_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert {page.name for page in RECIPES.glob("add_*.rst")} <= set(re.findall(r'"(add_\w+\.rst)"', source))
    assert all(list(steps(page.name)) for page in RECIPES.glob("add_*.rst"))
