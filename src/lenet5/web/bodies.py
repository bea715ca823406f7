"""Memory held by request bodies, bounded over all connections."""

from lenet5.web.limits import Limits
from lenet5.web.problems import Problem


class Bodies:
    """Bytes of request bodies that the server holds, of all requests together."""

    def __init__(self, limits: Limits) -> None:
        self._most, self._free = limits.bodies_bytes, limits.free_bytes
        self.held_bytes = 0

    def begin(self) -> "Body":
        """Return the account of one request's body."""
        return Body(self)

    def take(self, count: int) -> None:
        """Count bytes. Raises Problem (busy) where too many are held already."""
        if self.held_bytes + count > self._most:
            raise Problem("busy", "too many large bodies are in flight; try again shortly.", retry_after=2)
        self.held_bytes += count

    def give_back(self, count: int) -> None:
        """No longer count bytes."""
        self.held_bytes -= count

    def counted(self, size: int) -> int:
        """Return how many bytes of a body of this size are counted."""
        return max(0, size - self._free)


class Body:
    """One request's share; closed when the request is answered."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self._size, self._counted = bodies, 0, 0

    def grow(self, count: int) -> None:
        """Note bytes that arrived. Raises Problem (busy)."""
        counted = self._bodies.counted(self._size + count)
        self._bodies.take(counted - self._counted)
        self._size += count
        self._counted = counted

    def close(self) -> None:
        """Give all of it back."""
        self._bodies.give_back(self._counted)
        self._size = self._counted = 0
