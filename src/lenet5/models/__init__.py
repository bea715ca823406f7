"""Models: a network's weights with all that is needed to use them, their file, and those that come with the package.

Training and engines are not known here. Read `model.py` first. `lenet5.models()` lists the shipped models.
"""

import sys
from types import ModuleType


class _Package(ModuleType):
    """The package, which can be called."""

    def __call__(self) -> tuple[str, ...]:
        """Return the names of the models that come with the package; `lenet5.load` takes them."""
        from lenet5.models import shipped

        return shipped.names()


sys.modules[__name__].__class__ = _Package
