"""`lenet5 show`: what a run or a model is, and how it came about."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from lenet5.cli.console import command, literal, out, percent, print_json, print_table
from lenet5.cli.options import AsJson
from lenet5.models import file as model_file
from lenet5.models import shipped
from lenet5.models.model import Calibration, Card
from lenet5.training.history import EpochRow, to_values
from lenet5.training.run import RunFolder

BARS = "▁▂▃▄▅▆▇█"
ROWS_SHOWN = 30

EXAMPLES = ("lenet5 show runs/archaeology-seed1", "lenet5 show modern", "lenet5 show modern --json")


def show(
    path: Annotated[Path, typer.Argument(help="A run folder, a model file, or a shipped model's name.")],
    as_json: AsJson = False,
) -> None:
    """Show the card of a model, or the card, the history and the curve of a run; nothing is written."""
    if path.is_dir() and not shipped.is_shipped(path):
        run = RunFolder.open(path)
        if as_json:
            print_json(_plain(run))
        else:
            _show_run(run)
        return
    card = (shipped.read(str(path)) if shipped.is_shipped(path) else model_file.read(path)).card
    if as_json:
        print_json(card.model_dump(mode="json"))
    else:
        _show_card(card)


def _plain(run: RunFolder) -> dict[str, Any]:
    """Return a run's record as plain values; result and model are null until it is finished."""
    return {
        "run": str(run.path),
        "recipe": run.recipe().model_dump(mode="json"),
        "environment": run.environment(),
        "result": run.result(),
        "model": model_file.read(run.model).card.model_dump(mode="json") if run.model.exists() else None,
        "history": [to_values(row) for row in run.history().rows],
    }


def _show_run(run: RunFolder) -> None:
    recipe, environment, history = run.recipe(), run.environment(), run.history()
    out.print(f"[bold]{literal(recipe.name)}[/]  {literal(recipe.title)}")
    out.print(
        f"batch {recipe.batch_size}, seed {recipe.seed}, engine {environment.get('engine')} "
        f"({environment.get('device')}, {environment.get('threads')} threads), started {environment.get('started')}",
        markup=False,
    )
    if run.model.exists():
        _show_card(model_file.read(run.model).card)
    else:
        out.print(f"[yellow]not finished:[/] go on with {literal(command('train', '--resume', run.path))}")
    for incident in history.incidents:
        out.print(f"[yellow]{literal(incident.what)}[/] at step {incident.step}: {literal(incident.text)}")
    if history.epochs:
        print_table(_epoch_table(history.epochs))
        out.print(f"test accuracy {sparkline([row.test_accuracy_percent for row in history.epochs])}")
        for picture in sorted(run.path.glob("*.png")):
            out.print(f"picture       {picture}", markup=False)


def _show_card(card: Card) -> None:
    """Print a card, a line a fact."""
    scored = f"{percent(card.test_accuracy_percent)} of {card.test_images:,} {card.scored_on} images"
    out.print(f"model         {card.recipe}, {scored}", markup=False)
    out.print(
        f"trained on    {card.data} ({card.data_fingerprint}), {card.epochs} epochs, {card.steps:,} steps", markup=False
    )
    made = [f"lenet5 {card.lenet5_version}", f"engine {card.engine}", f"seed {card.seed}", card.trained_on]
    out.print(f"trained by    {', '.join(filter(None, made))}", markup=False)
    out.print(f"answers       {', '.join(card.class_names)}", markup=False)
    if card.calibration:
        _show_calibration(card.calibration)


def _show_calibration(known: Calibration) -> None:
    out.print(
        f"calibrated    on {known.images}: temperature {known.temperature:.2f}, confidence off by "
        f"{percent(known.expected_calibration_error_percent)}",
        markup=False,
    )
    for threshold in known.thresholds:
        out.print(
            f"              {threshold.max_error_percent} % of the answers wrong: reject those below "
            f"{threshold.probability:.3f}, {percent(threshold.rejected_percent)} of the images"
        )


def _epoch_table(rows: list[EpochRow]) -> Table:
    """The history as a table; of a long one the first and last rows."""
    table = Table("epoch", "train loss", "train", "test loss", "test", "seconds", box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    left_out = len(rows) - ROWS_SHOWN
    for index, row in enumerate(rows):
        if left_out > 0 and ROWS_SHOWN // 2 <= index < len(rows) - ROWS_SHOWN // 2:
            if index == ROWS_SHOWN // 2:
                table.add_row("...")
            continue
        table.add_row(
            str(row.epoch),
            f"{row.train_loss:.4f}",
            percent(row.train_accuracy_percent),
            f"{row.test_loss:.4f}",
            percent(row.test_accuracy_percent),
            f"{row.seconds:.1f}",
        )
    return table


def sparkline(values: list[float]) -> str:
    """Draw values as one line of bars, the lowest to the highest."""
    low, high = min(values), max(values)
    steps = [int((value - low) / (high - low or 1) * (len(BARS) - 1)) for value in values]
    return f"{low:.2f} {''.join(BARS[step] for step in steps)} {high:.2f}"
