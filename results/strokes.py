"""Pen strokes of the UCI set "Pen-Based Recognition of Handwritten Digits", drawn as pictures.

The set (Alpaydin and Alimoglu 1998, CC BY 4.0) holds digits as pen positions on a tablet, in the UNIPEN form.

python results/strokes.py pendigits-train.gz

writes the strokes of the writers that the networks are trained on: src/lenet5/data/made/pen-strokes.npz.
"""

import gzip
import re
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Grey = NDArray[np.uint8]
COMMENT = re.compile(r"\.COMMENT\s+(\d)\s+(\d+)\s+\d+")
SHIPPED = Path(__file__).parent.parent / "src/lenet5/data/made/pen-strokes.npz"
FINER = 4  # times as large is drawn, so that edges are smooth


@dataclass(frozen=True, eq=False)
class PenDigit:
    """One digit: its label, its writer, and its strokes, each (points, 2) of x and y, y downwards."""

    label: int
    writer: int
    strokes: tuple[NDArray[np.float64], ...]


def pen_digits(path: Path) -> list[PenDigit]:
    """Return the digits of a gzipped UNIPEN file."""
    found = []
    for segment in gzip.decompress(path.read_bytes()).decode("ascii").split(".SEGMENT DIGIT")[1:]:
        comment = COMMENT.search(segment)
        assert comment is not None
        strokes = []
        for stroke in segment.split(".PEN_DOWN")[1:]:
            points = np.array(re.findall(r"(-?\d+)\s+(-?\d+)", stroke.split(".PEN_UP")[0]), np.float64)
            if len(points):
                strokes.append(points * (1, -1))
        found.append(PenDigit(int(comment[1]), int(comment[2]), tuple(strokes)))
    return found


def trained_on(writer: int) -> bool:
    """Whether a writer's digits are for training; those of the others are only measured on."""
    return sha256(f"writer {writer}".encode()).digest()[0] % 4 < 2


def pack(digits: list[PenDigit]) -> None:
    """Write the pen positions of digits, in half the tablet's units: each as the step from the one before."""
    strokes = [stroke for digit in digits for stroke in digit.strokes]
    points = np.rint(np.concatenate(strokes) / 2).astype(np.int16)
    np.savez_compressed(
        SHIPPED,
        labels=np.array([digit.label for digit in digits], np.uint8),
        strokes=np.array([len(digit.strokes) for digit in digits], np.uint8),
        lengths=np.array([len(stroke) for stroke in strokes], np.uint8),
        steps=np.diff(points, axis=0, prepend=np.zeros_like(points[:1])),
    )


def drawn(digit: PenDigit, height: float, pen: float) -> Grey:
    """Return a digit's ink cut to its box, (height, W), 255 at full ink; the pen is that wide, all in pixels."""
    every = np.concatenate(digit.strokes)
    low, size = every.min(axis=0), np.ptp(every, axis=0)
    scale = (height - pen) / max(size[1], size[0] / 2, 1.0)
    width = max(round(size[0] * scale + pen), 1), max(round(size[1] * scale + pen), 1)
    canvas = Image.new("L", (width[0] * FINER, width[1] * FINER))
    draw, radius = ImageDraw.Draw(canvas), FINER * pen / 2
    for stroke in digit.strokes:
        points = [tuple(point) for point in ((stroke - low) * scale + pen / 2) * FINER]
        draw.line(points, fill=255, width=max(1, round(FINER * pen)))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.array(canvas.resize(width, Image.Resampling.BOX))


def line(digits: list[Grey], gap: int, random: np.random.Generator, *, margin: int = 0) -> Grey:
    """Return digits beside each other on their base line, with about the same gap, ink bright."""
    high = max(len(digit) for digit in digits)
    gaps = [max(1, gap + int(random.integers(-gap // 3, gap // 3 + 1))) for _ in digits]
    width = sum(digit.shape[1] for digit in digits) + sum(gaps[1:])
    page = np.zeros((high + 2 * margin, width + 2 * margin), np.uint8)
    left = margin
    for place, digit in enumerate(digits):
        left += gaps[place] if place else 0
        page[margin + high - len(digit) : margin + high, left : left + digit.shape[1]] = digit
        left += digit.shape[1]
    return page


if __name__ == "__main__":
    pack([digit for digit in pen_digits(Path(sys.argv[1])) if trained_on(digit.writer)])
