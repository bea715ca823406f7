"""A picture of each stage, and one of the answers laid over the photograph."""

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lenet5.errors import ReadingError
from lenet5.reading.opening.pictures import Picture
from lenet5.reading.page import Box, Page
from lenet5.reading.pipeline import Trace

ACROSS = 16  # prepared digits in a row
READ, UNSURE, NO_DIGIT = (0, 120, 60), (200, 120, 0), (150, 150, 150)


def write(folder: Path, picture: Picture, page: Page, trace: Trace) -> list[Path]:
    """Write 1-picture.png, 2-grey.png ... and overlay.png, and return their paths. Raises ReadingError."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, stage in enumerate(trace.stages, 1):
            path = folder / f"{index}-{stage.name.replace(' ', '-')}.png"
            Image.fromarray(_visible(stage.image, stage.name)).save(path)
            written.append(path)
        overlay(picture, page).save(folder / "overlay.png")
    except OSError as error:
        raise ReadingError(f"{folder}: the stages cannot be written there ({error.strerror or error}).") from None
    return [*written, folder / "overlay.png"]


def overlay(picture: Picture, page: Page) -> Any:
    """Return the picture as a Pillow image: green boxes and answers, orange where unsure, grey where no digit."""
    pixels = picture.pixels if picture.pixels.dtype == np.uint8 else np.rint(picture.pixels * 255).astype(np.uint8)
    shown = Image.fromarray(pixels).convert("RGB")
    draw = ImageDraw.Draw(shown)
    wide = max(1, max(shown.size) // 500)
    for rejected in page.rejected:
        draw.rectangle(_sides(rejected.box, picture), outline=NO_DIGIT, width=wide)
    for number in page.numbers:
        for digit in number.digits:
            (left, top, right, bottom), colour = _sides(digit.box, picture), UNSURE if digit.rejected else READ
            draw.rectangle((left, top, right, bottom), outline=colour, width=wide)
            size = max(10, (bottom - top) // 3)
            draw.text((left, max(0, top - size - wide)), digit.text, fill=colour, font_size=size)
    return shown


def _sides(box: Box, picture: Picture) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a box in the picture's pixels as they are kept."""
    left, top, right, bottom = (side // picture.shrunk for side in astuple(box))
    return left, top, right, bottom


def _visible(stage: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    """Return a stage as grey levels or colours: ink is shown dark, prepared digits in rows."""
    if name == "prepared":
        return _tiled(stage.astype(np.uint8))
    if stage.dtype == np.uint8:
        return stage.astype(np.uint8)
    shares = stage.astype(np.float32)
    shares = shares if name in ("picture", "grey", "paper") else 1 - shares
    return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)


def _tiled(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay images (N, 28, 28) in rows."""
    across = min(ACROSS, len(images))
    rows = -(-len(images) // across)
    padded = np.zeros((rows * across, 30, 30), np.uint8)
    padded[: len(images), 1:29, 1:29] = images
    return padded.reshape(rows, across, 30, 30).swapaxes(1, 2).reshape(rows * 30, across * 30)
