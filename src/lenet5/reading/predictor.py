"""A model that also reads pictures: what `lenet5.load` returns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lenet5.engines.threads import use_threads
from lenet5.inference.predictor import Predictor
from lenet5.reading.constraints import Constraint, wanted
from lenet5.reading.page import Page

if TYPE_CHECKING:
    from lenet5.reading.reader import Reader


class ReadingPredictor(Predictor):
    """A Predictor whose `read` takes whole pictures; only models of digits can."""

    def read(
        self,
        image: Any,
        *,
        max_error_percent: float | None = None,
        bright: bool | None = None,
        length: int | str | None = None,
        pattern: str | None = None,
        luhn: bool = False,
        digits_only: bool = False,
        threads: int | None = None,
    ) -> Page:
        """Return the numbers in a picture: `.text`, and lines of numbers of digits with boxes and answers.

        image              a path, bytes, an open file, a Pillow image or an array
        max_error_percent  reject unsure answers until at most this percentage of the others is wrong
        bright             whether the writing is brighter than its paper; found out where it is None
        length             of every number: 5, or "4..6"
        pattern            of every number, with # for any digit: "20##"
        luhn               whether every number ends in Luhn's check digit
        digits_only        leave out signs, and "?" for unread ink between digits
        threads            of every engine in this process from now on; None changes nothing

        Raises ReadingError for what cannot be read, for a constraint that says nothing, and for several pages (then
        use `read_all`); ModelError where the model knows no digits; EngineError for a number of threads out of range.

        Examples
        --------
        >>> lenet5.load("digits-large").read("meter.jpg", length=5).text  # doctest: +SKIP
        '13540'

        """
        use_threads(threads)
        reader = self._reader(max_error_percent, wanted(length, pattern, luhn), digits_only)
        return reader.read(image, bright=bright)

    def read_all(
        self,
        image: Any,
        *,
        max_error_percent: float | None = None,
        bright: bool | None = None,
        length: int | str | None = None,
        pattern: str | None = None,
        luhn: bool = False,
        digits_only: bool = False,
        threads: int | None = None,
    ) -> Iterator[Page]:
        """Yield the numbers on each page of a TIFF or PDF; of other pictures, on the one. As `read`."""
        use_threads(threads)
        reader = self._reader(max_error_percent, wanted(length, pattern, luhn), digits_only)
        return reader.read_all(image, bright=bright)

    def _reader(self, max_error_percent: float | None, constraint: Constraint | None, digits_only: bool) -> "Reader":
        from lenet5.reading.reader import Reader  # half a second, for scipy.ndimage: predictions do without it

        return Reader(self, max_error_percent=max_error_percent, constraint=constraint, digits_only=digits_only)
