"""`lenet5 recipes`: what can be trained."""

from lenet5.cli.console import out
from lenet5.recipes import catalogue

EXAMPLES = ("lenet5 recipes",)


def recipes() -> None:
    """List the recipes that come with lenet5."""
    for name in catalogue.names():
        recipe = catalogue.load(name)
        length = f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps:,} steps"
        published = f"{len(recipe.claims)} published numbers" if recipe.claims else "our own"
        out.print(
            f"[bold]{name}[/]  {recipe.data}, {length} of batch {recipe.batch_size}, "
            f"{recipe.architecture.parameters:,} parameters, {published}"
        )
        out.print(f"    {recipe.title}", markup=False)
    out.print("\nTrain one: lenet5 train NAME    Its layers: lenet5 summary NAME")
