"""Recipes as TOML text, and overrides such as `optimizer.learning_rate=0.02` on top of them.

A wrong key or value raises a RecipeError that names its location and, for a key, the most similar valid one.
"""

import difflib
import json
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tomli_w
from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lenet5 import files
from lenet5.errors import RecipeError
from lenet5.spec.recipe import Recipe

Tree = dict[str, Any]


def parse(
    text: str,
    *,
    where: str,
    overrides: Iterable[str] = (),
    shipped: Callable[[str], str] | None = None,
    own_name: str = "",
) -> Recipe:
    """Return the recipe that `text` (TOML) describes, with overrides applied.

    where      the file's name, for error messages
    overrides  "key=value" with dotted keys; a value that is not valid TOML is a string
    shipped    returns the TOML of a recipe by name, for texts with `extends = "name"`: all fields except claims and
               comparisons are inherited from that recipe unless the text sets them
    own_name   default name of a user's recipe that extends another; it does not inherit the other recipe's source

    Raises RecipeError.
    """
    written = _tree(text, where)
    tree = _extended(written, shipped)
    if own_name and "extends" in written:
        parent = str(written["extends"])
        inherited = {"source", "differences", "explains"} - set(written)
        tree = {key: value for key, value in tree.items() if key not in inherited}
        tree |= {"name": written.get("name", own_name), "title": written.get("title", f"{parent}, changed")}
    for override in overrides:
        _apply(tree, override)
    return from_tree(tree, where=where)


def from_tree(tree: Tree, *, where: str) -> Recipe:
    """Return the recipe that a tree of plain values describes. Raises RecipeError."""
    try:
        # Via JSON: validation is strict about types, but lists may become tuples.
        return Recipe.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        raise RecipeError(sentence(error.errors()[0], where)) from None
    except TypeError as error:
        raise RecipeError(f"{where}: {error}; a recipe has strings, numbers, booleans, arrays and tables.") from None


def dump(recipe: Recipe) -> str:
    """Return the recipe as TOML, from which `parse` returns an equal recipe."""
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True))


def _tree(text: str, where: str) -> Tree:
    return files.parse_toml(text, where, RecipeError)


def _extended(tree: Tree, shipped: Callable[[str], str] | None) -> Tree:
    """Return a tree merged with the recipe that it extends, recursively."""
    if not shipped or "extends" not in tree:
        return tree
    name = str(tree["extends"])
    base = _extended(_tree(shipped(name), name), shipped)
    for published in ("claims", "comparisons"):
        base.pop(published, None)
    return _merged(base, {key: value for key, value in tree.items() if key != "extends"})


def _merged(base: Tree, changes: Tree, path: tuple[str, ...] = ()) -> Tree:
    """Merge `changes` into `base`, table by table; changing a `kind` drops the fields that only the old kind has."""
    merged = _of_kind(dict(base), changes.get("kind"), path)
    for key, value in changes.items():
        below = merged.get(key)
        tables = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(below or {}, value, (*path, key)) if tables else value
    return merged


def _of_kind(node: Tree, kind: Any, path: Iterable[str]) -> Tree:
    """Return a table without the fields that the new kind lacks; unchanged if the kind stays the same or is unknown."""
    if kind is None or kind == node.get("kind"):
        return node
    models: list[type[BaseModel]] = [Recipe]
    for name in path:
        fields = [model.model_fields[name] for model in models if name in model.model_fields]
        models = [inner for field in fields for inner in _models(field.annotation)] if fields else models
    known = {name for model in models if _kind(model) == kind for name in model.model_fields}
    return {key: value for key, value in node.items() if key in known} if known else node


def _kind(model: type[BaseModel]) -> Any:
    field = model.model_fields.get("kind")
    return field.default if field else None


def _apply(tree: Tree, override: str) -> None:
    """Set one `key=value` in the tree."""
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise RecipeError(f'"{override}" is not an override; write key=value, such as epochs=3.')
    try:
        value = files.parse_toml(f"value = {text}", override, RecipeError)["value"]
    except RecipeError:
        value = text.strip()
    *tables, last = path
    node: Any = tree
    for name in tables:
        node = _element(node, name, key) if isinstance(node, list) else node.setdefault(name, {})
        if not isinstance(node, dict | list):
            raise RecipeError(f'"{key}": {name} is not a table; its fields cannot be set one by one.')
    if isinstance(node, list):
        _element(node, last, key)  # raises when it does not exist
        node[int(last)] = value
        return
    if last == "lr":  # the short form replaces the long one
        last = "learning_rate"
    if path == ["steps"]:
        tree.pop("epochs", None)
    if path == ["epochs"]:
        tree.pop("steps", None)
    if last == "kind":
        kept = dict(_of_kind(node, value, tables))
        node.clear()
        node.update(kept)
    node[last] = value


def _element(elements: list[Any], number: str, key: str) -> Any:
    """Return an element of a list, such as the first layer for `architecture.layers.0.maps`; -1 is the last."""
    try:
        return elements[int(number)]
    except (ValueError, IndexError):
        raise RecipeError(f'"{key}": "{number}" is not one of the {len(elements)} elements, 0 to -1.') from None


def sentence(error: ErrorDetails, where: str) -> str:
    """Rephrase one of pydantic's errors: location, value found, value expected."""
    place = ".".join(_path(error["loc"]))
    found = json.dumps(error["input"], default=str)
    found = found if len(found) <= 60 else found[:57] + "..."
    match error["type"]:
        case "extra_forbidden":
            return f'{where}: there is no "{place}".{_nearest(place)}'
        case "missing":
            return f'{where}: "{place}" is missing.'
        case "value_error":
            return f"{where}: {place or 'recipe'}: {files.reason(error)}."
        case _:
            message = error["msg"][0].lower() + error["msg"][1:].replace("tuple", "array")  # TOML's word
            return f'{where}: "{place}" is {found}; {message}.'


def _path(location: Iterable[int | str]) -> list[str]:
    """Return the keys of an error's location, without the names of union variants that pydantic inserts."""
    parts: list[str] = []
    for part in location:
        tag_follows = parts and (parts[-1] in ("optimizer", "schedule") or parts[-1].isdigit())
        of_type = isinstance(part, str) and part.startswith(("constrained-", "tuple["))
        if not of_type and not (tag_follows and part in VARIANTS):
            parts.append(str(part))
    return parts


def _nearest(place: str) -> str:
    """Suggest the known key that is most similar to an unknown one."""
    close = difflib.get_close_matches(place, KEYS, n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield every model inside a type, through unions, tuples and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType, tuple, typing.Annotated):
        for argument in typing.get_args(annotation):
            yield from _models(argument)


def _known_keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield every dotted key of a model and its nested models, without the items of lists."""
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        if name == "kind":
            VARIANTS.add(field.default)
        yield before + name
        if isinstance(alias, AliasChoices):
            yield from (before + str(choice) for choice in alias.choices if choice != name)
        for inner in _models(field.annotation):
            yield from _known_keys(inner, f"{before}{name}.")


VARIANTS: set[str] = set()
KEYS = sorted(set(_known_keys(Recipe)))
