"""A model that also reads pictures: what `lenet5.load` returns."""

from collections.abc import Iterator
from typing import Any

from lenet5.inference.predictor import Predictor
from lenet5.reading.page import Page
from lenet5.reading.reader import Reader


class ReadingPredictor(Predictor):
    """A Predictor whose `read` takes whole pictures; only models of digits can."""

    def read(self, image: Any, *, max_error_percent: float | None = None, bright: bool | None = None) -> Page:
        """Return the numbers in a picture: `.text`, and lines of numbers of digits with boxes and answers.

        image              a path, bytes, an open file, a Pillow image or an array
        max_error_percent  reject unsure answers until at most so many of the others are wrong
        bright             whether the writing is brighter than its paper; found out where it is None

        Raises ReadingError for what cannot be read, and for several pages (then use `read_all`); ModelError where
        the model knows no digits.

        Examples
        --------
        >>> lenet5.load("digits").read("meter.jpg").text  # doctest: +SKIP
        '13540'

        """
        return Reader(self, max_error_percent=max_error_percent).read(image, bright=bright)

    def read_all(
        self, image: Any, *, max_error_percent: float | None = None, bright: bool | None = None
    ) -> Iterator[Page]:
        """Yield the numbers on each page of a TIFF or PDF; of other pictures, on the one. Raises as `read`."""
        return Reader(self, max_error_percent=max_error_percent).read_all(image, bright=bright)
