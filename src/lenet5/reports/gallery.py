"""The images that a model misclassifies, with truth, answer and confidence."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.reports import style
from lenet5.spec.digits import SIDE

COLUMNS = 10
WIDE, TILE, CAPTION = 32, 38, 8  # pixels: an image with its gap, with its caption, the caption


def gallery(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    answers: NDArray[np.int64],
    confidence: Float,
    class_names: Sequence[str],
    title: str = "",
    most: int = 60,
) -> Figure:
    """Return misclassified images in a grid, in the order given.

    images              (n, 28, 28) the misclassified images, the most confident first
    labels, answers     (n,) truth and answer
    confidence          (n,) softmax of the answer, 0..1
    most                how many are shown at the most
    """
    shown = min(most, len(images))
    count = f"{shown:,} / {len(images):,}" if shown < len(images) else f"{shown:,}"
    said = f"misclassified: {count}"
    columns = COLUMNS if max(map(len, class_names)) <= 2 else COLUMNS // 2
    rows = max(1, ceil(shown / columns))
    with style.styled(grid=False):
        drawn = style.figure(10, 0.6 + rows * 10 / columns * 1.2)
        axes = drawn.subplots()
        axes.set_axis_off()
        axes.set_title(f"{title}: {said}" if title else said, loc="left")
        axes.set_title("the most confident first: truth → answer, confidence", loc="right", fontsize=9)
        # One large picture with all images in it: sixty small axes would take seconds to draw.
        sheet = np.zeros((rows * TILE, columns * WIDE), np.uint8)
        for index in range(shown):
            top, left = index // columns * TILE + CAPTION, index % columns * WIDE
            sheet[top : top + SIDE, left : left + SIDE] = images[index]
            truth, answer = class_names[labels[index]], class_names[answers[index]]
            words = f"{truth} → {answer}  {confidence[index]:.0%}"
            axes.text(left + SIDE / 2, top - 1.5, words, ha="center", va="bottom", fontsize=8)
        axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=255)
        if not shown:
            axes.text(WIDE, TILE / 2, "no image is misclassified", fontsize=14, color=style.GREEN)
        return drawn
