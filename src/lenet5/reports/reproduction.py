"""From claims to runs, and from finished runs to verdicts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from lenet5.recipes import catalogue
from lenet5.reports.claim_values import HARDWARE, STATED, TRAINING_IMAGES, Outcome, Runs, length, settings, structure
from lenet5.reports.comparison import Compared, sides
from lenet5.reports.verdict import Case, Verdict, judge
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import Recipe
from lenet5.spec.specification import decisive
from lenet5.studies.ledger import Ledger
from lenet5.studies.units import Unit
from lenet5.training.history import EpochScores, StepRow

QUICK_EPOCHS = 100  # a quick look trains nothing longer
LONG_EPOCHS = 60  # longer runs take more than three minutes
SEEDS, FEWER_SEEDS = 30, 10  # fewer for long runs, and for what only statements compare


def settings_of(name: str, claim: Claim) -> Recipe:
    """Return the recipe under which a claim was published."""
    return _overridden(name, tuple(f"{key}={json.dumps(value)}" for key, value in claim.overrides.items()))


@lru_cache(maxsize=256)
def _overridden(name: str, overrides: tuple[str, ...]) -> Recipe:
    return catalogue.load(name, overrides)


def trained_for(names: Iterable[str]) -> dict[str, tuple[str, Recipe]]:
    """Return what some recipes need trained: settings -> the recipe's name, and its longest run.

    A claim that is computed, or that the source itself contradicts, needs no run.
    """
    claimed, compared = _claimed(names), _compared(names)
    return compared | claimed


def _claimed(names: Iterable[str]) -> dict[str, tuple[str, Recipe]]:
    needed: dict[str, tuple[str, Recipe]] = {}
    for name in names:
        for claim in catalogue.load(name).claims:
            recipe = settings_of(name, claim)
            if needs_runs(claim, recipe):
                key = settings(recipe)
                if key not in needed or length(needed[key][1]) < length(recipe):
                    needed[key] = (name, recipe)
    return needed


def _compared(names: Iterable[str]) -> dict[str, tuple[str, Recipe]]:
    return {
        settings(recipe): (name, recipe)
        for name in names
        for comparison in catalogue.load(name).comparisons
        for recipe in sides(name, comparison)
    }


def units_for(names: Sequence[str], seeds: int | None, engine: str, device: str = "cpu") -> list[Unit]:
    """Return the runs that the claims and statements of some recipes need, short ones first, with every seed from 1.

    seeds  how many; None: 30, and 10 of runs that take more than about three minutes or that are only compared
    """
    claimed, made = _claimed(names), []
    for key, (name, recipe) in sorted(trained_for(names).items(), key=lambda item: length(item[1][1])):
        count = seeds or (SEEDS if key in claimed and length(recipe) <= LONG_EPOCHS else FEWER_SEEDS)
        for seed in range(1, count + 1):
            seeded = recipe.model_copy(update={"seed": seed})
            made.append(Unit((name, _label(name, recipe)), seeded, engine, device))
    return made


def needs_runs(claim: Claim, recipe: Recipe) -> bool:
    """Whether a claim is judged by training. Speed and memory are shown for what is trained anyway."""
    trained = structure(claim, recipe) is None and not claim.quantity.startswith("original_")
    return trained and not claim.contradicted and claim.quantity not in HARDWARE | STATED


def finished(units: Iterable[Unit], ledger: Ledger) -> dict[str, list[Outcome]]:
    """Return the runs that are done, by their settings."""
    found: dict[str, list[Outcome]] = {}
    for unit in units:
        result = ledger.result(unit)
        if result is not None:
            recipe = unit.recipe
            found.setdefault(settings(recipe), []).append(outcome(result, recipe.images or TRAINING_IMAGES))
    return found


def verdicts(name: str, runs: Runs) -> list[Verdict]:
    """Return the verdict on every claim of a recipe."""
    cases = []
    for claim in catalogue.load(name).claims:
        recipe = settings_of(name, claim)
        cases.append(Case(claim, recipe, tuple(runs.get(settings(recipe), ()))))
    return judge(cases)


def explanations(name: str) -> list[str]:
    """Return the recipes that say what would have to be true for the failed claims of a recipe to come out."""
    return [other for other in catalogue.names() if catalogue.load(other).explains == name]


def quick(units: Sequence[Unit]) -> list[Unit]:
    """Return the units that a quick look trains: the first seed, where it takes no more than a few minutes."""
    return [unit for unit in units if unit.seed == 1 and length(unit.recipe) <= QUICK_EPOCHS]


def merged(recorded: Runs, fresh: Runs) -> dict[str, list[Outcome]]:
    """Return recorded runs with fresh ones in the place of those of the same seed."""
    found: dict[str, list[Outcome]] = {}
    for key in {*recorded, *fresh}:
        by_seed = {run.seed: run for run in (*recorded.get(key, ()), *fresh.get(key, ()))}
        found[key] = [by_seed[seed] for seed in sorted(by_seed)]
    return found


def outcome(result: dict[str, Any], train_images: int) -> Outcome:
    """Return the history in a unit's result.

    train_images  shown in an epoch, for the result of an earlier version, whose counts are only given in percent
    """
    test_images, epochs = result["result"]["test_images"], len(result["steps"])
    if "test_correct" not in result:
        result = result | {
            "test_correct": [_correct(error, test_images) for error in result["test_error_percent"]],
            "train_correct": [_correct(error, train_images) for error in result["train_error_percent"]],
            "train_images": [train_images] * epochs,
        }
    columns = (
        "steps", "train_loss", "train_correct", "train_images", "test_loss", "test_correct", "seconds",
        "peak_memory_bytes",
    )  # fmt: skip
    rows = tuple(
        EpochScores(
            epoch, step, train_loss, train_correct, shown, test_loss, test_correct, test_images, seconds, memory
        )
        for epoch, (step, train_loss, train_correct, shown, test_loss, test_correct, seconds, memory) in enumerate(
            zip(*(result[column] for column in columns), strict=True), start=1
        )
    )
    return Outcome(result["seed"], rows, tuple(StepRow(step, loss) for step, loss in result["step_losses"]))


def _correct(error_percent: float, images: int) -> int:
    return images - round(error_percent * images / 100)


def plain(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain values, for a file."""
    return asdict(verdict) | {"claim": verdict.claim.model_dump(mode="json", exclude_defaults=True)}


def plain_statement(compared: Compared) -> dict[str, Any]:
    """Return the verdict on a statement as plain values, for a file."""
    return asdict(compared) | {"comparison": compared.comparison.model_dump(mode="json", exclude_defaults=True)}


def _label(name: str, recipe: Recipe) -> str:
    """Return what a run's settings are, in words: batch size, length, and what differs in the optimizer."""
    usual = decisive(catalogue.load(name).optimizer)
    changes = [f"{key} {value}" for key, value in decisive(recipe.optimizer).items() if usual.get(key) != value]
    run = f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps:,} steps"
    return ", ".join([f"batch {recipe.batch_size}", run, *changes])
