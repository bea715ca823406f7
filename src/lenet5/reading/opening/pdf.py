"""The pages of a PDF as pixels, by pypdfium2."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.distribution import missing
from lenet5.errors import ReadingError
from lenet5.reading.opening.limits import MOST_PAGES, check_size

DOTS_PER_INCH = 200  # a digit 4 mm high has 31 pixels
POINTS_PER_INCH = 72


def pages(content: bytes, name: str) -> Iterator[NDArray[np.uint8]]:
    """Yield each page, (H, W) grey. Raises ReadingError if it is damaged, locked or too large, or needs pypdfium2."""
    try:
        import pypdfium2 as pdfium
    except ImportError:
        raise ReadingError(missing("pypdfium2", "pdf")) from None
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise ReadingError(f"{name}: this PDF cannot be opened ({error}).") from None
    try:
        if len(document) > MOST_PAGES:
            raise ReadingError(f"{name}: has {len(document):,} pages; up to {MOST_PAGES:,} are read. Split it.")
        for number in range(len(document)):
            yield _drawn(pdfium, document, number, name)
    finally:
        document.close()


def _drawn(pdfium: Any, document: Any, number: int, name: str) -> NDArray[np.uint8]:
    scale = DOTS_PER_INCH / POINTS_PER_INCH
    try:
        page = document[number]
        width, height = (round(side * scale) for side in page.get_size())
        check_size(name, width, height)
        drawn = page.render(scale=scale, grayscale=True)
        return np.array(drawn.to_numpy()).reshape(drawn.height, drawn.width, -1)[..., 0]
    except pdfium.PdfiumError as error:
        raise ReadingError(f"{name}: page {number + 1} cannot be drawn ({error}).") from None
