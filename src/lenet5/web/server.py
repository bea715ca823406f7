"""Start and graceful shutdown of the server: requests in flight are finished, then the process exits with 0."""

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
from lenet5.web import app, http_deadlines
from lenet5.web.gateway import Gateway
from lenet5.web.limits import Limits
from lenet5.web.security import Guard
from lenet5.web.service import Service, load_models
from lenet5.web.workers import Workers

log = logging.getLogger("lenet5.web")
FILES_BESIDE_CONNECTIONS = 64  # open files of Python, the engine and the event loop
FILES_A_WORKER = 8  # open files of a worker's pipes, and of those of its replacement
ACCEPTED_AT_ONCE = 32  # connections; excess connections are closed before the next ones are accepted
FEWEST_CONNECTIONS = 16
BACKLOG = 1_024  # connections waiting to be accepted
ACCEPT_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
QUIET_SECONDS = 10.0  # between two log lines about connections that cannot be accepted


@dataclass(frozen=True)
class Settings:
    """The settings of `lenet5 serve`."""

    models: tuple[str, ...]
    host: str
    port: int
    workers: int
    engine: str
    device: str
    limits: Limits


class Server(uvicorn.Server):
    """uvicorn's server, which keeps listening during shutdown, so that /readyz can report it."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._ticks = 0  # uvicorn's ticks since the signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Shut down gracefully at the first signal, immediately at the second."""
        if self._service.stopping:
            os._exit(128 + sig)
        self._service.stopping = True

    async def on_tick(self, counter: int) -> bool:
        """Exit once no request is in flight, or after `drain_seconds`."""
        if self._service.stopping and not self.should_exit:
            late = self._ticks > 10 * self._service.limits.drain_seconds  # uvicorn ticks ten times a second
            self.should_exit = late or (self._service.in_flight == 0 and self._ticks > 0)
            self._ticks += 1
        return await super().on_tick(counter)


def serve(settings: Settings, guard: Guard, started: Callable[[str], None]) -> None:
    """Serve until a signal arrives.

    started  called with the address once requests are accepted

    Raises ServeError when the address cannot be used; ModelError, EngineError.
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
        Gateway(service, app.build(service)),
        http=http_deadlines.timed(limits),
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
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it would log every malformed form of a client
    address = listening.getsockname()
    url = f"http://{f'[{address[0]}]' if ':' in address[0] else address[0]}:{address[1]}"
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(Server(config, service), service, listening, lambda: started(url)))


async def _run(server: Server, service: Service, listening: socket.socket, started: Callable[[], None]) -> None:
    asyncio.get_running_loop().set_exception_handler(_Complaints())
    service.workers.start()
    sweeper = asyncio.create_task(http_deadlines.sweep_forever(server.server_state.connections))
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
    listening.listen(BACKLOG)  # asyncio uses one number for both the backlog and the connections accepted at once
    started()


class _Complaints:
    """Logs the event loop's errors; rate-limits those about connections that cannot be accepted."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log one error."""
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
        # The protocol is explicit because asyncio disables Nagle's algorithm only then: otherwise the last bytes of a
        # response wait for the client's acknowledgement, which systems delay by 40 ms.
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
    """Return the limits with the number of connections reduced to the allowed number of open files.

    Raises ServeError when the system allows too few to serve at all.
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
    """Return the limit of open files of this process, after raising it up to `wanted` if possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else soft
