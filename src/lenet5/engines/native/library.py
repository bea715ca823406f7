"""Find the compiled part, or say why it is missing."""

import importlib
from functools import cache
from typing import Any

from lenet5.errors import EngineError

MODULE = "lenet5.engines.native._kernels"


@cache
def missing_because() -> str | None:
    """Return why the native engine cannot be used here, with what helps, or None when it can."""
    try:
        importlib.import_module(MODULE).instructions()
    except ModuleNotFoundError:
        return (
            'engine "native" was not built: no C++ compiler was found when lenet5 was installed. '
            "Install one (GCC 12 or Clang 15, or newer), then install lenet5 again."
        )
    except (ImportError, ValueError) as error:  # built for another system, or LENET5_INSTRUCTIONS asks for too much
        return f'engine "native" cannot be used: {error}'
    return None


def kernels() -> Any:
    """Return the compiled module. Raises EngineError where it is missing."""
    reason = missing_because()
    if reason:
        raise EngineError(reason)
    return importlib.import_module(MODULE)
