"""Limits on declared sizes: an input that claims to be too large is rejected before anything is allocated."""

from lenet5.errors import Lenet5Error


class Budget:
    """The total size, in numbers or bytes, that one input may have.

    what   name of the input for error messages: "net.pt"
    most   the limit
    unit   "bytes" or "numbers"
    error  exception type raised above the limit
    """

    def __init__(self, what: str, most: int, unit: str, error: type[Lenet5Error]) -> None:
        self._what, self._most, self._unit, self._error = what, most, unit, error
        self._taken = 0

    def take(self, count: int, part: str) -> None:
        """Count a part before it is allocated. Raises the budget's error when the total exceeds the limit."""
        if count < 0:
            raise self._error(f"{self._what}: {part} claims {count:,} {self._unit}; a size cannot be negative.")
        self._taken += count
        if self._taken > self._most:
            raise self._error(
                f"{self._what}: claims {self._taken:,} {self._unit} or more, up to and including {part}; at most "
                f"{self._most:,} are allowed."
            )
