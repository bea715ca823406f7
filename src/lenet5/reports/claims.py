"""Which published numbers speak about a given run."""

from typing import Any

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import PROSE, Recipe

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


def published_accuracy(recipe: Recipe) -> dict[int, Claim]:
    """Return the published test accuracies for these settings: epoch -> claim.

    Where a source gives two numbers for one epoch, the first in the recipe stands.
    """
    found: dict[int, Claim] = {}
    for claim in applicable(recipe):
        if claim.quantity == "test_accuracy_percent":
            for epoch, value in _by_epoch(claim, recipe).items():
                found.setdefault(epoch, claim.model_copy(update={"value": value, "values": ()}))
    return found


def _by_epoch(claim: Claim, recipe: Recipe) -> dict[int, float]:
    if claim.values:
        return dict(enumerate(claim.values, start=1))
    epoch = claim.epoch or claim.overrides.get("epochs") or recipe.epochs
    return {int(epoch): float(claim.value)} if epoch and isinstance(claim.value, int | float) else {}


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(exclude=WITHOUT_EFFECT)


def _as_overrides(claim: Claim) -> list[str]:
    return [f"{key}={value}" for key, value in claim.overrides.items()]
