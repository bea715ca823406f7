"""Recipes: one TOML file for each publication, and the catalogue that finds them.

What a recipe may say stands in `spec/recipe.py`. Read `catalogue.py` first. `lenet5.recipes()` lists them.
"""

import sys
from types import ModuleType


class _Package(ModuleType):
    """The package, which can be called."""

    def __call__(self) -> tuple[str, ...]:
        """Return the names of the recipes that come with the package; `lenet5.train` takes them."""
        from lenet5.recipes import catalogue

        return catalogue.names()


sys.modules[__name__].__class__ = _Package
