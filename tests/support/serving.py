"""`lenet5 serve` as a process of its own, and a client that shows every byte."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMITED = """
import json, sys
from lenet5.web.limits import Limits
from lenet5.web.security import guard
from lenet5.web.server import Settings, serve
door = guard("127.0.0.1", None, no_auth=False, allowed=())
limits = Limits(**json.loads(sys.argv[1]))
settings = Settings(("modern",), "127.0.0.1", 0, 1, "auto", "auto", limits)
serve(settings, door, lambda url: print("serving", url, flush=True))
"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def problem(self) -> str:
        """The end of the type of a problem, which is whole."""
        assert self.headers["content-type"] == "application/problem+json"
        said = self.json
        assert said["status"] == self.status
        assert said["detail"]
        assert "Traceback" not in said["detail"]
        assert self.headers.get("x-content-type-options") == "nosniff"
        return str(said["type"]).removeprefix("urn:lenet5:problem:")


@dataclass(frozen=True)
class Running:
    """A server's process, and where it listens."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ask(self, path: str, body: bytes | None = None, kind: str = "image/png", **headers: str) -> Answer:
        """GET a path, or POST a body to it; `Some_Header="value"` is sent as Some-Header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            method = given.pop("method", "GET" if body is None else "POST")
            connection.request(method, path, body, ({"Content-Type": kind} if body is not None else {}) | given)
            answer = connection.getresponse()
            return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def raw(self, sent: bytes, *, seconds: float = 30) -> bytes:
        """Send bytes as they are; return what comes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as client:
            client.sendall(sent)
            came = []
            while part := client.recv(65_536):
                came.append(part)
            return b"".join(came)

    def workers(self) -> list[int]:
        """The processes that decode pictures."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(each) for each in children.read_text().split()]

    def metric(self, name: str) -> float:
        """One figure of /metrics."""
        lines = self.ask("/metrics").content.decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))

    def until_ready(self) -> None:
        """Wait until a worker is there."""
        end = time.monotonic() + 60
        while self.ask("/readyz").status != 200:
            assert time.monotonic() < end, "the server is not ready after a minute"
            time.sleep(0.05)

    def stop(self, *, seconds: float = 30) -> int:
        """Ask it to stop; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not come to pass within a minute"
        time.sleep(0.02)


def started(words: list[str], environment: dict[str, str], before_start: Callable[[], None] | None = None) -> Running:
    """Start a server by Python's arguments; return it when it is ready. before_start: called in the new process."""
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
        preexec_fn=before_start,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    url = next((word for word in line.split() if word.startswith("http://")), None)
    assert url, f"the server said {line!r}"
    running = Running(process, url)
    running.until_ready()
    return running
