"""From settings to a running server, and to its end: what is in flight is finished, then the process exits with 0."""

import asyncio
import contextlib
import logging
import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import uvicorn

from lenet5.errors import ServeError
from lenet5.web import app, protocol
from lenet5.web.door import Door
from lenet5.web.limits import Limits
from lenet5.web.security import Guard
from lenet5.web.service import Service, load_models
from lenet5.web.workers import Workers

FILES_BESIDE_CONNECTIONS = 128
BACKLOG = 1_024  # connections that wait to be accepted


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
    limits = settings.limits
    service = Service(
        load_models(list(settings.models), limits, settings.engine, settings.device),
        Workers(settings.workers, limits),
        guard,
        limits,
    )
    listening = _listen(settings.host, settings.port)
    _allow_files(limits.connections + FILES_BESIDE_CONNECTIONS)
    config = uvicorn.Config(
        Door(service, app.build(service)),
        http=protocol.timed(limits),
        ws="none",
        lifespan="off",
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
    service.workers.start()
    sweeper = asyncio.create_task(protocol.sweep_forever(server.server_state.connections))
    telling = asyncio.create_task(_tell(server, started))
    try:
        await server.serve([listening])
    finally:
        for task in (sweeper, telling):
            task.cancel()
        await service.workers.stop()
        for served in service.models.values():
            served.close()


async def _tell(server: Server, started: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    started()


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


def _allow_files(count: int) -> None:
    """Let this process have so many open files and connections, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard) if hard > 0 else count, hard))
