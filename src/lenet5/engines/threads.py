"""The number of threads that the engines of this process compute with."""

import importlib
import os
import sys

import threadpoolctl

from lenet5.engines.native.library import kernels, missing_because
from lenet5.errors import EngineError

MOST_THREADS = 1024
# Read by the libraries that are not loaded yet, and by processes that this one starts.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def use_threads(threads: int | None) -> None:
    """Set the number of threads of every engine in this process; None changes nothing.

    The native engine has at most 64, uses fewer where a batch has no work for more, and gives the same bytes with any
    number.

    Raises EngineError for a number outside 1..1024.
    """
    if threads is None:
        return
    if not 1 <= threads <= MOST_THREADS:
        raise EngineError(f"{threads} threads are asked for; choose 1 to {MOST_THREADS}.")
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    threadpoolctl.threadpool_limits(threads)
    if missing_because() is None:
        kernels().use_threads(threads)
    if "torch" in sys.modules:
        importlib.import_module("torch").set_num_threads(threads)
