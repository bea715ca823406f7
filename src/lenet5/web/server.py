"""From settings to a running server, and to its end: what is in flight is finished, then the process exits with 0."""

import asyncio
import contextlib
import errno
import json
import logging
import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import uvicorn

from lenet5.errors import ServeError
from lenet5.web import app, protocol
from lenet5.web.door import Door
from lenet5.web.limits import Limits
from lenet5.web.security import Guard
from lenet5.web.service import Service, load_models
from lenet5.web.workers import Workers

log = logging.getLogger("lenet5.web")
FILES_BESIDE_CONNECTIONS = 64  # what Python, the engine and the event loop have open
FILES_A_WORKER = 8  # its pipes, and those of the one that takes its place
ACCEPTED_AT_ONCE = 32  # connections; before the next ones are accepted, those above the limit are closed
FEWEST_CONNECTIONS = 16
BACKLOG = 1_024  # connections that wait to be accepted
ACCEPT_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
QUIET_SECONDS = 10.0  # between two lines of the log about connections that cannot be accepted


@dataclass(frozen=True)
class Settings:
    """What `lenet5 serve` was asked for."""

    models: tuple[str, ...]
    host: str
    port: int
    workers: int
    engine: str
    device: str
    limits: Limits


class Server(uvicorn.Server):
    """uvicorn's server, which goes on listening while it finishes, so that /readyz can say that it stops."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._ticks = 0  # since the signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: at the first signal when all is done, at the second at once."""
        if self._service.stopping:
            os._exit(128 + sig)
        self._service.stopping = True

    async def on_tick(self, counter: int) -> bool:
        """Exit once nothing is in flight any more, or after the time for that."""
        if self._service.stopping and not self.should_exit:
            late = self._ticks > 10 * self._service.limits.drain_seconds  # uvicorn ticks ten times a second
            self.should_exit = late or (self._service.in_flight == 0 and self._ticks > 0)
            self._ticks += 1
        return await super().on_tick(counter)


def serve(settings: Settings, guard: Guard, started: Callable[[str], None]) -> None:
    """Serve until a signal comes.

    started  is told the address, once requests are taken

    Raises ServeError where the address cannot be had; ModelError, EngineError.
    """
    limits = _within_files(settings.limits, settings.workers)
    service = Service(
        load_models(list(settings.models), limits, settings.engine, settings.device),
        Workers(settings.workers, limits),
        guard,
        limits,
    )
    listening = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        Door(service, app.build(service)),
        http=protocol.timed(limits),
        ws="none",
        lifespan="off",
        backlog=ACCEPTED_AT_ONCE,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(limits.idle_seconds),
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=limits.header_bytes,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it would log what is wrong with clients' forms
    address = listening.getsockname()
    url = f"http://{f'[{address[0]}]' if ':' in address[0] else address[0]}:{address[1]}"
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(Server(config, service), service, listening, lambda: started(url)))


async def _run(server: Server, service: Service, listening: socket.socket, started: Callable[[], None]) -> None:
    asyncio.get_running_loop().set_exception_handler(_Complaints())
    service.workers.start()
    sweeper = asyncio.create_task(protocol.sweep_forever(server.server_state.connections))
    telling = asyncio.create_task(_tell(server, listening, started))
    try:
        await server.serve([listening])
    finally:
        for task in (sweeper, telling):
            task.cancel()
        await service.workers.stop()
        for served in service.models.values():
            served.close()


async def _tell(server: Server, listening: socket.socket, started: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    listening.listen(BACKLOG)  # asyncio takes one number for how many wait and how many it accepts at once
    started()


class _Complaints:
    """What the event loop complains of goes to the log; that no connection can be accepted, once in a while."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log one complaint."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in ACCEPT_ERRORS):
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + QUIET_SECONDS
            log.error(json.dumps({"error": f"no connection can be accepted: {error.strerror}"}))


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket at an address. Raises ServeError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol is named, for asyncio turns off Nagle's algorithm only where it is: otherwise the last bytes of
        # an answer wait for the client's acknowledgement, which systems delay by 40 ms.
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
    except OSError as error:
        raise _not_listening(host, port, error) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _not_listening(host, port, error) from None
    return listening


def _not_listening(host: str, port: int, error: OSError) -> ServeError:
    return ServeError(f"cannot listen at {host}, port {port} ({error.strerror or error}); try another --port.")


def _within_files(limits: Limits, workers: int) -> Limits:
    """Return the limits with as many connections as this process may have open files for.

    Raises ServeError where the system allows too few to serve at all.
    """
    beside = FILES_BESIDE_CONNECTIONS + FILES_A_WORKER * workers + 2 * ACCEPTED_AT_ONCE
    allowed = _allowed_files(limits.connections + beside)
    if allowed < FEWEST_CONNECTIONS + beside:
        raise ServeError(
            f"the system allows this process {allowed} open files; the server needs {FEWEST_CONNECTIONS + beside} with "
            f"--workers {workers}. Raise the limit: ulimit -n {limits.connections + beside}"
        )
    return replace(limits, connections=min(limits.connections, allowed - beside))


def _allowed_files(wanted: int) -> int:
    """Return how many open files this process may have, after asking the system for as many as are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else soft
