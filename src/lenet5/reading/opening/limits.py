"""Size limits of pictures, checked before decoding."""

from lenet5.errors import ReadingError

MOST_PIXELS = 120_000_000  # as bytes in three colours 360 MB, what decoding one picture may take for a moment
HALVED_PIXELS = 40_000_000  # a larger picture is kept at half its width and height
MOST_SIDE = 30_000
LEAST_SIDE = 5  # px; below, nothing is left of a digit
MOST_BYTES = 256 << 20
MOST_PAGES = 1_000


def check_size(name: str, width: int, height: int) -> None:
    """Raise ReadingError unless a picture of this size can be read."""
    if width * height > MOST_PIXELS or max(width, height) >= MOST_SIDE:
        raise ReadingError(
            f"{name}: has {width:,} x {height:,} pixels; up to {MOST_PIXELS:,}, and fewer than {MOST_SIDE:,} a side, "
            "are read. Make it smaller."
        )
    if min(width, height) < LEAST_SIDE:
        raise ReadingError(f"{name}: has {width:,} x {height:,} pixels; a digit needs at least {LEAST_SIDE} each way.")
