"""A bound on the memory of all request bodies together."""

from lenet5.web.limits import Limits
from lenet5.web.problems import Problem


class Bodies:
    """Counts the bytes of the request bodies in memory, over all requests."""

    def __init__(self, limits: Limits) -> None:
        self._most, self._free = limits.bodies_bytes, limits.free_bytes
        self.held_bytes = 0

    def begin(self) -> "Body":
        """Return the counter of one request's body."""
        return Body(self)

    def take(self, count: int) -> None:
        """Reserve bytes. Raises Problem (busy) when the limit is reached."""
        if self.held_bytes + count > self._most:
            raise Problem("busy", "too many large bodies are in flight; try again shortly.", retry_after=2)
        self.held_bytes += count

    def give_back(self, count: int) -> None:
        """Release bytes."""
        self.held_bytes -= count

    def counted(self, size: int) -> int:
        """Return the number of bytes of a body of this size that count."""
        return max(0, size - self._free)


class Body:
    """The reservation of one request; closed when the request has been answered."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self._size, self._counted = bodies, 0, 0

    def grow(self, count: int) -> None:
        """Count received bytes. Raises Problem (busy)."""
        counted = self._bodies.counted(self._size + count)
        self._bodies.take(counted - self._counted)
        self._size += count
        self._counted = counted

    def close(self) -> None:
        """Release all bytes."""
        self._bodies.give_back(self._counted)
        self._size = self._counted = 0
