"""Draw the pictures of the chapter on `digits`, and fill in its tables, from the shipped model and MNIST's test digits.

LENET5_DATA=FOLDER python docs/pictures/digits.py
"""

import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import lenet5
from lenet5 import metrics
from lenet5.data.datasets import Images, load
from lenet5.data.made.not_digits import KINDS_OF, Digits
from lenet5.data.made.rough_digits import FAR, roughened
from lenet5.inference.predictor import Predictor
from lenet5.reports import style
from lenet5.reports.rejection import rejection
from lenet5.seeds import stream
from lenet5.spec.digits import NOT_A_DIGIT_LABEL

HERE = Path(__file__).parent
CHAPTER = HERE.parent / "digits.md"
COLUMNS = 20


def sheet(rows: NDArray[np.uint8]) -> Figure:
    """Return images, (rows, columns, 28, 28), as dark ink on white."""
    framed = np.pad(255 - rows, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=200)
    n_rows, n_columns, side, _ = framed.shape
    with style.styled(grid=False):
        drawn = style.figure(n_columns * 0.42, n_rows * 0.42)
        axes = drawn.subplots()
        axes.imshow(framed.swapaxes(1, 2).reshape(n_rows * side, n_columns * side), cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        return drawn


def examples() -> NDArray[np.uint8]:
    """Return six rows of rough digits and one of each kind of no digit, before and after roughening."""
    data, random = load("mnist", "test"), stream(1, "pictures of rough digits")
    images = np.asarray(data.images)
    digits = roughened(images[random.permutation(len(images))[: 6 * COLUMNS]], random, far=FAR)
    strange = np.concatenate([make(Digits(images, data.labels), COLUMNS, random) for make, _ in KINDS_OF])
    strange[1::2] = roughened(strange[1::2], random, far=0.0)
    return np.concatenate([digits, strange]).reshape(-1, COLUMNS, 28, 28)


def sure_and_right(model: Predictor, data: Images) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return how sure a model is of a digit, and whether it is right; of "not a digit" it is not sure at all."""
    probabilities = model.probabilities(data.images)
    answers = probabilities.argmax(axis=1)
    return np.where(answers == NOT_A_DIGIT_LABEL, 0, probabilities.max(axis=1)), answers == data.labels


def alarms(models: dict[str, Predictor], data: Images) -> str:
    """Return, for each kind of no digit, how often a digit is answered, as Markdown."""
    digits, random = Digits(np.asarray(data.images), data.labels), stream(1, "false alarms")
    sure = {
        threshold.max_error_percent: threshold.probability
        for threshold in models["digits"].model.card.calibration.thresholds  # type: ignore[union-attr]
    }
    lines = ["| | `modern` | `digits` | `digits`, at most 1 % wrong | `digits-large` |", "|---|---|---|---|---|"]
    for make, _ in KINDS_OF:
        images = make(digits, 2000, random)
        shares = []
        for name, least in (("modern", 0.0), ("digits", 0.0), ("digits", sure[1.0]), ("digits-large", 0.0)):
            probabilities = models[name].probabilities(images)
            given = (probabilities.argmax(axis=1) != NOT_A_DIGIT_LABEL) & (probabilities.max(axis=1) >= least)
            shares.append(f"{100 * given.mean():.1f}")
        lines.append(f"| {make.__name__.replace('_', ' ')} | {' | '.join(shares)} |")
    return "\n".join(lines)


def thresholds(model: Predictor) -> str:
    """Return how many digits are rejected for few errors, as Markdown."""
    lines = ["| at most wrong, % | answers surer than | digits rejected, % |", "|---|---|---|"]
    known = model.model.card.calibration
    for each in known.thresholds if known else ():
        lines.append(f"| {each.max_error_percent:g} | {each.probability:.3f} | {each.rejected_percent:.1f} |")
    return "\n".join(lines)


def fill(page: str, name: str, content: str) -> str:
    """Return a page with new content between the marks of a name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{content}\n\n{end}", page, flags=re.DOTALL)


def keep(drawn: Figure, name: str) -> None:
    """Write a picture for the handbook; as pixels only, for there are thousands of them."""
    _, svg = style.save(drawn, HERE / name)
    svg.unlink()


def main() -> None:
    """Draw and fill in."""
    models = {name: lenet5.load(name) for name in ("modern", "digits", "digits-large")}
    keep(sheet(examples()), "rough-digits")
    rough = load("rough-digits", "test")
    digits = rough.cut(0, int(np.count_nonzero(rough.labels != NOT_A_DIGIT_LABEL)), "test")
    curves = {name: sure_and_right(model, digits) for name, model in models.items()}
    keep(rejection(curves, "rough digits of MNIST's test set"), "digits-rejection")
    error = {name: metrics.expected_calibration_error_percent(*curve) for name, curve in curves.items()}
    print({name: round(percent, 2) for name, percent in error.items()})
    page = CHAPTER.read_text(encoding="utf-8")
    page = fill(page, "thresholds", thresholds(models["digits"]))
    CHAPTER.write_text(fill(page, "false alarms", alarms(models, load("mnist", "test"))), encoding="utf-8")


if __name__ == "__main__":
    main()
