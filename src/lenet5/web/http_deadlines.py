"""uvicorn's HTTP protocol with deadlines, against slow clients.

uvicorn waits forever for a request to arrive and for a response to be received. Here every connection records the start
of its current request, and a sweep twice a second closes the late ones. The deadline is absolute: a client cannot
extend it by sending a byte now and then. When there are too many connections, the one that has been waiting longest is
closed, so idle clients cannot lock out others.
"""

import asyncio
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lenet5.web.limits import Limits
from lenet5.web.problems import MEDIA_TYPE, Problem

SWEEP_SECONDS = 0.5
# Data accepted from one request, in bodies of the largest size. Most clients read a rejection only after sending their
# whole body, so the rest of it is discarded up to this limit.
PATIENCE = 4
# Seconds during which data from a rejected client are discarded: closing at once would reset the connection, and the
# client would never see the reason.
LINGER_SECONDS = 1.0


class TimedProtocol(H11Protocol):
    """One connection. `limits` is set on a subclass by `timed`."""

    limits: Limits
    since: float | None = None  # start of the current request, or of the connection; None while idle
    received_bytes = 0  # of the current request
    refused = False  # a rejection was sent, and nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, and close another one for it if there are too many."""
        super().connection_made(transport)
        # asyncio would otherwise buffer 256 KiB from every connection before we see any of it.
        transport.max_size = self.limits.header_bytes  # type: ignore[attr-defined]
        self.since = self.loop.time()
        if len(self.connections) > self.limits.connections:
            # Connections without a complete request are closed before idle ones; the oldest first.
            others = [each for each in self.connections if isinstance(each, TimedProtocol) and each.may_go]
            min(others, key=lambda each: (each.since is None, each.since or 0.0)).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Record the start of a request."""
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
        """Wait for the next request; if the client is still sending, its deadline continues."""
        if self.conn.their_state is not h11.SEND_BODY:
            self.since = self.loop.time()  # the next request may have arrived already
            self.received_bytes = 0
        super().on_response_complete()
        self._rest()

    def _rest(self) -> None:
        """Stop the deadline when a request is complete and no other has begun."""
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.since = None

    @property
    def may_go(self) -> bool:
        """Whether the connection can be closed without dropping a request."""
        return not self.is_answering and not self.transport.is_closing()

    @property
    def is_answering(self) -> bool:
        """Whether a complete request has arrived whose response is not yet sent completely."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def sweep(self, now: float) -> None:
        """Close this connection if its deadline has passed."""
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
            self.transport.abort()  # the client does not receive its response
            return
        self._refuse(Problem("too-slow", f"the request did not arrive within {self.limits.receive_seconds:g} seconds."))

    def send_400_response(self, msg: str) -> None:
        """Respond to invalid HTTP, or to a header that is too large."""
        hint = getattr(sys.exception(), "error_status_hint", 400)
        if hint == 431:
            self._refuse(header_too_large(self.limits))
        else:
            self._refuse(Problem("malformed-request", "this is not a valid HTTP request (RFC 9112)."))

    def _refuse(self, problem: Problem) -> None:
        """Send a problem if a response can still be sent, and close."""
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
    """Return the problem for a header that is too large."""
    return Problem("header-too-large", f"the first line and the headers may have {limits.header_bytes:,} bytes.")


def timed(limits: Limits) -> type[TimedProtocol]:
    """Return the protocol with these limits, for `uvicorn.Config(http=...)`."""
    return type("TimedProtocol", (TimedProtocol,), {"limits": limits})


async def sweep_forever(connections: set[Any]) -> None:
    """Sweep all connections regularly."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        for each in list(connections):
            each.sweep(loop.time())
