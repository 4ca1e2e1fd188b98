"""Dask, when it is needed: what runs a graph, and where."""

import importlib
import os
import sys

__all__ = ["Runner", "import_dask", "is_recipe", "run_on_one_thread"]

from skamem.core.threads import limited_threads
from skamem.core.validation import type_of


def import_dask(name="dask"):
    """A module of Dask; an error that says how to install it where it is missing.

    Parameters
    ----------
    name : str, default="dask"
        "dask", "dask.array" and so on.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        With the install line.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"skamem.distributed needs {name}, which is not installed; install it with `pip install 'skamem[dask]'`."
        ) from error


def is_recipe(value):
    """Whether a value is Dask's word for one that is still to be computed, or lies on a worker: Delayed or Future."""
    return hasattr(value, "__dask_graph__") or type(value).__module__.partition(".")[0] == "distributed"


def run_on_one_thread(function, /, *args, **kwargs):
    """``function(*args, **kwargs)`` with one thread of the BLAS: Dask gives each core a task."""
    with limited_threads(1):
        return function(*args, **kwargs)


class Runner:
    """Runs graphs: on the given client, else where ``dask.compute`` would.

    Parameters
    ----------
    client : distributed.Client or None
        None takes the current client, or Dask's own scheduler of threads where there is none.

    Raises
    ------
    TypeError
        For what is no client.
    """

    def __init__(self, client=None):
        self._dask = import_dask()
        if client is not None and not (hasattr(client, "compute") and hasattr(client, "nthreads")):
            raise TypeError(
                f"client is {type_of(client)}; expected a dask.distributed.Client, such as Client('tcp://host:8786'), "
                "or None."
            )
        if client is None and "distributed" in sys.modules:
            client = self._current_client()
        self.client = client

    @staticmethod
    def _current_client():
        try:
            return sys.modules["distributed"].get_client()
        except ValueError:  # there is none
            return None

    @property
    def n_slots(self):
        """How many tasks run at a time."""
        if self.client is None:
            return os.cpu_count() or 1
        return max(1, sum(self.client.nthreads().values()))

    def task(self, function, /, *args, **kwargs):
        """A task, to be run on one thread of the BLAS; arguments may be other tasks."""
        # pure=False: to make a key of the contents of blocks would read all of them.
        return self._dask.delayed(run_on_one_thread, pure=False)(function, *args, **kwargs)

    def value(self, value):
        """A value that several tasks take: it travels to each worker once."""
        return self._dask.delayed(value, pure=False)

    def start(self, task):
        """Set a task going; `result` waits for it."""
        if self.client is None:
            return self._dask.compute(task)[0]
        with self._dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            # A block in the graph is meant: it is sent again if its worker dies.
            return self.client.compute(task)

    def results(self, tasks):
        """What several tasks give."""
        if self.client is None:
            return list(self._dask.compute(*tasks))
        with self._dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            return self.client.gather(self.client.compute(tasks))

    def held(self, tasks):
        """Several tasks, whose results stay where they were computed, as arguments of further ones."""
        if self.client is None:
            return [self.value(result) for result in self._dask.compute(*tasks)]
        with self._dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            return self.client.compute(tasks)

    def result(self, started):
        """What a task gave."""
        return started if self.client is None else started.result()
