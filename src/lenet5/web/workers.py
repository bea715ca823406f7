"""The server's pool of worker processes: assignment, timeouts and replacement.

A picture that crashes its worker fails only that request. A dead worker is replaced, with increasing delays (backoff)
while workers die before they are ready.
"""

import asyncio
import json
import math
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from lenet5.web import worker_frames
from lenet5.web.limits import Limits
from lenet5.web.problems import Problem

LONGEST_PAUSE_SECONDS = 10.0
MOST_FRAME = 64 << 20  # bytes; larger frames from a broken worker are an error
MODULE = "lenet5.web.worker"


class Workers:
    """A pool of `count` processes, kept alive. Call `start` before use and `stop` at the end."""

    def __init__(self, count: int, limits: Limits) -> None:
        self.count, self.limits = count, limits
        self.deaths = 0
        self.waiting = 0  # pictures waiting for a free worker
        self._free: asyncio.LifoQueue[asyncio.subprocess.Process] = asyncio.LifoQueue()
        self._alive: set[asyncio.subprocess.Process] = set()
        self._keepers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the workers, which are ready about a second later."""
        self._keepers = [asyncio.create_task(self._keep()) for _ in range(self.count)]

    @property
    def alive(self) -> int:
        """The number of processes that are ready or busy."""
        return len(self._alive)

    async def stop(self) -> None:
        """Stop all workers."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def do(self, job: dict[str, Any], content: bytes, seconds: float) -> bytes:
        """Return a worker's result for a picture, which may wait up to `seconds`, and then take as long again.

        Raises Problem: the worker's rejection of the picture; busy; deadline, if no worker is free in time; picture,
        if it takes too long; worker-died.
        """
        if self.waiting >= self.limits.waiting_pictures:
            raise Problem("busy", f"{self.waiting} pictures are already waiting; try again shortly.", retry_after=2)
        worker = await self._get(seconds)
        # The time limit starts again. Otherwise long waits would get workers killed, which would increase the load.
        frame = worker_frames.pack({**job, "seconds": math.ceil(seconds)}, content)
        try:
            async with asyncio.timeout(seconds):
                header, result = await _ask(worker, frame)
        except TimeoutError:
            worker.kill()
            raise Problem("picture", f"the picture took longer than {seconds:g} seconds; make it smaller.") from None
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            with suppress(ProcessLookupError):
                worker.kill()
            if await worker.wait() == -signal.SIGXCPU:
                raise Problem(
                    "picture", f"the picture took longer than {seconds:g} seconds; make it smaller."
                ) from None
            raise Problem("worker-died", "the process that decoded the picture has died.") from None
        except asyncio.CancelledError:
            worker.kill()  # its late response would be mistaken for the next one's
            raise
        self._free.put_nowait(worker)
        if header:
            raise Problem(header["kind"], header["detail"])
        return result

    async def _get(self, seconds: float) -> asyncio.subprocess.Process:
        """Return a free worker that is alive. Raises Problem."""
        self.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                while (worker := await self._free.get()).returncode is not None:
                    pass
                return worker
        except TimeoutError:
            raise Problem("deadline", "no worker was free in time; try again shortly.", retry_after=2) from None
        finally:
            self.waiting -= 1

    async def _keep(self) -> None:
        """Keep one worker running: start it, wait for its end, start the next."""
        pause = 0.0
        while True:
            try:
                worker = await self._started()
            except OSError:  # out of memory, processes or open files
                pause = min(2 * pause + 0.25, LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause)
                continue
            try:
                await _frame(worker)  # it is ready
                self._alive.add(worker)
                self._free.put_nowait(worker)
                pause = 0.0
            except (asyncio.IncompleteReadError, ConnectionError, ValueError):
                pause = min(2 * pause + 0.25, LONGEST_PAUSE_SECONDS)
            except asyncio.CancelledError:
                await _end(worker)
                raise
            try:
                await worker.wait()
            finally:
                self._alive.discard(worker)
                await _end(worker)
            self.deaths += 1
            await asyncio.sleep(pause)

    async def _started(self) -> asyncio.subprocess.Process:
        settings = {
            "memory_bytes": self.limits.memory_bytes,
            "pixels": self.limits.picture_pixels,
            "side": self.limits.picture_side_px,
        }
        # Decoders must not have access to the token.
        environment = {name: value for name, value in os.environ.items() if name != "LENET5_TOKEN"}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, json.dumps(settings),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C in a terminal goes to the server only, which stops its workers
        )  # fmt: skip


async def _ask(worker: asyncio.subprocess.Process, frame: bytes) -> tuple[dict[str, Any], bytes]:
    assert worker.stdin is not None
    worker.stdin.write(frame)
    await worker.stdin.drain()
    return await _frame(worker)


async def _frame(worker: asyncio.subprocess.Process) -> tuple[dict[str, Any], bytes]:
    """Return a worker's next frame. Raises IncompleteReadError when it has died, ValueError for an invalid frame."""
    assert worker.stdout is not None
    text, size = worker_frames.lengths(await worker.stdout.readexactly(worker_frames.LENGTHS.size))
    if text + size > MOST_FRAME:
        raise ValueError("no frame")
    header = json.loads(await worker.stdout.readexactly(text))
    return header, await worker.stdout.readexactly(size)


async def _end(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()
