"""Verdicts on statements that compare two ways of training.

The rule is stated in docs/reproduce.md. Pairs of runs share their seed. Wilcoxon's signed ranks (1945) decide, because
a run that fails to train counts for what it came to and must not count for more than its rank.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from statistics import fmean, median, pstdev
from typing import Literal

from lenet5.recipes import catalogue
from lenet5.reports.claim_values import TEST_IMAGES, Outcome, Runs, length, settings
from lenet5.spec.claim import Comparison
from lenet5.spec.recipe import Recipe
from lenet5.studies.prediction import ALPHA
from lenet5.studies.scale import ErrorRate, Loss
from lenet5.studies.statistics import holm

MARGIN = log(1.1)  # a change by less than this factor, in the odds of an error or in a loss, makes no difference


@dataclass(frozen=True)
class Compared:
    """A statement with what we found.

    values     (before, after) the change, for each seed
    factors    (least, median, largest) factor of the change in the odds of an error, or in the loss
    p          how probable ranks so far on one side are if the change makes no difference, or none beyond the margin
    corrected  p after Holm's correction over the recipe's statements
    """

    comparison: Comparison
    word: Literal["reproduced", "not reproduced", "needs more runs", "not run"]
    values: tuple[tuple[float, float], ...] = ()
    factors: tuple[float, float, float] | None = None
    p: float | None = None
    corrected: float | None = None


def sides(name: str, comparison: Comparison) -> tuple[Recipe, Recipe]:
    """Return the two recipes of a comparison: without the change, and with it."""
    both = _overrides(comparison.set)
    return catalogue.load(name, both), catalogue.load(name, [*both, *_overrides(comparison.change)])


def late_steps(recipe: Recipe) -> range:
    """Return the steps in the second half of a run whose batch losses are reported."""
    every, steps = recipe.report_every, recipe.steps or 0
    return range(-(-steps // 2 // every) * every, steps, every) if every else range(0)


def compare(name: str, runs: Runs) -> list[Compared]:
    """Return the verdict on every statement of a recipe, by the finished runs of its settings."""
    found = [_measured(name, comparison, runs) for comparison in catalogue.load(name).comparisons]
    corrected = iter(holm([each.p for each in found if each.p is not None]))
    return [each if each.p is None else _decided(each, next(corrected)) for each in found]


def _decided(found: Compared, corrected: float) -> Compared:
    return replace(found, corrected=corrected, word=found.word if corrected < ALPHA else "needs more runs")


def _measured(name: str, comparison: Comparison, runs: Runs) -> Compared:
    """Return the two sides' values with p, and the word that holds if p is small enough."""
    recipes = sides(name, comparison)
    before, after = ({run.seed: run for run in runs.get(settings(recipe), ())} for recipe in recipes)
    pairs = [
        tuple(_value(comparison, recipe, run) for recipe, run in zip(recipes, pair, strict=True))
        for pair in ((before[seed], after[seed]) for seed in sorted(before.keys() & after.keys()))
    ]
    if not pairs:
        return Compared(comparison, "not run")
    values = tuple((first, second) for first, second in pairs)
    on = ErrorRate(TEST_IMAGES) if comparison.quantity == "test_error_percent" else Loss()
    times = TEST_IMAGES / 100 if comparison.quantity == "test_error_percent" else 1
    shifts = [on.to(second * times) - on.to(first * times) for first, second in values]
    lower, not_lower = _p(shifts, "less"), _p([shift + MARGIN for shift in shifts], "greater")
    says, other = (lower, not_lower) if comparison.expected == "lower" else (not_lower, lower)
    holds = says <= other or 2 * says < ALPHA  # a small help is both: it lowers, and by less than the margin
    return Compared(
        comparison,
        "reproduced" if holds else "not reproduced",
        values,
        (exp(min(shifts)), exp(median(shifts)), exp(max(shifts))),
        min(1.0, 2 * (says if holds else other)),
    )


def _p(shifts: Sequence[float], side: Literal["less", "greater"]) -> float:
    """Return the one-sided p of Wilcoxon's test."""
    from scipy.stats import wilcoxon  # takes half a second to import

    return float(wilcoxon(shifts, alternative=side).pvalue) if any(shifts) else 1.0


def _value(comparison: Comparison, recipe: Recipe, run: Outcome) -> float:
    rows = [row for row in run.epochs if row.epoch <= length(recipe)]
    match comparison.quantity:
        case "test_error_percent":
            return rows[-1].test_error_percent
        case "mean_train_loss":
            steps = [row.step for row in rows]
            lengths = [now - before for before, now in zip([0, *steps], steps, strict=False)]
            return fmean([row.train_loss for row in rows], weights=lengths)
        case "late_loss_deviation":
            late = late_steps(recipe)
            return pstdev(row.loss for row in run.steps if row.step in late)


def _overrides(changes: Mapping[str, int | float | str]) -> list[str]:
    return [f"{key}={json.dumps(value)}" for key, value in changes.items()]
