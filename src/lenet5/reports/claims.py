"""Selection of the published numbers that apply to a run."""

from collections.abc import Sequence
from typing import Any

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import PROSE, Recipe
from lenet5.training.history import EpochScores

# A claim about epoch 6 holds for any run of these settings that reaches epoch 6, whatever its seed.
WITHOUT_EFFECT = PROSE | {"seed", "epochs", "steps", "report_every", "restarts"}


def applicable(recipe: Recipe) -> list[Claim]:
    """Return the claims of the recipe's source whose settings are those of this recipe.

    A recipe that was changed by overrides keeps only the claims that were published for the changed settings:
    `archaeology` with batch_size=64 has those of batch 64, and with another learning rate none.
    """
    settings = _settings(recipe)
    if recipe.name not in catalogue.names():
        return [claim for claim in recipe.claims if not claim.overrides]
    return [
        claim
        for claim in catalogue.load(recipe.name).claims
        if _settings(catalogue.load(recipe.name, overrides=_as_overrides(claim))) == settings
    ]


def published_accuracy(recipe: Recipe, rows: Sequence[EpochScores]) -> dict[int, float]:
    """Return the published test accuracies, in percent, for these settings and for epochs that a run has reached.

    Where a source gives errors, they are taken from 100. Where it gives two numbers for one epoch, the first in the
    recipe stands.
    """
    epoch_of_step = {row.step: row.epoch for row in rows}
    reached = set(epoch_of_step.values())
    found: dict[int, float] = {}
    for claim in applicable(recipe):
        if claim.quantity in ("test_accuracy_percent", "test_error_percent"):
            last = int(claim.overrides.get("epochs") or recipe.epochs or 0)
            epoch = claim.epoch or epoch_of_step.get(claim.step or 0) or last
            values = claim.values or ((claim.value,) if isinstance(claim.value, float | int) else ())
            first = 1 if claim.values else epoch
            for number, value in enumerate(values, start=first):
                if number in reached:
                    accuracy = value if claim.quantity == "test_accuracy_percent" else 100 - value
                    found.setdefault(number, float(accuracy))
    return found


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(exclude=WITHOUT_EFFECT)


def _as_overrides(claim: Claim) -> list[str]:
    return [f"{key}={value}" for key, value in claim.overrides.items()]
