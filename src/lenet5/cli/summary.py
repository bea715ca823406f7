"""`lenet5 summary`: the layers of a network, with their shapes and counts."""

from typing import Annotated

import typer

from lenet5.cli.console import literal, out, print_json, print_table
from lenet5.cli.options import AsJson
from lenet5.recipes import catalogue
from lenet5.reports.summary import summary_table, summary_values

EXAMPLES = ("lenet5 summary lecun-1998", "lenet5 summary mine.toml --json")


def summary(
    architecture: Annotated[str, typer.Argument(help="A recipe's name, or a recipe's TOML file.")],
    as_json: AsJson = False,
) -> None:
    """Print the layers of a recipe's network: shapes, parameters, connections, multiply-adds."""
    recipe = catalogue.load(architecture)
    if as_json:
        print_json(summary_values(recipe.architecture) | {"recipe": recipe.name})
        return
    out.print(f"[bold]{literal(recipe.name)}[/]  {literal(recipe.title)}")
    print_table(summary_table(recipe.architecture), heads=2)
