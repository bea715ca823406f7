"""Draw the pictures of the chapter on the network of 1998, and fill in its tables, from `results/studies/`.

python docs/pictures/lecun.py [FOLDER]

FOLDER holds the finished runs of the recipes lecun-1998 and lecun-1998-distortions with seed 1; without it the pictures
that need a model stay as they are.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lenet5 import api
from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.reports import paper, style
from lenet5.reports.gallery import gallery
from lenet5.reports.rejection import rejection
from lenet5.spec.initial import LeCun1998

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STUDIES = ROOT / "results" / "studies"
CHAPTER = HERE.parent / "lecun-1998.md"
SIZES = {"lecun-1998-15k": 15, "lecun-1998-30k": 30, "lecun-1998": 60, "lecun-1998-distortions": 600}
Rows = list[dict[str, Any]]
# Figure 9 (p. 12), test error in percent; in brackets how the images were prepared, or that distorted ones were added.
FIGURE_9 = {
    "linear": 12.0,
    "[deslanted] linear": 8.4,
    "pairwise linear": 7.6,
    "K nearest neighbours": 5.0,
    "[deslanted] K nearest neighbours": 2.4,
    "40 principal components, quadratic": 3.3,
    "1000 RBF, linear": 3.6,
    "[16x16] tangent distance": 1.1,
    "support vectors, degree 4": 1.1,
    "reduced set of support vectors, degree 5": 1.0,
    "[distorted] virtual support vectors, degree 9": 0.8,
    "28x28-300-10": 4.7,
    "[distorted] 28x28-300-10": 3.6,
    "[deslanted] 20x20-300-10": 1.6,
    "28x28-1000-10": 4.5,
    "28x28-300-100-10": 3.05,
    "[distorted] 28x28-300-100-10": 2.5,
    "28x28-500-150-10": 2.95,
    "[distorted] 28x28-500-150-10": 2.45,
    "[16x16] LeNet-1": 1.7,
    "LeNet-4": 1.1,
    "LeNet-5": 0.95,
    "[distorted] LeNet-5": 0.8,
    "[distorted] boosted LeNet-4": 0.7,
}


def kept() -> dict[str, Rows]:
    """Return the rows of the studies that the chapter tells of."""

    def rows(study: str) -> Rows:
        found: Rows = json.loads((STUDIES / f"{study}.json").read_text(encoding="utf-8"))["rows"]
        return found

    return {
        "choices": rows("lecun-1998-choices"),
        "amplitudes": rows("lecun-1998-amplitudes"),
        "runs": [row for recipe in SIZES for row in rows(f"{recipe}-runs")],
    }


def published(recipe: str, quantity: str) -> list[float]:
    """Return a published number, or one for each pass, from the recipe's claims; the last claim is the figure's."""
    claims = [claim for claim in catalogue.load(recipe).claims if claim.quantity == quantity]
    claim = claims[-1]
    return list(claim.values) if claim.values else [float(str(claim.value))]


def errors(rows: Rows, recipe: str, which: str = "error_percent") -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the errors of a recipe's runs in percent: (seeds, passes)."""
    return np.array([row[which] for row in rows if row["recipe"] == recipe])


def figure_5(rows: Rows) -> Figure:
    """Test and train error against the pass, ours with the range over seeds, and the paper's drawing."""
    with style.styled():
        drawn = style.figure(8, 4.2)
        axes = drawn.subplots()
        for which, quantity, colour, name in (
            ("train_error_percent", "train_error_percent", style.TRAIN, "train, while it learns"),
            ("error_percent", "test_error_percent", style.TEST, "test"),
        ):
            ours = errors(rows, "lecun-1998", which)
            passes = np.arange(1, ours.shape[1] + 1)
            axes.fill_between(passes, ours.min(0), ours.max(0), color=colour, alpha=0.2, lw=0)
            axes.plot(passes, ours.mean(0), color=colour, label=f"{name}, mean and range of {len(ours)} seeds")
            axes.plot(
                passes, published("lecun-1998", quantity), "o", ms=4, mfc="none", color=colour, label=f"{name}, 1998"
            )
        axes.set_ylim(0, 5.2)
        axes.set_xticks(range(1, 21))
        axes.set_xlabel("pass through the training set")
        axes.set_ylabel("error, %")
        axes.set_title("Figure 5, again: error against the number of passes", loc="left")
        axes.legend()
        return drawn


def figure_6(rows: Rows) -> Figure:
    """Error against the number of training images."""
    with style.styled():
        drawn = style.figure(7, 4)
        axes = drawn.subplots()
        for which, quantity, colour, name in (
            ("error_percent", "test_error_percent", style.TEST, "test"),
            ("train_error_percent", "train_error_percent", style.TRAIN, "train, while it learns"),
        ):
            sizes = [(recipe, size) for recipe, size in SIZES.items() if size <= 60]
            last = {size: errors(rows, recipe, which)[:, -1] for recipe, size in sizes}
            axes.plot(list(last), [values.mean() for values in last.values()], "-", color=colour, label=f"{name}, ours")
            for size, values in last.items():
                axes.plot([size] * len(values), values, ".", color=colour, ms=5)
            then = [published(recipe, quantity)[-1] for recipe, _ in sizes]
            axes.plot([size for _, size in sizes], then, "o--", mfc="none", lw=1, color=colour, label=f"{name}, 1998")
        axes.set_xlim(0, 65)
        axes.set_ylim(bottom=0)
        axes.set_xticks([15, 30, 60], ["15,000", "30,000", "60,000"])
        axes.set_xlabel("training images")
        axes.set_ylabel("error after 20 passes, %")
        axes.set_title("Figure 6, again: error against the size of the training set", loc="left")
        axes.legend()
        return drawn


def figure_9(rows: Rows) -> Figure:
    """The paper's comparison of systems, and our two networks below it."""
    ours = {
        "LeNet-5, here": float(errors(rows, "lecun-1998")[:, -1].mean()),
        "[distorted] LeNet-5, here": float(errors(rows, "lecun-1998-distortions")[:, -1].mean()),
    }
    with style.styled():
        drawn = style.figure(8, 7)
        axes = drawn.subplots()
        axes.grid(axis="y", visible=False)
        for place, (name, error) in enumerate((FIGURE_9 | ours).items()):
            axes.barh(place, error, 0.7, color=style.BLUE if name in ours else style.GREY)
            axes.text(error, place, f"  {error:.2f}", va="center", fontsize=8, color=style.INK)
        axes.set_yticks(range(len(FIGURE_9) + 2), [*FIGURE_9, *ours], fontsize=8)
        axes.invert_yaxis()
        axes.margins(x=0.1, y=0.01)
        axes.set_xlabel("test error, %")
        title = "Figure 9, again: the systems of 1998 (grey), and ours (blue, the mean of five seeds)"
        drawn.suptitle(title, x=0.01, ha="left", fontsize=11)
        return drawn


def choices_table(rows: Rows) -> str:
    """Return a table of choices: mean error on the images kept from training, and each seed's."""
    lines = ["| choice | error, %: mean | each seed | best pass of the mean |", "|---|---|---|---|"]
    for label in dict.fromkeys(row["label"] for row in rows):
        ours = np.array([row["error_percent"] for row in rows if row["label"] == label])
        each = ", ".join(f"{value:.2f}" for value in ours[:, -1])
        lines.append(f"| {label} | {ours[:, -1].mean():.2f} | {each} | {ours.mean(0).argmin() + 1} |")
    return "\n".join(lines)


def errors_table(rows: Rows) -> str:
    """Return the table of errors: the paper's and ours, with the spread over seeds."""
    lines = [
        "| recipe | 1998 | here: mean | seeds | standard deviation | train error, 1998 | here |",
        "|---|---|---|---|---|---|---|",
    ]
    for recipe in SIZES:
        test, train = errors(rows, recipe)[:, -1], errors(rows, recipe, "train_error_percent")[:, -1]
        first = [c.value for c in catalogue.load(recipe).claims if c.quantity == "test_error_percent" and c.value]
        then_train = [c for c in catalogue.load(recipe).claims if c.quantity == "train_error_percent"]
        said = f"{(then_train[0].value or 0):.2f}" if then_train else ""
        each = ", ".join(f"{value:.2f}" for value in test)
        spread = f"{test.std(ddof=1):.2f}"
        lines.append(
            f"| `{recipe}` | {first[0]:.2f} | **{test.mean():.2f}** | {each} | {spread} | {said} | {train.mean():.2f} |"
        )
    return "\n".join(lines)


def curve_table(rows: Rows) -> str:
    """Return Figure 5 as a table: pass by pass."""
    ours, then = errors(rows, "lecun-1998"), published("lecun-1998", "test_error_percent")
    head = "| pass | " + " | ".join(str(n) for n in range(1, 21)) + " |"
    return "\n".join(
        [head, "|---" * 21 + "|", "| 1998 | " + " | ".join(f"{v:.2f}" for v in then) + " |",
         "| here | " + " | ".join(f"{v:.2f}" for v in ours.mean(0)) + " |"]
    )  # fmt: skip


def rates_table() -> str:
    """Return the range of the rates in the first pass for some first weights: seed 1, the first 500 images."""
    recipe, data = catalogue.load("lecun-1998"), load("mnist", "train")
    inputs = Examples(data.images, data.labels, recipe.preparation).inputs(np.arange(recipe.optimizer.patterns))
    lines = [
        "| first weights | smallest rate | largest rate |",
        "|---|---|---|",
        "| the paper's run | 0.00007 | 0.016 |",
    ]
    for said, gain, exponent in (
        ("$\\pm 2.4/F$, as the paper says", 2.4, 1.0),
        ("$\\pm 1/\\sqrt F$, biases 0, coefficients 1/2, as the authors' later program has it", 1.0, 0.5),
        ("$\\pm 2.4/\\sqrt F$", 2.4, 0.5),
    ):
        weights = first_weights(recipe.architecture, LeCun1998(gain=gain, exponent=exponent), seed=1)
        network = registry.get("numpy").build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
        # A missing connection of C3 has h = 0 and no rate.
        h = np.concatenate([array[array > 0] for array in network.curvature(inputs).values()])
        rates = recipe.optimizer.learning_rate / (recipe.optimizer.mu + h)
        lines.append(f"| {said} | {rates.min():.2g} | {rates.max():.2g} |")
    return "\n".join(lines)


def fill(text: str, name: str, content: str) -> str:
    """Return the text with `content` between the marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{content}\n\n{end}", text, flags=re.DOTALL)


def chapter(text: str, measured: dict[str, Rows]) -> str:
    """Return the chapter with its tables filled in."""
    text = fill(text, "choices", choices_table(measured["choices"]))
    text = fill(text, "amplitudes", choices_table(measured["amplitudes"]))
    text = fill(text, "errors", errors_table(measured["runs"]))
    return fill(text, "curve", curve_table(measured["runs"]))


def from_models(folder: Path) -> dict[str, Figure]:
    """Return the pictures that need a trained model."""
    plain, distorted = (api.evaluate(folder / f"{name}-seed1") for name in ("lecun-1998", "lecun-1998-distortions"))
    wrong = distorted.misclassified
    return {
        "lecun-misclassified": gallery(
            distorted.data.images[wrong], distorted.data.labels[wrong], distorted.answers[wrong],
            distorted.confidence[wrong], distorted.data.class_names, "lecun-1998-distortions, seed 1", most=100,
        ),
        "lecun-rejection": rejection(
            {"lecun-1998": (plain.margin, plain.right), "lecun-1998-distortions": (distorted.margin, distorted.right)}
        ),
    }  # fmt: skip


def main() -> None:
    """Draw and fill in everything."""
    measured = kept()
    figures = {
        "table1": paper.table_1(),
        "codes": paper.codes(),
        "lecun-figure5": figure_5(measured["runs"]),
        "lecun-figure6": figure_6(measured["runs"]),
        "lecun-figure9": figure_9(measured["runs"]),
    }
    if len(sys.argv) > 1:
        figures |= from_models(Path(sys.argv[1]))
    for name, drawn in figures.items():
        png, svg = style.save(drawn, HERE / name)
        svg.unlink()
        print(png)
    text = chapter(CHAPTER.read_text(encoding="utf-8"), measured)
    CHAPTER.write_text(fill(text, "rates", rates_table()), encoding="utf-8")


if __name__ == "__main__":
    main()
