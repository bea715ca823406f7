"""The compiled module of the native engine and of `data/warp.py`, or the reason why it is missing."""

import importlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lenet5.errors import EngineError
from lenet5.machine import usable_cores

MODULE = "lenet5.engines.native._kernels"

# Written by native/packaging/lenet5_build.py when the compiled module cannot be built.
RECORD = Path(__file__).parent / "engines" / "native" / "build-failure.json"
LOG = RECORD.with_suffix(".log")

OLDEST_COMPILERS = "GCC 11 or Clang 14, or newer"
REINSTALL = (
    f"Install a C++ compiler ({OLDEST_COMPILERS}), or name one in the environment variable CXX, then install lenet5 "
    "again with pip's options --force-reinstall --no-cache-dir."
)


@dataclass(frozen=True)
class BuildFailure:
    """The reason why the compiled module was not built during installation."""

    compiler: str | None  # as CMake calls it ("GNU", "Clang"); None when no compiler worked
    version: str | None
    path: str | None
    error: str  # the first error line
    log: Path  # the full output of CMake and the compiler

    @property
    def sentence(self) -> str:
        """Compiler, version, first error line and path of the log."""
        cause = "no working C++ compiler was found"
        if self.compiler:
            cause = f"{self.compiler} {self.version} ({self.path}) failed"
        return f"{cause} when lenet5 was installed: {self.error.rstrip('.')}. Full log: {self.log}"


@cache
def build_failure() -> BuildFailure | None:
    """Return why the compiled module was not built, or None when no failed build is on record."""
    try:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        return BuildFailure(record["compiler"], record["version"], record["path"], str(record["error"]), LOG)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def missing_because() -> str | None:
    """Return why the native engine cannot be used here and what to do, or None when it can."""
    try:
        module = importlib.import_module(MODULE)
        module.instructions()
        if not os.environ.get("OMP_NUM_THREADS"):
            module.use_threads(usable_cores())
    except ModuleNotFoundError:
        failure = build_failure()
        if failure is None:
            return (
                'engine "native" is not built for this Python, and no failed build is on record: lenet5 runs from its '
                f"source files. {REINSTALL}"
            )
        return f'engine "native" was not built: {failure.sentence}. {REINSTALL}'
    except (ImportError, ValueError) as error:  # for another system, or unsupported LENET5_INSTRUCTIONS
        return f'engine "native" cannot be used: {error}'
    return None


def kernels() -> Any:
    """Return the compiled module. Raises EngineError where it is missing."""
    reason = missing_because()
    if reason:
        raise EngineError(reason)
    return importlib.import_module(MODULE)
