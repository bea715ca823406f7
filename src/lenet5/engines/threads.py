"""The number of threads used by the engines of this process."""

import importlib
import os
import sys

import threadpoolctl

from lenet5.compiled import kernels, missing_because
from lenet5.errors import EngineError

MOST_THREADS = 1024
# For libraries that are not loaded yet, and for child processes.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def use_threads(threads: int | None) -> None:
    """Set the number of threads of every engine in this process; None changes nothing.

    The native engine uses at most 64, fewer for small batches, and returns the same bytes with any number.

    Raises EngineError for a number outside 1..1024.
    """
    if threads is None:
        return
    if not 1 <= threads <= MOST_THREADS:
        raise EngineError(f"{threads} threads were requested; choose 1 to {MOST_THREADS}.")
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    threadpoolctl.threadpool_limits(threads)
    if missing_because() is None:
        kernels().use_threads(threads)
    if "torch" in sys.modules:
        importlib.import_module("torch").set_num_threads(threads)
