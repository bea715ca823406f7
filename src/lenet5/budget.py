"""Memory by declared sizes: what an input claims to hold is added up, and refused, before anything is allocated."""

from lenet5.errors import Lenet5Error


class Budget:
    """The numbers, or bytes, that one input may hold in all.

    what   the input, for error texts: "net.pt"
    most   how much is allowed
    unit   "bytes" or "numbers"
    error  what is raised beyond it
    """

    def __init__(self, what: str, most: int, unit: str, error: type[Lenet5Error]) -> None:
        self._what, self._most, self._unit, self._error = what, most, unit, error
        self._taken = 0

    def take(self, count: int, part: str) -> None:
        """Count a part before it is allocated. Raises the budget's error when all parts together are too much."""
        if count < 0:
            raise self._error(f"{self._what}: {part} claims {count:,} {self._unit}; a size is never negative.")
        self._taken += count
        if self._taken > self._most:
            raise self._error(
                f"{self._what}: claims {self._taken:,} {self._unit} or more, up to and including {part}; at most "
                f"{self._most:,} are allowed."
            )
