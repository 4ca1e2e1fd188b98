"""Where recall ends: with the whole story for memories that tell it, with the last states alone for all others."""

from dataclasses import dataclass

import numpy as np

from skamem.analysis._probing import on_host

__all__ = ["Endings", "endings", "has_energy", "limited"]


@dataclass(frozen=True, eq=False)
class Endings:
    """What a memory made of cues, on the host.

    Parameters
    ----------
    states : ndarray of shape (n_cues, ...)
        Last states; whatever `predict` gives.
    cycle_length : int ndarray of shape (n_cues,) or None
        As in `Recall`; None for memories that have only `predict`.
    n_steps : int ndarray of shape (n_cues,) or None
        Likewise.
    inputs : ndarray of shape (n_cues, n_units) or None
        The other halves, where pairs are recalled.
    """

    states: np.ndarray
    cycle_length: np.ndarray | None = None
    n_steps: np.ndarray | None = None
    inputs: np.ndarray | None = None

    def energy(self, memory, place):
        """Energies of the last states (n_cues,), for memories that have them.

        Parameters
        ----------
        memory : object
            With `energy`.
        place : InputPlace
            How it expects its input.

        Returns
        -------
        energy : ndarray of shape (n_cues,)
        """
        halves = [self.states] if self.inputs is None else [self.inputs, self.states]
        return on_host(memory.energy(*map(place.asarray, halves)))


def endings(memory, cues, place):
    """Ask a memory for the whole story if it has a `recall` that tells it, else for its prediction.

    Parameters
    ----------
    memory : object
        Anything fitted with `predict`.
    cues : ndarray of shape (n_cues, n_units)
        Cues.
    place : InputPlace
        How the memory expects its input.

    Returns
    -------
    endings : Endings
    """
    cues = place.asarray(cues)
    story = memory.recall(cues) if callable(getattr(memory, "recall", None)) else None
    if not hasattr(story, "cycle_length"):
        return Endings(on_host(memory.predict(cues)))
    inputs = getattr(story, "inputs", None)
    return Endings(
        on_host(story.states),
        on_host(story.cycle_length),
        on_host(story.n_steps),
        None if inputs is None else on_host(inputs),
    )


def limited(memory, n_steps):
    """The same memory, sharing what it learnt, with another number of steps.

    Parameters
    ----------
    memory : object
        With `n_recall_steps`.
    n_steps : int
        Steps at most.

    Returns
    -------
    memory : object
        Of the same type.
    """
    # Not copy.copy, which asks for the state to be saved: that brings arrays home from their device.
    other = object.__new__(type(memory))
    other.__dict__.update(memory.__dict__, n_recall_steps=n_steps)
    return other


def has_energy(memory):
    """Whether the memory, as it is set up, has an energy."""
    return callable(getattr(memory, "energy", None))
