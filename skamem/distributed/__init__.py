"""Work beyond one process or one memory, on Dask: fits and predictions of blocks, patterns sharded over workers."""

from skamem.distributed._fit import fit_blocks
from skamem.distributed._predict import predict_blocks
from skamem.distributed._sharded import ShardedMemory

__all__ = ["ShardedMemory", "fit_blocks", "predict_blocks"]
