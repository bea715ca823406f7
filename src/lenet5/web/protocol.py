"""uvicorn's HTTP protocol, with deadlines: a request that comes in too slowly is cut off.

uvicorn waits forever for a request to arrive and for an answer to be taken. Here every connection notes since when it
is about its present request, and one sweep twice a second closes those that are too late: the deadline is absolute, so
a byte now and then does not move it. When there are too many connections, the one that has kept us waiting longest
goes; so idle clients cannot keep others out.
"""

import asyncio
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lenet5.web.limits import Limits
from lenet5.web.problems import MEDIA_TYPE, Problem

SWEEP_SECONDS = 0.5
# How many bodies of the largest size one request may send. A client that is refused learns it only after it has sent
# its body, for most do not listen before; so what it sends is thrown away for a while, but not forever.
PATIENCE = 4
# For so long what a refused client still sends is thrown away: closing at once would reset the connection, and the
# client would never see why.
LINGER_SECONDS = 1.0


class TimedProtocol(H11Protocol):
    """One connection. `limits` is set on a subclass by `timed`."""

    limits: Limits
    since: float | None = None  # when the present request began, or the connection opened; None while resting
    received_bytes = 0  # of the present request
    refused = False  # an answer was sent, and nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, and at need give up another one for it."""
        super().connection_made(transport)
        # asyncio would read 256 KiB at a time, from every connection that sends, before any of it is looked at.
        transport.max_size = self.limits.header_bytes  # type: ignore[attr-defined]
        self.since = self.loop.time()
        if len(self.connections) > self.limits.connections:
            # Those that never finished a request go before those that rest between two; the oldest first.
            others = [each for each in self.connections if isinstance(each, TimedProtocol) and each.may_go]
            min(others, key=lambda each: (each.since is None, each.since or 0.0)).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Note when a request begins."""
        if self.since is None:
            self.since = self.loop.time()
            self.received_bytes = 0
        self.received_bytes += len(data)
        if self.received_bytes > PATIENCE * self.limits.body_bytes:
            self.transport.abort()
            return
        if self.refused:
            return
        super().data_received(data)
        self._rest()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request; where the client is still sending, its deadline goes on."""
        if self.conn.their_state is not h11.SEND_BODY:
            self.since = self.loop.time()  # a request may have come right behind the one that was answered
            self.received_bytes = 0
        super().on_response_complete()
        self._rest()

    def _rest(self) -> None:
        """Nothing is waited for while a request is whole and none has begun."""
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.since = None

    @property
    def may_go(self) -> bool:
        """Whether nothing is owed to this client."""
        return not self.is_answering and not self.transport.is_closing()

    @property
    def is_answering(self) -> bool:
        """Whether a request has come in whole and its answer has not gone out whole."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def sweep(self, now: float) -> None:
        """Close this connection if it is too late."""
        if self.since is None:
            return
        if self.refused:
            if now - self.since > LINGER_SECONDS:
                self.transport.abort()
            return
        answering = self.is_answering
        if now - self.since <= (self.limits.send_seconds if answering else self.limits.receive_seconds):
            return
        if answering:
            self.transport.abort()  # the client does not take its answer
            return
        self._refuse(Problem("too-slow", f"the request did not arrive within {self.limits.receive_seconds:g} seconds."))

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or has too large a header."""
        hint = getattr(sys.exception(), "error_status_hint", 400)
        if hint == 431:
            self._refuse(header_too_large(self.limits))
        else:
            self._refuse(Problem("malformed-request", "this is not an HTTP request as RFC 9112 has it."))

    def _refuse(self, problem: Problem) -> None:
        """Send a problem if an answer can still be sent, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = problem.body()
            headers = [
                ("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close"),
                ("x-content-type-options", "nosniff"),
            ]  # fmt: skip
            events = (h11.Response(status_code=problem.status, headers=headers), h11.Data(data=body))
            for event in (*events, h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.refused, self.since = True, self.loop.time()
        self.transport.write_eof()


def header_too_large(limits: Limits) -> Problem:
    """Return what is said of such a header."""
    return Problem("header-too-large", f"the first line and the headers may have {limits.header_bytes:,} bytes.")


def timed(limits: Limits) -> type[TimedProtocol]:
    """Return the protocol with these limits, for `uvicorn.Config(http=...)`."""
    return type("TimedProtocol", (TimedProtocol,), {"limits": limits})


async def sweep_forever(connections: set[Any]) -> None:
    """Look at all connections again and again."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        for each in list(connections):
            each.sweep(loop.time())
