"""From claims to runs, and from finished runs to verdicts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from lenet5.recipes import catalogue
from lenet5.reports.measure import HARDWARE, Outcome, structure
from lenet5.reports.verdict import Verdict, judge, judge_rows, read_from
from lenet5.spec import text
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import Recipe
from lenet5.studies.ledger import Ledger
from lenet5.studies.units import Unit
from lenet5.training.history import EpochRow, StepRow

QUICK_EPOCHS = 100  # a quick look trains nothing longer


def settings_of(name: str, claim: Claim) -> Recipe:
    """Return the recipe under which a claim was published."""
    return catalogue.load(name, [f"{key}={json.dumps(value)}" for key, value in claim.overrides.items()])


def units_for(names: Iterable[str], seeds: Sequence[int], engine: str, device: str = "cpu") -> list[Unit]:
    """Return the runs that the claims of some recipes need, with every seed; short ones first within a seed.

    A claim that is computed, or that the source itself contradicts, needs none.
    """
    needed: dict[str, tuple[str, Recipe]] = {}
    for name in names:
        for claim in catalogue.load(name).claims:
            recipe = settings_of(name, claim)
            if needs_runs(claim, recipe):
                needed.setdefault(recipe.digest, (name, recipe))
    made = []
    for seed in seeds:
        for name, recipe in sorted(needed.values(), key=lambda pair: pair[1].total_epochs(60_000)):
            toml = text.dump(recipe.model_copy(update={"seed": seed}))
            made.append(Unit((name, f"batch {recipe.batch_size}, {_length(recipe)}"), toml, seed, engine, device))
    return made


def needs_runs(claim: Claim, recipe: Recipe) -> bool:
    """Whether a claim is judged by training. Speed and memory are shown for what is trained anyway."""
    trained = structure(claim, recipe) is None and not claim.quantity.startswith("original_")
    return trained and not claim.contradicted and claim.quantity not in HARDWARE


def verdicts(name: str, units: Sequence[Unit], ledger: Ledger) -> list[Verdict]:
    """Return the verdict on every claim of a recipe, by the runs that are done."""
    found = []
    for claim in catalogue.load(name).claims:
        recipe = settings_of(name, claim)
        same = [unit for unit in units if _computes(unit.recipe, recipe)]
        runs = [outcome(result) for result in map(ledger.result, same) if result is not None]
        found.append(judge(claim, recipe, runs))
    return found


def quick(units: Sequence[Unit]) -> list[Unit]:
    """Return the units that a quick look trains: the first seed, where it takes no more than a few minutes."""
    return [unit for unit in units if unit.seed == units[0].seed and unit.recipe.total_epochs(60_000) <= QUICK_EPOCHS]


def quick_verdicts(name: str, units: Sequence[Unit], ledger: Ledger) -> list[tuple[Verdict, Verdict]]:
    """Return for every claim of a recipe the verdict with this machine's run of the first seed, and that on record.

    One run has no interval, so the other seeds' runs are taken from the record that comes with the package.
    """
    found = []
    for claim, kept in zip(catalogue.load(name).claims, record().get(name, []), strict=True):
        recipe = settings_of(name, claim)
        same = [ledger.result(unit) for unit in units if _computes(unit.recipe, recipe)]
        fresh = read_from(claim, recipe, [outcome(result) for result in same if result is not None])
        recorded = tuple(tuple(row) for row in kept["runs"])
        rows = (*fresh, *recorded[len(fresh) :])
        found.append((judge_rows(claim, recipe, rows), judge_rows(claim, recipe, recorded)))
    return found


def record() -> dict[str, list[dict[str, Any]]]:
    """Return what `lenet5 reproduce all` found on the project's own machines: every claim of each recipe, in order."""
    kept: dict[str, list[dict[str, Any]]] = json.loads(
        resources.files("lenet5.reports").joinpath("record.json").read_text(encoding="utf-8")
    )
    return kept


def outcome(result: dict[str, Any]) -> Outcome:
    """Return a unit's result as the rows that claims are read from."""
    epochs = tuple(
        EpochRow(
            epoch=number,
            step=result["steps"][number - 1],
            learning_rate=0.0,
            train_loss=result["train_loss"][number - 1],
            train_accuracy_percent=100 - result["train_error_percent"][number - 1],
            test_loss=result["test_loss"][number - 1],
            test_accuracy_percent=100 - error,
            seconds=result["seconds"][number - 1],
            images_per_second=0.0,
            peak_memory_bytes=result["peak_memory_bytes"][number - 1],
        )
        for number, error in enumerate(result["test_error_percent"], start=1)
    )
    steps = tuple(StepRow(step, loss) for step, loss in result["step_losses"])
    return Outcome(result["seed"], epochs, steps, result["result"]["test_images"])


def plain(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain values, for a file."""
    return asdict(verdict) | {"claim": verdict.claim.model_dump(mode="json", exclude_defaults=True)}


def _computes(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes differ in nothing but the seed."""
    return one.model_copy(update={"seed": other.seed}).digest == other.digest


def _length(recipe: Recipe) -> str:
    return f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps:,} steps"
