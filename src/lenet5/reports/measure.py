"""What our own runs, or our own network, say where a publication gives a number."""

from dataclasses import dataclass

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import Recipe
from lenet5.training.diagnosis import overfitting_onset
from lenet5.training.history import EpochRow, StepRow

ORIGINAL = "lecun-1998"  # what a source says of the network of 1998 is held against this recipe
CONVERGED_WITHIN_POINTS = 0.5  # of the last test accuracy
STRUCTURE = {"parameters", "connections", "output_shape", "train_batches", "test_batches"}
ORIGINAL_STRUCTURE = {"original_parameters", "original_connections"}
HARDWARE = {"seconds_per_epoch", "total_seconds", "memory_megabytes"}


@dataclass(frozen=True)
class Outcome:
    """One finished run: its seed and its history."""

    seed: int
    epochs: tuple[EpochRow, ...]
    steps: tuple[StepRow, ...] = ()
    test_images: int = 10_000


def structure(claim: Claim, recipe: Recipe) -> float | tuple[int, ...] | None:
    """Return the claim's quantity as our network has it, without training; None where training is needed."""
    if claim.quantity in ORIGINAL_STRUCTURE:
        recipe = catalogue.load(ORIGINAL)
    quantity = claim.quantity.removeprefix("original_")
    if quantity == "train_batches":
        return recipe.steps_per_epoch(60_000)
    if quantity == "test_batches":
        return recipe.steps_per_epoch(10_000)
    if quantity not in STRUCTURE:
        return None
    placed = {placed.name: placed for placed in recipe.architecture.placed}
    if quantity == "output_shape":
        return placed[claim.layer or "output"].output_shape
    part = placed[claim.layer] if claim.layer else recipe.architecture
    return part.parameters if quantity == "parameters" else part.connections


def measured(claim: Claim, run: Outcome) -> tuple[float, ...] | None:
    """Return the claim's quantity in one run: a number, or one for each epoch; None where the run does not reach it."""
    rows = run.epochs
    if claim.quantity == "step_loss":
        return next(((row.loss,) for row in run.steps if row.step == claim.step), None)
    if claim.quantity == "overfitting_onset_epoch":
        return (float(overfitting_onset([row.train_loss for row in rows], [row.test_loss for row in rows])),)
    if claim.quantity == "converged_by_step":
        near = [
            row for row in rows if row.test_accuracy_percent >= rows[-1].test_accuracy_percent - CONVERGED_WITHIN_POINTS
        ]
        return (float(near[0].step),)
    if claim.quantity == "total_seconds":
        return (sum(row.seconds for row in rows),)
    if claim.values:
        return (
            tuple(_of_row(claim, row, run) for row in rows[: len(claim.values)])
            if len(rows) >= len(claim.values)
            else None
        )
    chosen = [row for row in rows if claim.epoch in (None, row.epoch)]
    return (_of_row(claim, chosen[-1], run),) if chosen else None


def _of_row(claim: Claim, row: EpochRow, run: Outcome) -> float:
    match claim.quantity:
        case "test_accuracy_percent":
            return row.test_accuracy_percent
        case "test_error_percent":
            return 100 - row.test_accuracy_percent
        case "train_accuracy_percent":
            return row.train_accuracy_percent
        case "train_error_percent":
            return 100 - row.train_accuracy_percent
        case "test_images_correct":
            return round(row.test_accuracy_percent * run.test_images / 100)
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
