"""Two workers; what Dask warns of that is none of our business."""

import contextlib

import dask
import pytest


@contextlib.contextmanager
def two_workers(**options):
    """A client of two workers with a thread each, which nobody takes who is not told to."""
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": "CRITICAL"} | options
    with (
        # A worker in this process may become its default client; what is set here is as before afterwards.
        dask.config.set({"distributed.scheduler.allowed-failures": 10, "scheduler": None}),
        LocalCluster(**options) as workers,
        Client(workers, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    """Two workers in this process: they start at once."""
    with two_workers(processes=False) as client:
        yield client


@pytest.fixture(scope="module")
def cluster():
    """Two workers in processes of their own, which import all they need: seconds."""
    with two_workers(processes=True) as client:
        yield client
