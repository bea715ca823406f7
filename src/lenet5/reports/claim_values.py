"""Our own values, from runs or the network, for the numbers of a publication."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, prod
from statistics import mean
from typing import Any

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim
from lenet5.spec.layers import Convolution
from lenet5.spec.optimizer import Cosine
from lenet5.spec.recipe import Recipe
from lenet5.studies.scale import ErrorRate, Loss, Scale
from lenet5.training.diagnosis import failed_start, loss_crossing, lowest_test_loss, overfitting_onset
from lenet5.training.history import EpochScores, StepRow

ORIGINAL = "lecun-1998"  # what a source says of the network of 1998 is held against this recipe
CONVERGED_WITHIN_POINTS = 0.5  # of the last test accuracy
TRAINING_IMAGES = 60_000  # of every data set that a publication with claims trained on
TEST_IMAGES = 10_000
ALEXNET_PARAMETERS = 60_000_000  # Krizhevsky, Sutskever and Hinton 2012, abstract
STRUCTURE = {"parameters", "connections", "output_shape", "units", "kernel_size"}
ORIGINAL_STRUCTURE = {"original_parameters", "original_connections", "original_output_shape", "original_units"}
HARDWARE = {"seconds_per_epoch", "total_seconds", "memory_megabytes"}
WEIGHTS = "published_weights_accuracy_percent"  # judged by `lenet5 import`, if the file is available
# Of the source's machine or weights, with nothing of ours beside it.
STATED = {WEIGHTS, "card_teraflops", "test_seconds", "test_batches_per_second", "counting_milliseconds"}
EPOCH_NUMBERS = {"overfitting_onset_epoch", "lowest_test_loss_epoch", "loss_crossing_epoch"}
ACCURACIES = {"test_accuracy_percent", "train_accuracy_percent"}
ERROR_RATES = {"test_error_percent", "train_error_percent"}


@dataclass(frozen=True)
class Outcome:
    """One finished run: its seed and its history."""

    seed: int
    epochs: tuple[EpochScores, ...]
    steps: tuple[StepRow, ...] = ()
    classes: int = 10

    @property
    def failed(self) -> bool:
        """Whether the run ended no better than guessing: it never learned, or it collapsed."""
        return failed_start(self.epochs[-1].test_accuracy_percent, self.classes)


Runs = Mapping[str, Sequence[Outcome]]  # by the digest of their settings


def settings(recipe: Recipe) -> str:
    """Return a digest of what a recipe computes, whatever its name and seed.

    Nor does its length matter where the first epochs of a long run are those of a short one.
    """
    depends_on_length = recipe.steps or recipe.averaged_epochs or isinstance(recipe.schedule, Cosine)
    plain: dict[str, Any] = {"name": "any", "seed": 0, "claims": (), "comparisons": (), "differences": ()} | (
        {} if depends_on_length else {"epochs": 1}
    )
    return recipe.model_copy(update=plain).digest


def length(recipe: Recipe) -> int:
    """Return how many epochs a recipe's run has."""
    return recipe.total_epochs(recipe.images or TRAINING_IMAGES)


def structure(claim: Claim, recipe: Recipe) -> float | tuple[int, ...] | None:
    """Return the claim's quantity as our network has it, without training; None where training is needed."""
    if claim.quantity in ORIGINAL_STRUCTURE:
        recipe = catalogue.load(ORIGINAL)
    elif claim.quantity.startswith("original_"):
        return None
    quantity = claim.quantity.removeprefix("original_")
    match quantity:
        case "train_images":
            return TRAINING_IMAGES
        case "test_images":
            return TEST_IMAGES
        case "train_batches":
            return recipe.steps_per_epoch(TRAINING_IMAGES)
        case "test_batches":
            return recipe.steps_per_epoch(TEST_IMAGES)
        case "alexnet_times_larger":
            return ALEXNET_PARAMETERS / recipe.architecture.parameters
    if quantity not in STRUCTURE:
        return None
    placed = {placed.name: placed for placed in recipe.architecture.placed}
    shape = placed[claim.layer or "output"].output_shape
    if quantity == "output_shape":
        return shape
    if quantity == "units":
        return prod(shape)
    if quantity == "kernel_size":
        layer = placed[claim.layer or "C1"].layer
        return layer.kernel if isinstance(layer, Convolution) else getattr(layer, "size", 1)
    part = placed[claim.layer] if claim.layer else recipe.architecture
    return part.parameters if quantity == "parameters" else part.connections


def measured(claim: Claim, recipe: Recipe, run: Outcome) -> tuple[float, ...] | None:
    """Return the claim's quantity in one run: a number, or one for each epoch; None where the run does not reach it.

    recipe  the recipe with the claim's overrides; a run that is longer is read as far as this recipe goes
    """
    rows = [row for row in run.epochs if row.epoch <= length(recipe)]
    if claim.quantity == "step_loss":
        return next(((row.loss,) for row in run.steps if row.step == claim.step), None)
    if not rows or (claim.epoch or len(claim.values) or length(recipe)) > rows[-1].epoch:
        return None
    if claim.quantity in EPOCH_NUMBERS:
        return (float(_epoch_number(claim, [row.train_loss for row in rows], [row.test_loss for row in rows])),)
    if claim.quantity == "converged_by_step":
        enough = rows[-1].test_accuracy_percent - CONVERGED_WITHIN_POINTS
        return (float(next(row.step for row in rows if row.test_accuracy_percent >= enough)),)
    if claim.quantity == "total_seconds":
        return (mean(row.seconds for row in rows) * length(recipe),)
    wanted = range(1, len(claim.values) + 1) if claim.values else [claim.epoch or length(recipe)]
    values = tuple(_of_row(claim, row) for row in rows if row.epoch in wanted)
    return None if any(map(isnan, values)) else values


def scale(claim: Claim, recipe: Recipe) -> Scale:
    """Return the scale on which a trained quantity is judged."""
    if claim.quantity.endswith("loss"):
        return Loss()
    return ErrorRate(images(claim, recipe))


def images(claim: Claim, recipe: Recipe) -> int:
    """Return how many images an error rate or accuracy is taken over."""
    if claim.quantity.startswith("train"):
        return recipe.images or TRAINING_IMAGES - recipe.validation
    return TEST_IMAGES


def scaled(claim: Claim, recipe: Recipe, value: float) -> float:
    """Return what the claim's scale takes: the misclassified images of an accuracy or error rate, or a loss."""
    count = images(claim, recipe)
    if claim.quantity in ACCURACIES:
        return (100 - value) * count / 100
    if claim.quantity in ERROR_RATES:
        return value * count / 100
    return count - value if claim.quantity == "test_images_correct" else value


def unscaled(claim: Claim, recipe: Recipe, value: float) -> float:
    """Return the claim's own quantity from what its scale takes: the inverse of `scaled`."""
    count = images(claim, recipe)
    if claim.quantity in ACCURACIES:
        return 100 - 100 * value / count
    if claim.quantity in ERROR_RATES:
        return 100 * value / count
    return count - value if claim.quantity == "test_images_correct" else value


def _epoch_number(claim: Claim, train_losses: list[float], test_losses: list[float]) -> int:
    match claim.quantity:
        case "lowest_test_loss_epoch":
            return lowest_test_loss(test_losses)
        case "loss_crossing_epoch":
            return loss_crossing(train_losses, test_losses)
        case _:
            return overfitting_onset(train_losses, test_losses)


def _of_row(claim: Claim, row: EpochScores) -> float:
    match claim.quantity:
        case "test_accuracy_percent":
            return row.test_accuracy_percent
        case "test_error_percent":
            return row.test_error_percent
        case "train_accuracy_percent":
            return row.train_accuracy_percent
        case "train_error_percent":
            return row.train_error_percent
        case "test_images_correct":
            return row.test_correct
        case "train_loss":
            return row.train_loss
        case "test_loss":
            return row.test_loss
        case "seconds_per_epoch":
            return row.seconds
        case "memory_megabytes":
            return row.peak_memory_bytes / 1e6
        case quantity:
            raise AssertionError(f"{quantity} is not read from an epoch")
