"""Cards: what a notebook shows of a run, a model, an evaluation, a page, or a data set."""

import base64
import io
from functools import singledispatch
from html import escape

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from lenet5.data.datasets import Images
from lenet5.inference.evaluation import Evaluation
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Card, Model
from lenet5.reading.page import Page
from lenet5.reports import style
from lenet5.reports.confusion import confusion_figure
from lenet5.reports.curves import curves
from lenet5.reports.diagram import diagram
from lenet5.reports.sheet import sheet
from lenet5.training.run import RunFolder

MOST_CLASSES = 12  # of a confusion matrix that is shown


@singledispatch
def card(value: object) -> str:
    """Return HTML that shows a value; for what has no card, its `repr`."""
    return f"<pre>{escape(repr(value))}</pre>"


@card.register
def _(run: RunFolder) -> str:
    recipe, result, rows = run.recipe(), run.result(), run.history().epochs
    facts = {"folder": str(run.path), "data": recipe.data, "seed": str(recipe.seed)}
    facts |= {"engine": str(run.recorded_environment().get("engine", "")), "epochs": str(len(rows))}
    if result:
        part = result.get("scored_on", "test")
        facts[f"{part} accuracy"] = f"{result['test_accuracy_percent']:.2f} % of {result['test_images']:,} images"
    else:
        facts["state"] = "not finished"
    facts |= {incident.what: incident.text for incident in run.history().incidents}
    return _titled(recipe.name, facts) + (_picture(curves(rows, title="")) if rows else "")


@card.register
def _(model: Model) -> str:
    return _titled(model.card.recipe, _facts(model.card)) + _picture(diagram(model.architecture, ""))


@card.register
def _(predictor: Predictor) -> str:
    return card(predictor.model)


@card.register
def _(outcome: Evaluation) -> str:
    low, high = outcome.interval_percent
    facts = {
        "data": f"{outcome.data.name} {outcome.data.part}, {len(outcome.answers):,} images",
        "accuracy": f"{outcome.accuracy_percent:.2f} %, 95 % interval {low:.2f} to {high:.2f}",
        "misclassified": f"{len(outcome.misclassified):,}",
        "calibration error": f"{outcome.calibration_error_percent:.2f} %",
    }
    if len(outcome.class_names) > MOST_CLASSES:
        return _titled("evaluation", facts)
    return _titled("evaluation", facts) + _picture(confusion_figure(outcome.confusion, outcome.class_names, ""))


@card.register
def _(page: Page) -> str:
    rows = "".join(
        f"<tr><td>{escape(number.text)}</td><td>"
        + "".join(_image(digit.image) for digit in number.digits)
        + f"</td><td>{min(digit.answers[0].probability for digit in number.digits):.3f}</td></tr>"
        for number in page.numbers
        if number.digits
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in page.notes)
    head = "<tr><th>number</th><th>digits as the network sees them</th><th>least probability</th></tr>"
    return f"<h4>{escape(page.name)}</h4>{notes}<table>{head}{rows}</table>"


@card.register
def _(images: Images) -> str:
    counts = np.bincount(images.labels, minlength=len(images.class_names))
    shown = ", ".join(f"{name} ({count:,})" for name, count in zip(images.class_names[:20], counts, strict=False))
    facts = {"images": f"{len(images.labels):,} of 28x28 pixels", "classes": shown, "fingerprint": images.fingerprint}
    return _titled(f"{images.name} {images.part}", facts) + _picture(sheet(images.images, images.labels))


def _facts(known: Card) -> dict[str, str]:
    facts = {
        "accuracy": f"{known.test_accuracy_percent:.2f} % of {known.test_images:,} {known.scored_on} images",
        "trained on": f"{known.data}, {known.epochs} epochs, seed {known.seed}, engine {known.engine}",
        "answers": ", ".join(known.class_names),
    }
    if known.calibration:
        facts["temperature"] = f"{known.calibration.temperature:.2f}"
    return facts


def _titled(title: str, facts: dict[str, str]) -> str:
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(key)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for key, value in facts.items()
    )
    return f"<h4>{escape(title)}</h4><table>{rows}</table>"


def _picture(drawn: Figure) -> str:
    return _png(style.png(drawn), "max-width:100%")


def _image(pixels: np.ndarray) -> str:
    content = io.BytesIO()
    Image.fromarray(255 - pixels).save(content, "png")
    return _png(content.getvalue(), "display:inline; margin:0 2px")


def _png(content: bytes, css: str) -> str:
    return f'<img style="{css}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'
