"""`lenet5 evaluate`: how well a model does, and which images it misclassifies."""

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lenet5 import api, metrics
from lenet5.cli.console import literal, out, percent, print_json, print_table
from lenet5.cli.options import AsJson, DataFolder, DeviceName, EngineName, Threads
from lenet5.data import recognition
from lenet5.engines import registry
from lenet5.inference.ensemble import Ensemble
from lenet5.inference.evaluation import Evaluation
from lenet5.inference.evaluation import evaluate as evaluate_on
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Card

REJECTION_ERROR_PERCENT = 0.5  # as the 1998 paper compares its systems (figure 10)

EXAMPLES = (
    "lenet5 evaluate modern",
    "lenet5 evaluate runs/archaeology-seed1 --pictures pictures",
    "lenet5 evaluate modern --data my-digits --json",
)


def evaluate(
    models: Annotated[
        list[Path],
        typer.Argument(help="A run folder, a model file, or a shipped model's name; several answer as an ensemble."),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Data set, or your own labelled images; without it, what the model was trained on.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Part of the data set; test if not given, of own images that are new to the model all.",
            show_default=False,
        ),
    ] = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    threads: Threads = None,
    data_dir: DataFolder = None,
    corrupted: Annotated[
        bool, typer.Option("--corrupted", help="On degraded images, too: moved, turned, thinned, noisy and so on.")
    ] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Draw the confusion matrix, the misclassified images and the rejection curve there.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model on a data set: accuracy, calibration, classes; pictures where asked for."""
    members = [api.load(model, engine=engine, device=device, threads=threads) for model in models]
    predictor = members[0] if len(members) == 1 else Ensemble(members)
    outcome = api.evaluate(members, data=data, part=part, data_folder=data_dir)
    name = _named([member.model.card for member in members])
    degraded = _by_corruption(predictor, outcome) if corrupted else {}
    written: list[Path] = []
    if pictures is not None:
        written = _draw(outcome, pictures, f"{name} on {outcome.data.name} {outcome.data.part}")
    if as_json:
        print_json(
            {"models": [str(model) for model in models], "recipes": [member.model.card.recipe for member in members]}
            | {"engine": registry.get(engine, device).name, "temperature": predictor.temperature}
            | outcome.as_values()
            | ({"corrupted_accuracy_percent": degraded} if corrupted else {})
            | ({"pictures": [str(path) for path in written]} if written else {})
        )
        return
    _print(outcome, name, registry.get(engine, device).name, predictor.temperature)
    if hint := recognition.hint(outcome.data.images, outcome.data.labels):
        out.print(f"[yellow]{literal(hint)}[/]")
    trained_on = members[0].model.card.data
    if outcome.data.name != trained_on:
        out.print(f"[yellow]The model was trained on {literal(trained_on)}.[/]")
    print_table(_by_class(outcome))
    if corrupted:
        print_table(_corruption_table(degraded))
    for path in written:
        out.print(f"written  {path}", markup=False)


def _named(cards: Sequence[Card]) -> str:
    """Name models by recipe and seeds: "modern (seeds 1, 2), archaeology (seed 1)"."""
    seeds: dict[str, list[str]] = {}
    for card in cards:
        seeds.setdefault(card.recipe, []).append(str(card.seed))
    return ", ".join(f"{recipe} (seed{'s' if len(own) > 1 else ''} {', '.join(own)})" for recipe, own in seeds.items())


def _print(outcome: Evaluation, name: str, engine: str, temperature: float) -> None:
    low, high = outcome.interval_percent
    out.print(
        f"[bold]{literal(name)}[/] on {literal(outcome.data.name)} {outcome.data.part}, engine {engine}: "
        f"[bold]{percent(outcome.accuracy_percent)}[/] of {len(outcome.answers):,} images, "
        f"95 % interval {low:.2f} to {high:.2f}; {len(outcome.misclassified):,} misclassified"
    )
    if len(outcome.misclassified):
        rejected = outcome.rejection_for_error_percent(REJECTION_ERROR_PERCENT)
        out.print(
            f"no rejection by the two best scores leaves as few as {REJECTION_ERROR_PERCENT} % misclassified"
            if isnan(rejected)
            else f"rejecting the {percent(rejected)} of the images whose two best scores are nearest leaves "
            f"{REJECTION_ERROR_PERCENT} % misclassified among the others"
        )
    out.print(
        f"negative log-likelihood {outcome.negative_log_likelihood:.4f}, Brier score {outcome.brier_score:.4f}, "
        f"expected calibration error {percent(outcome.calibration_error_percent)} (15 bins)"
        f"{'' if temperature == 1 else f'; temperature {temperature:.2f}'}"
    )


def _by_class(outcome: Evaluation) -> Table:
    """Precision and recall of each class."""
    table = Table("class", *(("images", "recall", "precision")), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    precision = metrics.precision_percent(outcome.confusion)
    recall = metrics.recall_percent(outcome.confusion)
    for index, name in enumerate(outcome.data.class_names):
        images = int(outcome.confusion[index].sum())
        table.add_row(literal(name), f"{images:,}", _percent(recall[index]), _percent(precision[index]))
    return table


def _percent(value: float) -> str:
    """Write a percentage; a dash where there was nothing to take it of."""
    return "-" if isnan(value) else percent(value)


def _by_corruption(predictor: Predictor | Ensemble, outcome: Evaluation) -> dict[str, float]:
    """Return the accuracy in percent on the same images, degraded in each way of the suite."""
    from lenet5.inference.corruptions import corrupted  # takes half a second, for scipy.ndimage

    return {name: evaluate_on(predictor, images).accuracy_percent for name, images in corrupted(outcome.data)}


def _corruption_table(accuracies: Mapping[str, float]) -> Table:
    table = Table("images", "accuracy", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, accuracy in accuracies.items():
        table.add_row(name, percent(accuracy))
    return table


def _draw(outcome: Evaluation, folder: Path, title: str) -> list[Path]:
    """Write the confusion matrix, the gallery of misclassified images, and the error against the rejection."""
    from lenet5.reports.confusion import confusion_figure  # a third of a second, for their library of pictures
    from lenet5.reports.gallery import gallery
    from lenet5.reports.rejection import rejection
    from lenet5.reports.style import save

    names, misclassified = outcome.class_names, outcome.misclassified
    folder.mkdir(parents=True, exist_ok=True)
    written = save(confusion_figure(outcome.confusion, names, title), folder / "confusion")
    figure = gallery(
        outcome.data.images[misclassified],
        outcome.data.labels[misclassified],
        outcome.answers[misclassified],
        outcome.confidence[misclassified],
        names,
        title,
    )
    written += save(figure, folder / "misclassified")
    return written + save(rejection({title: (outcome.margin, outcome.right)}), folder / "rejection")
