"""The recipes that come with lenet5, by name; and recipes of your own, by file.

Each is one TOML file in this folder, readable by itself; see `spec/recipe.py` for its fields. A variation of another
recipe says `extends = "its name"` and then only what is different.
"""

import difflib
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

    name_or_path  a shipped recipe's name; or, where it ends in .toml, the path of a file
    overrides     "key=value" with dotted keys, such as "optimizer.learning_rate=0.02"

    Raises RecipeError when there is no such recipe, or when it or an override breaks the form.

    Examples
    --------
    >>> load("archaeology", ["batch_size=64"]).batch_size
    64

    """
    name = str(name_or_path)
    written = _read(Path(name)) if name.endswith(SUFFIX) else _shipped(name)
    return text.parse(written, where=name, overrides=overrides, shipped=_shipped)


def _shipped(name: str) -> str:
    """Return the TOML of a shipped recipe."""
    known = names()
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise RecipeError(
            f'there is no recipe "{name}". Did you mean "{nearest}"? '
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
