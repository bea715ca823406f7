"""The recipes that come with lenet5, by name; and recipes of your own, by file.

Each is one TOML file in this folder, readable by itself; see `spec/recipe.py` for its fields. A variation of another
recipe says `extends = "its name"` and then only what is different.
"""

import difflib
import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from lenet5.errors import RecipeError
from lenet5.spec import text
from lenet5.spec.recipe import Recipe

SUFFIX = ".toml"


def names() -> tuple[str, ...]:
    """Return the names of the shipped recipes, sorted."""
    found = (file.name for file in resources.files("lenet5.recipes").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)))


def load(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Return a recipe, with overrides applied.

    name_or_path  a shipped recipe's name; or, where it ends in .toml, the path of a file, which names a recipe that
                  extends another
    overrides     "key=value" with dotted keys, such as "optimizer.learning_rate=0.02"

    Raises RecipeError when there is no such recipe, or when it or an override breaks the form.

    Examples
    --------
    >>> load("archaeology", ["batch_size=64"]).batch_size
    64

    """
    name = str(name_or_path)
    if not name.endswith(SUFFIX):
        return text.parse(_shipped(name), where=name, overrides=overrides, shipped=_shipped)
    own_name = re.sub("[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-") or "mine"
    return text.parse(_read(Path(name)), where=name, overrides=overrides, shipped=_shipped, own_name=own_name)


def _shipped(name: str) -> str:
    """Return the TOML of a shipped recipe."""
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f'Did you mean "{near[0]}"? ' if near else ""
        raise RecipeError(
            f'there is no recipe "{name}". {meant}'
            f"The recipes are {', '.join(known)}; a file of your own must end in {SUFFIX}."
        )
    return resources.files("lenet5.recipes").joinpath(name + SUFFIX).read_text(encoding="utf-8")


def _read(path: Path) -> str:
    """Return the TOML of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: not UTF-8 text; save the recipe as UTF-8.") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); check the path.") from None
