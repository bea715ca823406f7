"""Decoding of image files of single digits, with an error message for each undecodable file."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lenet5.bulk import png
from lenet5.spec.digits import SIDE

FORMATS = ("PNG", "BMP", "GIF", "JPEG", "PPM", "TIFF", "WEBP")
GREY_MODES = ("1", "L", "RGB")  # colours are converted by their luma; anything with transparency is an error
LARGEST_BYTES = 1 << 20  # of a file; a typical one of 28x28 pixels has about a thousand


def decode(contents: list[bytes | None], problems: list[str]) -> NDArray[np.uint8]:
    """Return the images (N, 28, 28), all 0 for undecodable ones, and write the reasons into `problems`.

    contents  the bytes of each file, None if unreadable
    problems  (N,) error messages; "" for images without an error so far
    """
    images, taken = png.decode([content or b"" for content in contents])
    for index in np.flatnonzero(~taken):
        content = contents[index]
        if content is None:
            continue
        if len(content) == SIDE * SIDE:  # raw pixels
            images[index] = np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
            continue
        images[index], problems[index] = _slowly(content)
    return images


def _slowly(content: bytes) -> tuple[NDArray[np.uint8], str]:
    """Decode one file with Pillow: pixels and "", or zeros and the error. Checks the size before decompression."""
    nothing = np.zeros((SIDE, SIDE), np.uint8)
    if not content:
        return nothing, "an empty file, expected an image"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata, which does not affect the pixels
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.size != (SIDE, SIDE):
                    return nothing, f"{image.width}x{image.height} pixels, expected 28x28; for pictures use --photos"
                grey = image.convert("RGB") if image.mode == "P" and "transparency" not in image.info else image
                if grey.mode not in GREY_MODES or "transparency" in image.info:
                    return nothing, f"pixels of the form {image.mode}, expected grey without transparency"
                return np.asarray(grey.convert("L"), np.uint8), ""
    # Pillow raises many types for hostile bytes; one bad file must never end a job.
    except Exception as error:
        known = "cannot identify" not in str(error)
        return nothing, f"a damaged image ({_first_line(error)})" if known else "no image of a known format"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
