"""Lazy imports of the extra's libraries, with an error that names the missing one."""

import importlib
from types import ModuleType

from lenet5.distribution import missing
from lenet5.errors import BulkError


def library(name: str) -> ModuleType:
    """Return a module of the extra. Raises BulkError, with the command that installs it, when it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise BulkError(missing(name, "bulk")) from None
