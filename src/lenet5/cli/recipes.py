"""`lenet5 recipes`: the recipes that come with the package."""

from lenet5.cli.console import command, out, print_json
from lenet5.cli.options import AsJson
from lenet5.recipes import catalogue

EXAMPLES = ("lenet5 recipes", "lenet5 recipes --json")


def recipes(as_json: AsJson = False) -> None:
    """List the recipes that come with lenet5."""
    plans = [catalogue.load(name) for name in catalogue.names()]
    if as_json:
        print_json([plan.model_dump(mode="json") | {"parameters": plan.architecture.parameters} for plan in plans])
        return
    for plan in plans:
        length = f"{plan.epochs} epochs" if plan.epochs else f"{plan.steps:,} steps"
        numbers = f"{len(plan.claims)} published number{'s' if len(plan.claims) > 1 else ''}"
        out.print(f"[bold]{plan.name}[/]")
        out.print(f"  {plan.title}", markup=False)
        out.print(
            f"  {plan.data}, {length}, batch {plan.batch_size}, {plan.architecture.parameters:,} parameters, "
            f"{numbers if plan.claims else 'our own'}"
        )
    out.print(f"\ntrain one    {command('train', 'NAME')}\nits layers   {command('summary', 'NAME')}", markup=False)
