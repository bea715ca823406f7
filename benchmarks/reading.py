"""Speed of reading pictures, and the rate of false positives on pictures without digits.

python benchmarks/reading.py [--model digits] [--samples FOLDER]

Pictures are composed from MNIST's test digits. `--samples` takes a folder of single digits, named so that the digit
stands after the first underscore, and compares with MNIST's older way: the whole picture made 28x28.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lenet5 import api
from lenet5.data.datasets import load

REPEATS = 5
Picture = NDArray[np.uint8]


def composed(images: Picture, rows: int, across: int, cell: int, random: np.random.Generator) -> Picture:
    """Return dark digits on unevenly lit, grainy paper: rows x across, each cell px wide and high."""
    page = np.zeros((rows * cell, across * cell), np.uint8)
    for index in range(rows * across):
        digit = Image.fromarray(images[index % len(images)]).resize(
            (cell * 3 // 4, cell * 3 // 4), Image.Resampling.BICUBIC
        )
        row, column = divmod(index, across)
        page[row * cell : row * cell + digit.height, column * cell : column * cell + digit.width] = digit
    light = np.linspace(0.6, 1, page.shape[1], dtype=np.float32)
    grain = random.normal(0, 3, page.shape).astype(np.float32)
    return np.clip((245 - 0.8 * page) * light + grain, 0, 255).astype(np.uint8)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the median and the longest processor time of a few runs, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times)), max(times)


def negatives(random: np.random.Generator) -> Iterator[tuple[str, Picture]]:
    """Yield pictures without digits: paper, ruling, textures, ellipses as of faces, printed letters."""
    rows, columns = np.mgrid[:400, :600]
    for index in range(20):
        yield "paper", np.clip(random.normal(180 + 3 * index, 2 + index / 4, (400, 600)), 0, 255).astype(np.uint8)
        yield "ruling", np.where(rows % (20 + 2 * index) < 2, 90, 245).astype(np.uint8)
        yield "texture", (random.random((400, 600)) < 0.1 + index / 40).astype(np.uint8) * 255
        wide, high = 60 + 6 * index, 80 + 5 * index
        inside = ((columns - 300) / wide) ** 2 + ((rows - 200) / high) ** 2
        yield "face", (210 - 90 * np.clip(1.5 - inside, 0, 1)).astype(np.uint8)
        word = Image.new("L", (600, 400), 250)
        letters = "".join(chr(int(code)) for code in random.choice([*b"ACDEFGHKMNPRTUVWXYabdefhkmnrtuvwxy"], 8))
        ImageDraw.Draw(word).text((40, 150), letters, fill=20, font_size=70)
        yield "letters", np.array(word)


def naive(path: Path) -> Picture:
    """Return a picture squeezed to 28x28, grey, bright on dark."""
    with Image.open(path) as opened:
        image = opened.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    grey = np.array(Image.alpha_composite(paper, image).convert("L").resize((28, 28), Image.Resampling.BOX))
    frame = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 255 - grey if np.median(frame) > 127 else grey


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--samples", type=Path)
    given = parser.parse_args()
    model, random = api.load(given.model), np.random.default_rng(0)
    images = load("mnist", "test").images
    for name, rows, across, cell in (("a line of 10 digits", 1, 10, 60), ("a page of 12 megapixels", 40, 30, 100)):
        page = composed(images, rows, across, cell, random)
        middle, longest = seconds(lambda page=page: model.read(page))
        print(f"{name}, {page.shape[1]} x {page.shape[0]}: {middle:.3f} s (longest {longest:.3f}, n = {REPEATS})")
    alarms: dict[str, list[int]] = {}
    for kind, picture in negatives(random):
        alarms.setdefault(kind, []).append(model.read(picture).digits)
    for kind, counts in alarms.items():
        print(f"{kind}: digits in {sum(map(bool, counts))} of {len(counts)} pictures, {sum(counts)} in all")
    if given.samples:
        paths = sorted(given.samples.iterdir())
        truth = [path.stem.split("_")[1][-1] for path in paths]
        ours = [model.read(path).text for path in paths]
        plain = api.load("archaeology").predict(np.stack([naive(path) for path in paths]))
        print(f"samples: {sum(a == b for a, b in zip(ours, truth, strict=True))} of {len(paths)} read right")
        print(f"archaeology, squeezed: {sum(str(a) == b for a, b in zip(plain, truth, strict=True))} of {len(paths)}")


if __name__ == "__main__":
    main()
