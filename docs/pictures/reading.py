"""Draw the pictures of docs/reading.md: `python docs/pictures/reading.py`, about ten seconds.

The photograph is made here: MNIST test digits as ink on ruled paper, turned, under uneven light, with grain.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lenet5 import api
from lenet5.data.datasets import load
from lenet5.reading import explain
from lenet5.reading.opening.pictures import Picture
from lenet5.reading.pipeline import Trace
from lenet5.reading.reader import Reader

HERE = Path(__file__).parent
MODEL = "modern"


def photograph() -> NDArray[np.uint8]:
    """Return two lines of numbers on ruled paper, (H, W)."""
    data, random = load("mnist", "test"), np.random.default_rng(4)
    page = np.zeros((230, 640), np.float32)
    for row, text in enumerate(("1998 60000", "28   28")):
        for column, letter in enumerate(text):
            if letter != " ":
                index = random.choice(np.flatnonzero(data.labels == int(letter)))
                digit = np.array(Image.fromarray(data.images[index]).resize((56, 56), Image.Resampling.BICUBIC)) / 255
                top, left = 25 + 95 * row, 40 + 56 * column
                page[top : top + 56, left : left + 56] = np.maximum(page[top : top + 56, left : left + 56], digit)
    for line in (84, 179):
        page[line : line + 2] = np.maximum(page[line : line + 2], 0.9)
    turned = np.array(Image.fromarray(1 - 0.75 * page).rotate(3, Image.Resampling.BILINEAR, fillcolor=1))
    rows, columns = np.mgrid[: turned.shape[0], : turned.shape[1]]
    light = 0.55 + 0.4 * np.exp(-(((columns - 480) / 420) ** 2) - ((rows - 60) / 260) ** 2)
    return np.clip(255 * turned * light + random.normal(0, 2.5, turned.shape), 0, 255).astype(np.uint8)


def main() -> None:
    """Write reading/<number>-<stage>.png for each stage, and the overlay."""
    picture, trace = Picture("photograph", 1, photograph()), Trace(kept=True)
    page = Reader(api.load(MODEL)).page(picture, trace=trace)
    folder = HERE / "reading"
    for old in folder.glob("*.png"):
        old.unlink()
    for path in explain.write(folder, picture, page, trace):
        print(path.name)
    print(page.text)


if __name__ == "__main__":
    main()
