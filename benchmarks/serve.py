"""Throughput of `lenet5 serve` for single digits over loopback, and the growth of its memory.

Run: python benchmarks/serve.py [--soak SECONDS]

The server is held on one core, this client on another. Each connection asks again as soon as it has its answer.
"""

import argparse
import asyncio
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from side_by_side import machine, record

from lenet5.data.datasets import load

CONNECTIONS = (1, 16, 32)
ROUNDS, SECONDS = 5, 3.0
GOAL_A_SECOND, GOAL_P99_MS = 1_500, 50


@dataclass
class Seen:
    """How long each answer took, in seconds, and how many had which status."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


class Asking(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last one is whole."""

    def __init__(self, requests: list[bytes], end: float, seen: Seen) -> None:
        self._requests, self._end, self._seen = itertools.cycle(requests), end, seen
        self._came = bytearray()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self._came += data
        head = self._came.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = bytes(self._came[:head]).lower()
        size = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._came) < head + 4 + size:
            return
        status = int(lower[9:12])
        self._seen.statuses[status] = self._seen.statuses.get(status, 0) + 1
        self._seen.seconds.append(time.perf_counter() - self._asked)
        del self._came[: head + 4 + size]
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        """End."""
        self.closed.set_result(None)

    def _next(self) -> None:
        self._asked = time.perf_counter()
        if self._asked < self._end:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()


def request(path: str, kind: str, body: bytes) -> bytes:
    """Return the bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def ask(port: int, requests: list[bytes], connections: int, seconds: float) -> Seen:
    """Keep several connections busy for some seconds; each starts at a different request."""
    loop, seen, end = asyncio.get_running_loop(), Seen(), time.perf_counter() + seconds
    asking = []
    for each in range(connections):
        turned = requests[each % len(requests) :] + requests[: each % len(requests)]
        _, protocol = await loop.create_connection(lambda own=turned: Asking(own, end, seen), "127.0.0.1", port)
        asking.append(protocol)
    await asyncio.gather(*(each.closed for each in asking))
    return seen


def png(pixels: np.ndarray, mode: str = "L") -> bytes:
    """Return a picture as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    return file.getvalue()


def started(core: int) -> tuple[subprocess.Popen[str], int]:
    """Start a server on one core; return it and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lenet5", "serve", "--model", "modern", "--model", "digits", "--port", "0"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    assert process.stdout
    port = int(process.stdout.readline().split(" at http://127.0.0.1:")[1].split()[0])
    time.sleep(3)  # until its worker is there
    return process, port


def speed(port: int, images: np.ndarray) -> str:
    """Measure predictions a second; return the table."""
    contenders = {
        "PNG": [request("/v1/predict", "image/png", png(image)) for image in images],
        "JSON": [
            request("/v1/predict", "application/json", json.dumps({"images": [image.tolist()]}).encode())
            for image in images
        ],
    }
    rates: dict[tuple[str, int], list[float]] = {}
    slow: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, requests in contenders.items():
                seen = asyncio.run(ask(port, requests, connections, SECONDS))
                assert set(seen.statuses) == {200}, seen.statuses
                rates.setdefault((name, connections), []).append(len(seen.seconds) / SECONDS)
                slow.setdefault((name, connections), []).append(1e3 * statistics.quantiles(seen.seconds, n=100)[98])
    rows = "\n".join(
        f"| {name} | {connections} | {statistics.median(rates[name, connections]):,.0f} "
        f"({max(rates[name, connections]):,.0f}) | {statistics.median(slow[name, connections]):.1f} |"
        for name, connections in rates
    )
    return (
        f"{machine()}. `lenet5 serve --model modern` on one core, the client on another; keep-alive over loopback, one "
        f"digit a request, {ROUNDS} alternated turns of {SECONDS:g} s. Goal: {GOAL_A_SECOND:,} a second with p99 under "
        f"{GOAL_P99_MS} ms.\n\n"
        "| sent as | connections | answers a second, median (best) | p99, ms, median |\n|---|--:|--:|--:|\n" + rows
    )


def soak(process: subprocess.Popen[str], port: int, images: np.ndarray, seconds: float) -> str:
    """Ask everything, good and bad, for long; return how memory and open files went."""
    row = np.pad(np.hstack([255 - image for image in images[:4]]), 20, constant_values=255)
    photograph, digit = png(np.kron(row, np.ones((3, 3), np.uint8))), png(images[0])
    others = [request("/v1/predict", "image/png", png(image, "RGB")) for image in images[:4]]  # through the worker
    others += [
        request("/v1/predict", "application/json", json.dumps({"images": images[:16].tolist()}).encode()),
        request("/v1/explain?model=digits", "image/png", digit),
        request("/v1/read?model=digits", "image/png", photograph),
        request("/v1/predict", "image/png", digit[:-30]),
        request("/v1/predict", "application/json", b'{"images": ['),
        request("/v1/nothing", "text/plain", b"x"),
    ]
    plain = [request("/v1/predict", "image/png", png(image)) for image in images]
    mix = [each for place, other in enumerate(others) for each in (*plain[10 * place : 10 * place + 10], other)]
    rows: list[str] = []
    total, statuses = 0, dict[int, int]()
    for part in range(11):
        if part:
            seen = asyncio.run(ask(port, mix, 16, seconds / 10))
            total += len(seen.seconds)
            for status, count in seen.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
        rows.append(f"| {part * seconds / 10:.0f} | {total:,} | {held(process.pid)} | {held(worker(process.pid))} |")
    told = ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
    return (
        "\n\nEverything mixed, pictures through the worker, photographs and faulty requests among it, 16 connections: "
        f"{told}.\n\n| seconds | requests | server: MB, files | worker: MB, files |\n|--:|--:|---|---|\n"
        + "\n".join(rows)
    )


def worker(server: int) -> int:
    """Return the process that decodes pictures."""
    return int(Path(f"/proc/{server}/task/{server}/children").read_text().split()[0])


def held(process: int) -> str:
    """Return a process's memory and how many files it has open."""
    megabytes = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 1e6
    return f"{megabytes:.1f}, {len(os.listdir(f'/proc/{process}/fd'))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", type=float, default=60, help="seconds of everything mixed")
    seconds = parser.parse_args().soak
    images = np.asarray(load("mnist", "test", Path(os.environ["LENET5_DATA"])).images[:256])
    cores = sorted(os.sched_getaffinity(0))
    process, port = started(cores[0])
    os.sched_setaffinity(0, set(cores[1:2] or cores))
    try:
        text = speed(port, images)
        process.terminate()
        assert process.wait(30) == 0
        process, port = started(cores[0])
        record("The server", text + soak(process, port, images, seconds))
    finally:
        process.kill()


if __name__ == "__main__":
    main()
