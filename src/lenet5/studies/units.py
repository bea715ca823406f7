"""Expansion of a plan into units of one run each, named by a digest of everything that determines the result."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from lenet5.data.datasets import fitted
from lenet5.distribution import VERSION
from lenet5.recipes import catalogue
from lenet5.spec.recipe import Recipe
from lenet5.studies.plan import StudyPlan


@dataclass(frozen=True)
class Unit:
    """One run of a study.

    label  its options, one for each axis of the plan
    """

    label: tuple[str, ...]
    recipe: Recipe
    engine: str
    device: str = "cpu"

    @property
    def seed(self) -> int:
        """The seed of its recipe."""
        return self.recipe.seed

    @cached_property  # asked for many times, and a study may have thousands of units
    def digest(self) -> str:
        """20 hexadecimal digits that identify the result up to rounding: recipe, engine, version, device.

        Every unit runs in one thread. The number of networks trained together affects only rounding and is left out.
        """
        decides = [self.recipe.digest, self.engine, VERSION, *([self.device] if self.device != "cpu" else [])]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:20]


def units(plan: StudyPlan, engine: str, device: str = "cpu") -> list[Unit]:
    """Return the units of a plan, seed by seed, so that every option has a first result early.

    Raises RecipeError, before anything runs, when an option makes a recipe invalid; raises DataError.
    """
    made = []
    for seed in plan.seed_list:
        for label, overrides in combinations(plan):
            recipe = catalogue.load(plan.recipe, [*plan.overrides, *overrides, f"seed={seed}"])
            made.append(Unit(label, fitted(recipe), engine, device))
    return made


def combinations(plan: StudyPlan) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return each combination of options: its labels, and all their overrides."""
    chosen: Sequence[Sequence[tuple[str, tuple[str, ...]]]] = list(
        product(*(list(axis.choices().items()) for axis in plan.vary))
    )
    return [
        (tuple(label for label, _ in options), [each for _, overrides in options for each in overrides])
        for options in chosen
    ]
