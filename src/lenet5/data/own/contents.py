"""Images and labels as they came, before they are brought into one form."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.errors import DataError

MOST_SIDE = 512  # pixels; a larger picture is a photograph, not an image of one character
MOST_IMAGES = 2_000_000
GIVEN_PARTS = {
    "train": "train", "training": "train",
    "test": "test", "testing": "test", "t10k": "test",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
WHOLE_NUMBER = re.compile(r"[+-]?\d+(\.0*)?")

Array = NDArray[Any]


@dataclass
class Contents:
    """What a path holds.

    images      (H, W) uint8 each, of any size
    labels      a text each
    parts       "train", "validation" or "test" each; "" where the part is not given
    unreadable  a sentence for each file or row that is left out
    """

    layout: str
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def add(self, image: NDArray[np.uint8], label: object, part: str) -> None:
        """Take one image. Raises DataError where there are too many."""
        if len(self.images) >= MOST_IMAGES:
            raise DataError(f"there are more than {MOST_IMAGES:,} images; train on a part of them.")
        self.images.append(image)
        self.labels.append(label_text(label))
        self.parts.append(part)


def part_in(name: str) -> str:
    """Return the part that a file's or folder's name tells of, or ""."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((GIVEN_PARTS[word] for word in words if word in GIVEN_PARTS), "")


def label_text(label: object) -> str:
    """Return a label as text; whole numbers without a fraction, so that 3, "3" and 3.0 are one class."""
    text = label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
    text = text.strip()
    return str(int(float(text))) if WHOLE_NUMBER.fullmatch(text) and len(text) < 16 else text


def greys(pixels: Array, where: str) -> NDArray[np.uint8]:
    """Return numbers of any type as bytes, by their range over the whole array.

    Bytes stay as they are unless none is above 16. Numbers from 0 to 1 (fractions), to 16 (scanned digits of
    scikit-learn) or to 255 keep their zero; others, such as standardized ones, are scaled from their smallest to their
    largest. Raises DataError for numbers that are not finite.
    """
    if not pixels.size:
        raise DataError(f"{where}: holds no images.")
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{where}: holds pixels that are not finite numbers; expected 0 to 255, or 0 to 1.")
    if pixels.dtype == np.uint8 and high > 16:
        return pixels
    if low < 0 or high > 255:
        start, end = low, high
    else:
        start, end = 0.0, next(top for top in (1.0, 16.0, 255.0) if high <= top)
    scaled = (pixels.astype(np.float32) - start) * np.float32(255 / ((end - start) or 1))
    whole: NDArray[np.uint8] = np.rint(scaled).clip(0, 255).astype(np.uint8)
    return whole


def classes(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct labels: numbers in their order, then texts in theirs."""
    return tuple(sorted(set(labels), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name)))
