"""The handbook's reference of commands and recipe fields, written from the code when the handbook is built."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from lenet5.cli.main import Commands
from lenet5.spec import (
    architecture,
    claim,
    distortion,
    initial,
    layers,
    objective,
    optimizer,
    preparation,
    recipe,
    teacher,
)

FOLDER = Path(__file__).parent / "reference"
MODULES = (recipe, architecture, layers, preparation, objective, optimizer, initial, distortion, teacher, claim)
ENTRY = re.compile(r"^(\w+(?:, \w+)*)  +(\S.*)$")  # "name  description", aligned in a docstring


def write() -> None:
    """Write the pages into FOLDER."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "commands.md").write_text("\n".join(commands()) + "\n", encoding="utf-8")
    (FOLDER / "recipe.md").write_text("\n".join(fields()) + "\n", encoding="utf-8")


def commands() -> Iterator[str]:
    """Yield the lines of the page on the command line."""
    yield "# Command line\n"
    yield "`lenet5 COMMAND --help` prints the same; `-h` is short for it."
    for name, command in Commands().items():
        if isinstance(command, typer.core.TyperGroup):
            for part, inner in command.commands.items():
                yield from _command(f"{name} {part}", inner)
        else:
            yield from _command(name, command)


def _command(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join([f"lenet5 {name}", *command.collect_usage_pieces(context)])
    yield f"\n## lenet5 {name}\n\n{command.help}\n\n```\n{usage}\n```\n"
    yield "| | |\n|---|---|"
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            yield f"| `{_cell(record[0])}` | {_cell(record[1])} |"


def fields() -> Iterator[str]:
    """Yield the lines of the page on recipes."""
    yield "# Recipe fields\n"
    yield (
        "Every field of a recipe's TOML file. `--set optimizer.momentum=0.9` overrides one on the command line. "
        "Layers, optimizers, schedules and rules for initial weights are chosen by their `kind`."
    )
    used = {"Recipe", *recipe.Recipe.model_json_schema()["$defs"]}
    for module in MODULES:
        for name, value in vars(module).items():
            if name in used and value.__module__ == module.__name__:
                yield from _model(value)


def _model(model: type[BaseModel]) -> Iterator[str]:
    text, described = _docstring(model)
    yield f"\n## {model.__name__}\n\n{text}\n\n| field | value | default | |\n|---|---|---|---|"
    schema = model.model_json_schema()
    for name, form in schema["properties"].items():
        default = "required" if name in schema.get("required", ()) else _value(form.get("default"))
        yield f"| `{name}` | {_cell(_form(form))} | {_cell(default)} | {_cell(described.get(name, ''))} |"


def _docstring(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """Return the text of a class's docstring, and the descriptions of its fields."""
    paragraphs, described = [""], dict[str, str]()
    names: list[str] = []  # of the entry that the next lines continue
    for line in map(str.strip, (model.__doc__ or "").splitlines()):
        if entry := ENTRY.match(line):
            names = entry[1].split(", ")
            described |= dict.fromkeys(names, entry[2])
        elif not line:
            names = []
            paragraphs.append("")
        elif names:
            described |= {name: f"{described[name]} {line}" for name in names}
        else:
            paragraphs[-1] += f"{line} "
    return "\n\n".join(filter(None, map(str.strip, paragraphs))), described


def _form(form: Mapping[str, Any]) -> str:
    """Describe a JSON schema in words."""
    for several in ("anyOf", "oneOf"):
        if several in form:
            return " or ".join(dict.fromkeys(_form(one) for one in form[several] if one.get("type") != "null"))
    if "$ref" in form:
        return str(form["$ref"].rpartition("/")[2])
    if "enum" in form or "const" in form:
        return ", ".join(_value(value) for value in form.get("enum", [form.get("const")]))
    if form.get("type") == "array":
        inner = {_form(item) for item in form.get("prefixItems", [form.get("items", {})])}
        return f"list of {' or '.join(sorted(inner)) or 'values'}"
    words = {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false", "object": "table"}
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {form[key]:g}" for key, sign in bounds.items() if key in form]
    return " ".join([words.get(str(form.get("type")), "value"), *limits])


def _value(value: Any) -> str:
    """Write a default as in TOML; a table that has defaults of its own as such."""
    if isinstance(value, dict):
        return f"kind {value['kind']}" if "kind" in value else "its defaults"
    if value is None or value == []:
        return "none"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
