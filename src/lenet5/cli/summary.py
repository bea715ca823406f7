"""`lenet5 summary`: the layers of a network, with their shapes and counts."""

from typing import Annotated

import typer

from lenet5.cli.console import literal, out
from lenet5.recipes import catalogue
from lenet5.reports.summary import summary_table

EXAMPLES = ("lenet5 summary lecun-1998",)


def summary(
    architecture: Annotated[str, typer.Argument(help="A recipe's name, or a recipe's TOML file.")],
) -> None:
    """Print the layers of a recipe's network: shapes, parameters, connections, multiply-adds."""
    recipe = catalogue.load(architecture)
    out.print(f"[bold]{literal(recipe.name)}[/]  {literal(recipe.title)}")
    out.print(summary_table(recipe.architecture))
