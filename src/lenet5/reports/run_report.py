"""A finished run as one HTML page: outcome, curves, published numbers, errors, history, machine, command."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lenet5.inference.evaluation import Evaluation
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.reports import html
from lenet5.reports.claims import published_accuracy
from lenet5.reports.confusion import confusion_figure
from lenet5.reports.curves import curves
from lenet5.reports.feature_maps import feature_maps
from lenet5.reports.gallery import gallery
from lenet5.reports.kernels import kernels
from lenet5.reports.translations import Language, say
from lenet5.spec.recipe import Recipe
from lenet5.training.run import RunFolder


def report(run: RunFolder, outcome: Evaluation, language: Language = "en") -> str:
    """Return the page of a run.

    outcome  how its model does on what the run was scored on
    """

    def words(text: str) -> str:
        return say(text, language)

    def picture(drawn: Figure, description: str) -> str:
        return html.picture(drawn, description, language=language)

    model = model_file.read(run.model)
    maps = Predictor(model).activations(outcome.data.images[:1])
    recipe, history, environment = run.recipe(), run.history(), run.environment()
    names, misclassified = outcome.class_names, outcome.misclassified
    low, high = outcome.interval_percent
    body = [
        html.paragraph(recipe.title),
        html.link(words("The command that trains these weights again"), "repeat"),
        html.heading(words("Outcome")),
        html.paragraph(
            f"{outcome.accuracy_percent:.2f} % ({low:.2f} to {high:.2f}, 95 %) "
            f"{words('of the images of the part')} {recipe.data} {outcome.data.part}"
        ),
        html.heading(words("Curves")),
        picture(
            curves(history.epochs, title=recipe.name, published=published_accuracy(recipe, history.epochs)),
            words("Loss and accuracy by epoch"),
        ),
    ]
    published = published_accuracy(recipe, history.epochs)
    if published:
        here = {row.epoch: row.test_accuracy_percent for row in history.epochs}
        header = [words("epoch"), words("published, %"), words("here, %")]
        rows = [[str(epoch), f"{value:.2f}", f"{here[epoch]:.2f}"] for epoch, value in sorted(published.items())]
        body += [
            html.heading(words("Published numbers beside it")),
            html.table(header, rows, numbers=(0, 1, 2)),
        ]
    body += [
        html.heading(words("Confusion")),
        picture(confusion_figure(outcome.confusion, names, ""), words("What was taken for what")),
        html.heading(words("Misclassified")),
        picture(
            gallery(
                outcome.data.images[misclassified], outcome.data.labels[misclassified], outcome.answers[misclassified],
                outcome.confidence[misclassified], names,
            ),
            words("Misclassified images, the most confident first"),
        ),
        html.heading(words("Kernels")),
        picture(kernels(model), words("The kernels of the first convolution")),
        html.heading(words("Feature maps")),
        picture(feature_maps(maps), words("The first image scored, in every layer with maps")),
        html.heading(words("History")),
        _history(run, language),
    ]  # fmt: skip
    if history.incidents:
        incidents = [[str(incident.step), incident.what, incident.text] for incident in history.incidents]
        body += [html.heading(words("Incidents")), html.table([words("step"), "", ""], incidents, numbers=(0,))]
    body += [
        html.heading(words("What ran where")),
        html.table(["", ""], [[key, str(value)] for key, value in environment.items()]),
        html.heading(words("Repeat it"), anchor="repeat"),
        html.commands(repeat(recipe, environment)),
    ]
    return html.page(f"{recipe.name}, seed {recipe.seed}", body, language=language)


def repeat(recipe: Recipe, environment: Mapping[str, Any]) -> list[str]:
    """Return the commands that train the same weights again, from the frozen recipe of the run."""
    engine, threads = environment.get("engine"), environment.get("threads")
    where = f" --device {environment.get('device')}" if engine == "torch" else ""
    return [f"lenet5 train recipe.toml --engine {engine}{where} --threads {threads} --seed {recipe.seed}"]


def _history(run: RunFolder, language: Language) -> str:
    header = ["epoch", "train loss", "train accuracy, %", "test loss", "test accuracy, %", "seconds"]
    rows = [
        [
            str(row.epoch), f"{row.train_loss:.4f}", f"{row.train_accuracy_percent:.2f}", f"{row.test_loss:.4f}",
            f"{row.test_accuracy_percent:.2f}", f"{row.seconds:.1f}",
        ]
        for row in run.history().epochs
    ]  # fmt: skip
    return html.table([say(name, language) for name in header], rows, numbers=range(6))
