"""Early stopping by the loss on validation images (Prechelt 1998)."""

from collections.abc import Sequence

from lenet5.spec.recipe import Recipe
from lenet5.training.history import EpochRow


def stops_early(recipe: Recipe, rows: Sequence[EpochRow]) -> bool:
    """Return whether the last epochs, as many as the recipe's patience, have brought no smaller validation loss."""
    if not recipe.patience or len(rows) <= recipe.patience:
        return False
    before = min(row.test_loss for row in rows[: -recipe.patience])
    return min(row.test_loss for row in rows[-recipe.patience :]) >= before
