"""The pictures of a run folder: its curves, and its single-batch losses where the recipe records them."""

from pathlib import Path

from lenet5.reports.claims import published_accuracy
from lenet5.reports.curves import curves, step_losses
from lenet5.reports.style import save
from lenet5.training.run import RunFolder


def draw(run: RunFolder) -> list[Path]:
    """Draw and write the pictures of a run; return their paths. Raises RunError when the disk refuses."""
    recipe, history = run.recipe(), run.history()
    if not history.epochs:
        return []
    figure = curves(
        history.epochs,
        title=f"{recipe.name}, batch {recipe.batch_size}, seed {recipe.seed}",
        subtitle=f"{recipe.data}, engine {run.environment().get('engine')}",
        published=published_accuracy(recipe, history.epochs),
    )
    written = save(figure, run.path / "curves")
    if history.steps:
        written += save(step_losses(history.steps, title=f"{recipe.name}: loss of single batches"), run.path / "steps")
    return written
