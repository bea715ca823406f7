"""Draw the pictures of the README and the handbook from finished runs.

python docs/pictures/draw.py runs/archaeology-seed1
"""

import sys
from pathlib import Path

from lenet5 import api
from lenet5.reports.claims import published_accuracy
from lenet5.reports.confusion import confusion_figure
from lenet5.reports.curves import curves
from lenet5.reports.diagram import diagram
from lenet5.reports.gallery import gallery
from lenet5.reports.style import save
from lenet5.training.run import RunFolder

HERE = Path(__file__).parent


def main(path: Path) -> None:
    """Write network, curves, confusion and misclassified as PNG; the SVGs stay in the run folder."""
    run = RunFolder.open(path)
    recipe, rows = run.recipe(), run.history().epochs
    outcome = api.evaluate(path)
    names, misclassified = outcome.data.class_names, outcome.misclassified
    parameters = f"{recipe.architecture.parameters:,} parameters"
    figures = {
        "network": diagram(recipe.architecture, f"LeNet-5 as {recipe.name} builds it: {parameters}"),
        "curves": curves(
            rows,
            title=f"{recipe.name}, batch {recipe.batch_size}, seed {recipe.seed}",
            subtitle=f"{recipe.data}, engine {run.environment()['engine']}",
            published=published_accuracy(recipe, rows),
        ),
        "confusion": confusion_figure(outcome.confusion, names, f"{recipe.name} on {outcome.data.name} test"),
        "misclassified": gallery(
            outcome.data.images[misclassified], outcome.data.labels[misclassified], outcome.answers[misclassified],
            outcome.confidence[misclassified], names, f"{recipe.name} on {outcome.data.name} test", most=30,
        ),
    }  # fmt: skip
    for name, figure in figures.items():
        png, svg = save(figure, HERE / name)
        svg.unlink()
        print(png)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
