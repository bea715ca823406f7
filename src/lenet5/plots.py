"""Figures of runs, models and evaluations, for notebooks and programs. Each function returns a matplotlib figure."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from lenet5.data.datasets import Images
from lenet5.errors import ShapeError
from lenet5.inference.evaluation import Evaluation
from lenet5.inference.mnist_form import mnist_form
from lenet5.inference.predictor import Predictor
from lenet5.models import shipped
from lenet5.models.model import Model
from lenet5.recipes import catalogue
from lenet5.reports.calibration import calibration
from lenet5.reports.claims import published_accuracy
from lenet5.reports.confusion import confusion_figure
from lenet5.reports.curves import curves
from lenet5.reports.diagram import diagram
from lenet5.reports.feature_maps import feature_maps
from lenet5.reports.gallery import gallery
from lenet5.reports.kernels import kernels
from lenet5.reports.sheet import sheet
from lenet5.spec.architecture import Architecture
from lenet5.spec.recipe import Recipe
from lenet5.training.run import RunFolder

AnyModel = Path | str | Predictor | Model


def plot_curves(run: RunFolder | Path | str) -> Figure:
    """Return loss and accuracy by epoch, with what was published. Raises RunError where nothing was trained."""
    folder = run if isinstance(run, RunFolder) else RunFolder.open(Path(run))
    recipe, rows = folder.recipe(), folder.history().epochs
    title = f"{recipe.name}, batch {recipe.batch_size}, seed {recipe.seed}"
    return curves(rows, title=title, published=published_accuracy(recipe, rows))


def plot_feature_maps(model: AnyModel, image: ArrayLike, layers: Sequence[str] | None = None) -> Figure:
    """Return the maps of each layer for one image, dark where outputs are large. Raises ShapeError."""
    predictor = model if isinstance(model, Predictor) else Predictor(_model(model))
    pixels = mnist_form(image)
    if len(pixels) != 1:
        raise ShapeError(f"{len(pixels):,} images were given; expected one, such as images[0].")
    return feature_maps(predictor.activations(pixels), layers)


def plot_kernels(model: AnyModel, layer: str | None = None) -> Figure:
    """Return the kernels of a convolution, the first if not given. Raises ModelError for any other layer."""
    return kernels(_model(model), layer)


def plot_architecture(network: AnyModel | Recipe | Architecture) -> Figure:
    """Return the network as stacks of maps. A name is that of a recipe, otherwise of a shipped model or file."""
    if isinstance(network, str) and network in catalogue.names():
        network = catalogue.load(network)
    if isinstance(network, Architecture):
        return diagram(network, f"{network.parameters:,} parameters")
    if isinstance(network, Recipe):
        return diagram(network.architecture, f"{network.name}: {network.architecture.parameters:,} parameters")
    model = _model(network)
    return diagram(model.architecture, f"{model.card.recipe}: {model.architecture.parameters:,} parameters")


def plot_confusion(outcome: Evaluation) -> Figure:
    """Return the confusion matrix with recall and precision of each class."""
    return confusion_figure(outcome.confusion, outcome.class_names, f"{outcome.data.name} {outcome.data.part}")


def plot_misclassified(outcome: Evaluation, most: int = 60) -> Figure:
    """Return the misclassified images, the most confident first."""
    wrong = outcome.misclassified
    return gallery(
        outcome.data.images[wrong], outcome.data.labels[wrong], outcome.answers[wrong], outcome.confidence[wrong],
        outcome.class_names, f"{outcome.data.name} {outcome.data.part}", most,
    )  # fmt: skip


def plot_calibration(outcome: Evaluation) -> Figure:
    """Return the reliability diagram: accuracy against confidence in 15 bins."""
    return calibration(outcome)


def plot_images(images: Images | ArrayLike, labels: ArrayLike | None = None, most: int = 20) -> Figure:
    """Return a sheet of the first images, with their labels where they are known."""
    if isinstance(images, Images):
        return sheet(images.images, images.labels, class_names=images.class_names, most=most)
    return sheet(images, labels, most=most)


def _model(model: AnyModel) -> Model:
    if isinstance(model, Predictor):
        return model.model
    return model if isinstance(model, Model) else shipped.find(model)
