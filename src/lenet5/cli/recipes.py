"""`lenet5 recipes`: what can be trained."""

from rich.table import Table

from lenet5.cli.console import out
from lenet5.recipes import catalogue


def recipes() -> None:
    """List the recipes that come with lenet5."""
    table = Table("recipe", "what it is", "data", "length", "batch", "parameters", "claims", box=None, pad_edge=False)
    for column in table.columns[3:]:
        column.justify = "right"
    for name in catalogue.names():
        recipe = catalogue.load(name)
        length = f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps:,} steps"
        table.add_row(
            f"[bold]{name}[/]",
            recipe.title,
            recipe.data,
            length,
            str(recipe.batch_size),
            f"{recipe.architecture.parameters:,}",
            str(len(recipe.claims)),
        )
    out.print(table)
    out.print("\nTrain one with: lenet5 train NAME   Its text, with every choice explained, is a TOML file: copy it.")
