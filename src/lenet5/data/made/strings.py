"""Numbers composed of MNIST's digits, degraded in known ways: a benchmark for reading numbers in pictures.

Every string is drawn from its own seed, so the set is the same on every machine, and any part of it can be made alone.
The digits of "test" are MNIST's test images: nothing is to be tuned on strings of them; for tuning there is "train".
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5 import files
from lenet5.data.datasets import Images
from lenet5.data.pixels import resampled
from lenet5.errors import DataError
from lenet5.seeds import stream

Float = NDArray[np.float64]
SPACINGS = (8, 6, 4, 2, 1, 0, -1, -2, -4, -6)  # empty columns between two digits, in pixels of MNIST; < 0 overlap
CONDITIONS = (
    "plain", "slant", "size", "thickness", "line", "box", "paper", "shadow", "blur", "jpeg", "all",
)  # fmt: skip
LENGTHS = range(2, 11)
SCALE = 2.0  # pixels of the picture for one of MNIST's, where nothing else is said
MARGIN = 24  # pixels of the picture around the string
JPEG_QUALITY = 30
LABELS = "labels.csv"


@dataclass(frozen=True, eq=False)
class MadeString:
    """One picture of a number.

    image      (H, W) uint8, dark on bright
    spacing    pixels of MNIST between two digits' boxes
    condition  one of `CONDITIONS`
    digits     indices of the digits in their set
    """

    image: NDArray[np.uint8]
    label: str
    spacing: int
    condition: str
    digits: tuple[int, ...]


def made_string(
    data: Images, spacing: int, condition: str, number: int, *, seed: int, length: int | None = None
) -> MadeString:
    """Return one string of the benchmark: the `number`th of its spacing and condition.

    length  digits; without it drawn from 2 to 10

    Raises DataError for a condition that there is not.
    """
    if condition not in CONDITIONS:
        raise DataError(f'there is no condition "{condition}"; there are {", ".join(CONDITIONS)}.')
    random = stream(seed, f"strings/{data.part}/{spacing}/{condition}/{number}")
    drawn = int(random.integers(LENGTHS.start, LENGTHS.stop))
    digits = random.integers(0, len(data.labels), length or drawn)
    cover = _written(data.images[digits], spacing, condition, random)
    image = _photographed(cover, condition, random)
    return MadeString(
        image, "".join(str(data.labels[each]) for each in digits), spacing, condition, tuple(map(int, digits))
    )


def made_strings(data: Images, *, count: int, seed: int, length: int | None = None) -> Iterator[MadeString]:
    """Yield `count` strings of each spacing and condition."""
    for condition in CONDITIONS:
        for spacing in SPACINGS:
            for number in range(count):
                yield made_string(data, spacing, condition, number, seed=seed, length=length)


def write(data: Images, folder: Path, *, count: int, seed: int, length: int | None = None) -> int:
    """Write the benchmark as pictures and `labels.csv`; return how many pictures. Raises RunError, DataError."""
    from PIL import Image

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: no folder can be made there ({error.strerror}); choose another.") from None
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("file", "label", "spacing", "condition"))
    written = 0
    for made in made_strings(data, count=count, seed=seed, length=length):
        kind = "jpg" if made.condition in ("jpeg", "all") else "png"
        name = f"{made.condition}_{made.spacing:+d}_{written:05d}.{kind}"
        content = io.BytesIO()
        Image.fromarray(made.image).save(content, "JPEG" if kind == "jpg" else "PNG", quality=95)
        files.write_atomically(folder / name, content.getvalue())
        rows.writerow((name, made.label, made.spacing, made.condition))
        written += 1
    files.write_atomically(folder / LABELS, table.getvalue().encode())
    return written


def _has(condition: str, what: str) -> bool:
    return condition in (what, "all")


def _written(images: NDArray[np.uint8], spacing: int, condition: str, random: np.random.Generator) -> Float:
    """Return how much of each pixel ink covers, (H, W) 0..1: the digits in a row, on their line, in their box."""
    slant = random.uniform(-0.4, 0.4) if _has(condition, "slant") else 0.0
    sizes = (
        random.uniform(1.2, 3.5) * random.uniform(0.8, 1.2, len(images))
        if _has(condition, "size")
        else [SCALE] * len(images)
    )
    thicker = random.choice([-1, 1, 2]) if _has(condition, "thickness") else 0
    shapes = [_shape(image, float(scale), slant, thicker) for image, scale in zip(images, sizes, strict=True)]
    gap = spacing * float(np.mean(sizes))
    places, x = [], float(MARGIN)
    for shape in shapes:
        places.append(round(x))
        x += shape.shape[1] + gap
    height = max(shape.shape[0] for shape in shapes) + 2 * MARGIN
    width = max(place + shape.shape[1] for place, shape in zip(places, shapes, strict=True)) + MARGIN
    cover = np.zeros((height, max(width, 2 * MARGIN + 1)))
    for place, shape in zip(places, shapes, strict=True):
        top = (height - shape.shape[0]) // 2
        place = max(place, 0)
        view = cover[top : top + shape.shape[0], place : place + shape.shape[1]]
        np.maximum(view, shape, out=view)
    if condition == "line" or (condition == "all" and random.random() < 0.5):
        _rule(cover, round(height / 2 + random.uniform(2, 11) * float(np.mean(sizes))), random)
    elif _has(condition, "box"):
        edges = [right - gap / 2 for right in places[1:]] if spacing >= 8 else []
        _frame(cover, edges, round(10 * float(np.mean(sizes))), random)
    return cover


def _shape(image: NDArray[np.uint8], scale: float, slant: float, thicker: int) -> Float:
    """Return a digit's ink, larger, slanted, thicker or thinner, all 28 rows of it but no empty column."""
    from scipy import ndimage

    side = round(28 * scale)
    large = resampled(image, side, side, "bicubic") / 255.0
    if slant:
        wide = np.pad(large, ((0, 0), (side // 2, side // 2)))
        large = ndimage.affine_transform(wide, [[1, 0], [slant, 1]], offset=[0, -slant * side / 2], order=1)
    if thicker:
        cross = ndimage.generate_binary_structure(2, 1)
        change = ndimage.grey_dilation if thicker > 0 else ndimage.grey_erosion
        for _ in range(abs(thicker)):
            large = change(large, footprint=cross)
    there = np.flatnonzero((large > 0.1).any(axis=0))
    return large[:, there[0] : there[-1] + 1] if there.size else large[:, side // 2 : side // 2 + 1]


def _rule(cover: Float, row: int, random: np.random.Generator) -> None:
    """Draw a level line across the picture, 1 or 2 pixels thick."""
    thick = int(random.integers(1, 3))
    cover[row : row + thick] = np.maximum(cover[row : row + thick], random.uniform(0.5, 1.0))


def _frame(cover: Float, edges: list[float], reach: int, random: np.random.Generator) -> None:
    """Draw a box around the string, and upright lines at `edges`."""
    thick, dark = int(random.integers(1, 3)), random.uniform(0.6, 1.0)
    middle, left, right = cover.shape[0] // 2, MARGIN // 2, cover.shape[1] - MARGIN // 2
    top, bottom = max(middle - reach - MARGIN // 2, 0), min(middle + reach + MARGIN // 2, cover.shape[0] - thick)
    for row in (top, bottom):
        cover[row : row + thick, left : right + thick] = dark
    for column in (left, *(round(edge) for edge in edges), right):
        cover[top:bottom, column : column + thick] = np.maximum(cover[top:bottom, column : column + thick], dark)


def _photographed(cover: Float, condition: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture, (H, W) uint8: ink on paper, in its light, through its lens."""
    from scipy import ndimage

    paper, ink = 1.0, 0.0
    if _has(condition, "paper"):
        rough = ndimage.gaussian_filter(random.normal(0, 1, cover.shape), 1.0)
        fibres = ndimage.gaussian_filter(random.normal(0, 1, cover.shape), (0.5, 6))
        paper = random.uniform(0.75, 0.95) + 0.03 * rough / rough.std() + 0.03 * fibres / fibres.std()
        ink = random.uniform(0.05, 0.35)
    seen = paper * (1 - cover) + ink * cover
    if _has(condition, "shadow"):
        seen = _in_shadow(seen, random)
    if _has(condition, "blur"):
        seen = ndimage.gaussian_filter(seen, random.uniform(0.8, 2.0) * SCALE / 2)
    image = np.rint(255 * np.clip(seen, 0, 1)).astype(np.uint8)
    return _compressed(image) if _has(condition, "jpeg") else image


def _in_shadow(seen: Float, random: np.random.Generator) -> Float:
    """Darken one side of the picture, over a softer or harder edge, and let the light fall off along it."""
    height, width = seen.shape
    turn = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width]
    along = np.cos(turn) * (x / width - 0.5) + np.sin(turn) * (y / height - 0.5)
    soft = random.uniform(0.01, 0.2)
    dark = random.uniform(0.4, 0.75)
    shade = dark + (1 - dark) / (1 + np.exp(-(along - random.uniform(-0.2, 0.2)) / soft))
    result: Float = seen * shade * (1 - 0.3 * (along + 0.5))
    return result


def _compressed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture after JPEG at a low quality."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=JPEG_QUALITY)
    return np.array(Image.open(content))
