"""Libraries of the extras: got when they are first used, missed in one sentence."""

import importlib
from types import ModuleType

from lenet5.distribution import missing
from lenet5.errors import ReadingError


def library(name: str, extra: str = "read") -> ModuleType:
    """Return a module of an extra. Raises ReadingError, with the command that installs it, where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ReadingError(missing(name, extra)) from None
