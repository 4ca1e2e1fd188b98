"""What the data choose: weight decay and input noise, by small memories that train side by side on a part of the rows.

A candidate is a pair of a decay and a share of the noise. For every candidate and every fold of the rows one small
memory is trained on the other folds; all of them are one stack of arrays, so that an update of thirty costs little more
than one of a usual memory. What they answer on the rows they did not see, decides.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.rows import Rows
from skamem.core.threads import product_threads
from skamem.supervised.dense._defaults import (
    BRIEF_DECAY,
    BRIEF_LOSS,
    CHOICE_DECAY_GAIN,
    CHOICE_DECAYS,
    CHOICE_FOLDS,
    CHOICE_HELD,
    CHOICE_MEMORIES,
    CHOICE_NOISE_GAIN,
    CHOICE_NOISES,
    CHOICE_NUMBERS,
    CHOICE_RATE,
    CHOICE_ROWS,
    CHOICE_UPDATES,
    MOST_CHOICE_ROWS,
    auto_decay,
)
from skamem.supervised.dense._network import Memories
from skamem.supervised.dense._readouts import linear_readout
from skamem.supervised.dense._scaling import StandardRows, TrainingSet
from skamem.training import NoisePool, batch_count, cosine_schedule, fold_numbers, shuffled_batches

__all__ = ["Choice", "choose"]

# Batches of noise that are drawn for a stack; they are read at random places.
_NOISE_BATCHES = 40


@dataclass(frozen=True)
class Choice:
    """What the rows chose.

    Parameters
    ----------
    weight_decay : float
        λ.
    noise_share : float
        What multiplies the automatic noise.
    brief : bool
        Whether half of the usual updates will do.
    credence : ndarray of shape (n_decays,)
        What speaks for each decay of `CHOICE_DECAYS`; together 1.
    """

    weight_decay: float
    noise_share: float
    brief: bool
    credence: Any

    def decays(self, n_groups):
        """A decay for each group of memories, as many of each as its credence says; the chosen one for a single group.

        Rows held back seldom tell the best decay from the next: several groups answer for the doubt.
        """
        if n_groups == 1:
            return (self.weight_decay,)
        shares = np.cumsum(self.credence) - 1e-9
        middles = (np.arange(n_groups) + 0.5) / n_groups
        return tuple(CHOICE_DECAYS[i] for i in np.minimum(np.searchsorted(shares, middles), len(CHOICE_DECAYS) - 1))


def choose(recipe, data, loss, batch_size, n_updates):
    """Weight decay and share of the noise that answer best on rows held back, or None where the rule must do.

    Parameters
    ----------
    recipe : AdamRecipe
        How the memories will be trained.
    data : TrainingSet
        On what.
    loss : object
        What falls in training, with `value_and_slope`, and decides on rows held back, with `held`.
    batch_size, n_updates : int
        Of the training.

    Returns
    -------
    choice : Choice or None
        None where the training is too short to tell, with too few or very many rows, with `adversarial` moves, with an
        interaction without curvature, or where nothing finite came out.

    Notes
    -----
    Computed on the host in float32 and from a seed of its own: every backend and every `random_state` choose alike.
    Cost: 300 updates of 64 memories for each of 5 decays and 2 smaller shares of the noise, times the folds; where less
    noise is better, 5 decays once more.
    """
    n_seen = len(data)
    n_rows = min(n_seen, CHOICE_ROWS, CHOICE_NUMBERS // data.rows.n_features)
    if not _can_tell(recipe, data, n_rows, n_updates):
        return None
    random_state = np.random.RandomState(0)
    data = _host_sample(data, n_rows, random_state)
    recipe = dataclasses.replace(
        recipe,
        n_memories=min(recipe.n_memories, CHOICE_MEMORIES),
        n_groups=1,
        weight_decay=0.0,
        # Few updates must show what many will come to: overfitting, most of all.
        learning_rate=CHOICE_RATE * recipe.rate,
    )
    trial = _Trial(recipe, data, loss, int(batch_size), random_state.randint(2**31))
    usual = int(np.argmin(np.abs(np.log(CHOICE_DECAYS) - np.log(auto_decay(n_seen)))))
    return _chosen(trial, usual, CHOICE_NOISES if recipe.noise == "auto" else ())


def _chosen(trial, usual, shares):
    """Choice among the decays, of which one is the usual, and these shares of the noise; None where all diverge."""
    candidates = [(decay, 1.0) for decay in CHOICE_DECAYS] + [(CHOICE_DECAYS[usual], share) for share in shares]
    losses, less_noise = np.split(trial.losses(candidates), [len(CHOICE_DECAYS)])
    if not np.any(np.isfinite(losses.mean(axis=1))):
        return None
    best, share, rivals = _best_decay(losses, usual), 1.0, losses
    least, candidate, found = losses[best], 1.0, losses[usual]
    for less, row_losses in zip(shares, less_noise, strict=True):
        if _clearly_better(row_losses, found, CHOICE_NOISE_GAIN):
            candidate, found = less, row_losses
    if candidate < 1:
        # Noise and decay do the same work in part: with less of one more of the other may be right.
        losses = trial.losses([(decay, candidate) for decay in CHOICE_DECAYS])
        other = _best_decay(losses, usual)
        if _clearly_better(losses[other], least, CHOICE_NOISE_GAIN):
            best, share, least, rivals = other, candidate, losses[other], losses
    brief = CHOICE_DECAYS[best] >= BRIEF_DECAY or least.mean() < BRIEF_LOSS
    return Choice(CHOICE_DECAYS[best], share, brief=bool(brief), credence=_credence(rivals, best))


def _credence(losses, best):
    """What speaks for each decay against the one taken: exp(-excess of its loss in standard errors), 1 at most."""
    with np.errstate(all="ignore"):  # some may have diverged
        excess = losses - losses[best]
        mean, error = excess.mean(axis=1), excess.std(axis=1) / losses.shape[1] ** 0.5
        credence = np.where(mean > 0, np.exp(-mean / error), 1.0 * np.isfinite(mean))
    credence[best] = 1.0
    credence[~np.isfinite(credence)] = 0.0
    return credence / credence.sum()


def _best_decay(losses, usual):
    """Index of the decay that is best if it is clearly better than the usual one, else of the latter."""
    best = int(np.nanargmin(losses.mean(axis=1)))
    return best if _clearly_better(losses[best], losses[usual], CHOICE_DECAY_GAIN) else usual


def _clearly_better(losses, usual, least_gain):
    """Whether losses, row by row, are below those of what has served everywhere: by this much and a standard error."""
    gain = usual - losses
    # What the usual one loses may be infinite, or not a number; a candidate's own losses may not.
    return bool(np.isfinite(losses.mean())) and not gain.mean() <= max(least_gain, gain.std() / len(gain) ** 0.5)


def _can_tell(recipe, data, n_rows, n_updates):
    return (
        recipe.adversarial == 0
        and n_updates >= CHOICE_UPDATES
        and len(data) <= MOST_CHOICE_ROWS
        and n_rows >= 2 * CHOICE_FOLDS
        and callable(getattr(recipe.interaction, "curvature", None))
    )


def _host_sample(data, n_rows, random_state):
    """Some rows of a training set, on the host in float32."""
    chosen = np.sort(random_state.permutation(len(data))[:n_rows])
    values = arrays.to_numpy(data.rows.take(chosen)).astype(np.float32)
    place = arrays.placement_of(values)
    offset = np.zeros(values.shape[1], dtype=np.float32)
    return TrainingSet(
        StandardRows(Rows(values, place, values.dtype), offset, offset + 1),
        data.codes[chosen],
        arrays.to_numpy(data.targets)[chosen].astype(np.float32),
        arrays.to_numpy(data.weights)[chosen].astype(np.float32),
        data.signs,
    )


class _Trial:
    """Candidates on the rows of one training set, from the same first memories, through the same batches."""

    def __init__(self, recipe, data, loss, batch_size, seed):
        self._recipe, self._data, self._loss = recipe, data, loss
        self._n_batches, self._seed = batch_count(len(data), batch_size), seed
        self._noise = recipe.noise_level(data, np.random.RandomState(seed))
        self._folds = fold_numbers(data.codes, CHOICE_FOLDS, np.random.RandomState(seed))
        # A third of many rows says as much as three thirds of few.
        self._n_held = min(CHOICE_FOLDS, max(1, -(-CHOICE_HELD * CHOICE_FOLDS // len(data))))
        n_outputs = data.targets.shape[1]
        self._readout = linear_readout(recipe.interaction, n_outputs, np, np.dtype(np.float32))

    def losses(self, candidates):
        """Weighted loss of each row held back, by candidate; shape (n_candidates, n_rows_held), rows as they weigh."""
        with product_threads(1, np), np.errstate(all="ignore"):
            memories = self._trained(candidates)
            found = [
                np.concatenate([self._held(memories, i * self._n_held + fold, fold) for fold in range(self._n_held)])
                for i in range(len(candidates))
            ]
        return np.stack(found)

    def _held(self, memories, which, fold):
        held = np.flatnonzero(self._folds == fold)
        data = self._data
        overlaps = data.rows.take(held) @ memories.visible[which].T + memories.bias[which]
        potentials = self._readout.potentials(overlaps, memories.recognition[which])
        losses = self._loss.held(potentials, data.targets[held])
        return losses.astype(np.float64) * data.weights[held]

    def _trained(self, candidates):
        """Memories of every candidate and fold, stacked, after their updates."""
        random_state, data = np.random.RandomState(self._seed), self._data
        optimizer = self._recipe.begin(data, random_state)
        first = Memories(**optimizer.parameters)
        n_stacked = len(candidates) * self._n_held
        parts = first.visible, first.bias[None, :], first.recognition
        stacked = Memories(*(np.repeat(part[None], n_stacked, axis=0) for part in parts))
        optimizer = self._recipe.resume(stacked, optimizer.temperature, masks=optimizer.masks)
        decays, shares = (
            np.repeat(np.asarray(v, np.float32), self._n_held)[:, None, None] for v in zip(*candidates, strict=True)
        )
        weights = np.stack([data.weights * (self._folds != fold) for fold in range(self._n_held)])
        weights /= weights.mean(axis=1, keepdims=True)
        weights = np.tile(weights, (len(candidates), 1))
        largest = -(-len(data) // self._n_batches)
        noise = NoisePool(
            self._noise, _NOISE_BATCHES, largest, data.rows.n_features, data.rows.placement, np.float32, random_state
        )
        step, rate = 0, self._recipe.rate
        while step < CHOICE_UPDATES:
            for index in shuffled_batches(len(data), self._n_batches, random_state):
                factor = cosine_schedule(step, CHOICE_UPDATES)
                rows = _noisy(data.rows.take(index), noise, shares)
                gradients = self._gradients(rows, data.targets[index], weights[:, index], optimizer.parameters)
                keep = 1 - rate * factor * decays
                optimizer.parameters["visible"] *= keep
                optimizer.parameters["recognition"] *= keep
                optimizer.step(gradients, factor)
                step += 1
                if step == CHOICE_UPDATES:
                    break
        return Memories(**optimizer.parameters)

    def _gradients(self, rows, targets, weights, parameters):
        """Gradients of the stack, by the names of its arrays; see `Network.gradients`."""
        memories, weights = Memories(**parameters), weights / len(targets)
        overlaps = rows @ np.matrix_transpose(memories.visible)
        overlaps += memories.bias

        def signal(potentials):
            return self._loss.value_and_slope(potentials, targets, weights)[1]

        d_overlaps, d_recognition = self._readout.gradients(overlaps, memories.recognition, signal)
        return {
            "visible": np.matrix_transpose(d_overlaps) @ rows,
            "bias": np.sum(d_overlaps, axis=1, keepdims=True),
            "recognition": d_recognition,
        }


def _noisy(rows, noise, shares):
    """Rows with noise: one batch for the whole stack where all take the same share, else one for each."""
    if np.all(shares == 1):
        noise.add_to(rows)
        return rows
    added = np.zeros_like(rows)
    noise.add_to(added)
    return rows + shares * added
