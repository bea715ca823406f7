"""Files of single digits -> pixels, and a sentence for each that is none."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray

from lenet5.bulk import png
from lenet5.bulk.needs import library

SIDE = 28
FORMATS = ("PNG", "BMP", "GIF", "JPEG", "PPM", "TIFF", "WEBP")
GREY_MODES = ("1", "L", "RGB")  # colours become grey by their luma; anything with transparency is asked back
LARGEST_BYTES = 1 << 20  # of a file; one of 28x28 pixels has a thousand


def decode(contents: list[bytes | None], problems: list[str]) -> NDArray[np.uint8]:
    """Return the images (N, 28, 28), 0 where there is none, and write into `problems` why.

    contents  what each file holds, None where that could not be had
    problems  (N,) sentences; "" for each that has none yet
    """
    images, taken = png.decode([content or b"" for content in contents])
    for index in np.flatnonzero(~taken):
        content = contents[index]
        if content is None:
            continue
        if len(content) == SIDE * SIDE:  # bare pixels
            images[index] = np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
            continue
        images[index], problems[index] = _slowly(content)
    return images


def _slowly(content: bytes) -> tuple[NDArray[np.uint8], str]:
    """Decode one file with Pillow: its pixels, or zeros and why. Its size is looked at before it is unpacked."""
    nothing = np.zeros((SIDE, SIDE), np.uint8)
    if not content:
        return nothing, "an empty file, expected an image"
    image_library = library("PIL.Image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on odd metadata; what matters is whether there are pixels
            with image_library.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.size != (SIDE, SIDE):
                    return nothing, f"{image.width}x{image.height} pixels, expected 28x28; for pictures use --photos"
                grey = image.convert("RGB") if image.mode == "P" and "transparency" not in image.info else image
                if grey.mode not in GREY_MODES or "transparency" in image.info:
                    return nothing, f"pixels of the form {image.mode}, expected grey without transparency"
                return np.asarray(grey.convert("L"), np.uint8), ""
    # Pillow raises many kinds for hostile bytes; whichever it is, one bad file must not end a job.
    except Exception as error:
        known = "cannot identify" not in str(error)
        return nothing, f"a damaged image ({_first_line(error)})" if known else "no image of a known format"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
