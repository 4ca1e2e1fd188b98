"""What the estimators made of one area of neurons share: its graph, its stimuli, and recall."""

from abc import ABC
from numbers import Real
from typing import ClassVar

import numpy as np
import scipy.sparse
from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core.merging import IncrementalEstimator
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Kind, Options, RandomState, plain
from skamem.core.rows import Rows
from skamem.structures._areas import Path, Plasticity, fire_most, received, recur, run
from skamem.structures._synapses import CEILING, DenseSynapses, SparseSynapses, draw_synapses, synapses_at

__all__ = ["BaseAssembly", "default_p"]

_GOOD_FAN_IN = 24.0  # synapses from an assembly to a neuron: that half of them stand out against chance
_LEVELS = 2.0**12  # of graded stimuli, so that their sums are exact too
_SYNAPSE_BYTES = 40  # work arrays for each synapse of a neuron that fires
_NEURON_BYTES = 64  # ... and for each neuron of a row


def default_p(n_active):
    """Probability of a synapse at which an assembly reaches each neuron by 24 synapses, but at most 1/2."""
    return min(0.5, _GOOD_FAN_IN / n_active)


class BaseAssembly(IncrementalEstimator, ABC):
    """Abstract base: an area of neurons that stimuli fire into."""

    _anchor = "weight_sums_"
    # Of the graph, and of what fires in it; how synapses grow from now on is no such thing.
    _learning_parameters = ("n_neurons", "n_active", "p", "homeostasis", "binarize")
    _parameters: ClassVar[dict[str, Kind]] = {
        "n_neurons": COUNT,
        "n_active": COUNT | Options("auto"),
        "p": Interval(Real, low=0, high=1) | Options("auto"),
        "beta": Interval(Real, low=0),
        "n_rounds": COUNT,
        "max_weight": Interval(Real, low=1) | None,
        "homeostasis": BOOLEAN,
        "binarize": Interval(Real) | None,
        "random_state": RandomState(),
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True  # an input of which nothing is known does not fire
        tags.input_tags.positive_only = self.binarize is None
        return tags

    def _largest_product(self, data):
        """None on the host, where synapses are looked up; dense ones are multiplied where threads are another's."""
        return 0

    def _check_parameters(self):
        super()._check_parameters()
        if self.n_active != "auto" and self.n_active > self.n_neurons:
            raise ValueError(
                f"n_active={self.n_active} neurons cannot fire in an area of n_neurons={self.n_neurons}; expected "
                "n_active <= n_neurons, or 'auto', the square root."
            )

    # ------------------------------------------------------------------ the area

    def _draw_area(self, n_inputs, placement):
        """Synapses of a new area, (from the inputs, from its own neurons), and the numbers that say how they are."""
        rng = check_random_state(self.random_state)
        n_neurons = self._size = int(self.n_neurons)
        self.n_active_ = max(1, round(n_neurons**0.5)) if self.n_active == "auto" else int(self.n_active)
        self.p_ = default_p(self.n_active_) if self.p == "auto" else float(self.p)
        afferent = draw_synapses(rng, n_inputs, n_neurons, self.p_, placement)
        return afferent, draw_synapses(rng, n_neurons, n_neurons, self.p_, placement, loops=False)

    def _area(self):
        """Synapses as they were fitted; not to be changed."""
        return tuple(map(_synapses_of, (self._afferent, self._recurrent)))

    @staticmethod
    def _area_state(afferent, recurrent):
        """Fitted attributes that hold the synapses."""
        return {
            "_afferent": afferent.parts(),
            "_recurrent": recurrent.parts(),
            "weight_sums_": recurrent.incoming,
        }

    def _moved(self, backend, placement):
        moved = super()._moved(backend, placement)
        if "weight_sums_" in moved:
            moved |= self._area_state(*(synapses_at(placement, synapses) for synapses in self._area()))
        return moved

    def _plasticity(self):
        most = CEILING if self.max_weight is None else min(CEILING, float(self.max_weight))
        return Plasticity(float(self.beta), most, bool(self.homeostasis))

    @property
    def input_weights_(self):
        """Weights of the synapses from the inputs: csr in host memory, dense elsewhere."""
        return self._area()[0].matrix()

    @property
    def recurrent_weights_(self):
        """Weights of the synapses among the neurons of the area: csr in host memory, dense elsewhere."""
        return self._area()[1].matrix()

    # ------------------------------------------------------------------ stimuli

    def _receive_stimuli(self, X, *, reset, method=None):
        """Validated rows of X where the user had them, and where to compute."""
        X, placement = self._receive(X, reset=reset, method=method, accept_sparse="csr", ensure_all_finite="allow-nan")
        if self.binarize is None:
            values = X.data if scipy.sparse.issparse(X) else X
            xp = arrays.namespace(values)
            if bool(xp.any(values < 0)):
                raise ValueError(
                    f"Negative values in data passed to {type(self).__name__}: found {float(xp.min(values)):.3g}, but "
                    "with binarize=None values say how strongly inputs fire; expected values >= 0. Scale X, to [0, 1] "
                    "say, or give a number to binarize at."
                )
        return X, placement

    def _stimuli(self, X, placement, n_firing):
        """Yield (slice, who fires at the inputs, how loud) for blocks of rows of `X`.

        A stimulus drives the area as strongly as `n_firing` neurons would, however many of its inputs are active.
        """
        n_inputs = int(np.diff(X.indptr).max()) if scipy.sparse.issparse(X) else X.shape[1]
        row_bytes = _NEURON_BYTES * X.shape[1] + self._row_bytes(n_inputs, placement)
        for rows, block in Rows(X, placement, dtype=placement.dtype).blocks(row_bytes):
            yield rows, *self._fired(block, n_firing)

    def _one_by_one(self, X, placement):
        """Stimuli one at a time, and how loud each is."""
        for _, firing, loud in self._stimuli(X, placement, self.n_active_):
            for row in range(firing.shape[0]):
                yield firing[row : row + 1, :], loud[row : row + 1, :]

    def _row_bytes(self, n_inputs, placement):
        """Bytes of work arrays of a row of which so many inputs may be active."""
        n_firing = n_inputs + self.n_active_ if arrays.host_checks_are_free(placement.xp) else 0
        return int(self._size * (_NEURON_BYTES + _SYNAPSE_BYTES * n_firing * self.p_))

    def _fired(self, block, n_firing):
        xp = arrays.namespace(block)
        if self.binarize is not None:
            firing = block > plain(self.binarize)  # not true of NaN
            total = xp.count_nonzero(firing, axis=1, keepdims=True)
            total = xp.astype(total, arrays.widest_float(block))
        else:
            known = xp.astype(xp.where(xp.isnan(block), xp.zeros_like(block), block), arrays.widest_float(block))
            most = xp.max(known, axis=1, keepdims=True)
            firing = xp.round(known / xp.where(most > 0, most, xp.ones_like(most)) * _LEVELS) / _LEVELS
            total = xp.sum(firing, axis=1, keepdims=True)
        return firing, n_firing / xp.where(total > 0, total, xp.ones_like(total))

    # ------------------------------------------------------------------ what neurons do

    def _project(self, area, firing, loud, before):
        """Learn a stimulus of one row: who fires in the area after each round until rest."""
        afferent, recurrent = area
        paths = [Path("inputs", "area", afferent, loud), Path("area", "area", recurrent)]
        firing, caps = {"inputs": firing, "area": before}, {"area": self.n_active_}
        rounds = run(paths, firing, caps, self._plasticity(), n_rounds=int(self.n_rounds))
        return [winners["area"] for winners in rounds]

    def _silence(self, placement):
        """Nobody of the area fires."""
        xp = placement.xp
        return xp.zeros((1, self._size), dtype=xp.bool, device=placement.device)

    def _first_inputs(self, X, placement, area):
        """Yield what neurons receive from blocks of rows of validated stimuli."""
        for _, firing, loud in self._stimuli(X, placement, self.n_active_):
            yield received(area[0], area[0].reach(firing), self._plasticity(), loud)

    def _first_caps(self, X, placement, area):
        """Yield who fires first, for blocks of rows of validated stimuli."""
        for inputs in self._first_inputs(X, placement, area):
            yield fire_most(inputs, self.n_active_)

    def _responses(self, X, placement):
        """Yield who fires in the end, for blocks of rows of validated stimuli."""
        area = self._area()
        plasticity, k, n_more = self._plasticity(), self.n_active_, int(self.n_rounds) - 1
        for inputs in self._first_inputs(X, placement, area):
            yield recur(inputs, area[1], k, plasticity, n_rounds=n_more, firing=fire_most(inputs, k)).states


def _synapses_of(parts):
    return SparseSynapses(*parts) if len(parts) == 4 else DenseSynapses(*parts)
