"""What opens pictures may die; that costs one request."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import Answer, Running, until


@pytest.fixture
def own(serve: Callable[..., Running]) -> Running:
    """A server with one worker, of its own for each test."""
    return serve("--model", "digits")


class Asking(threading.Thread):
    """A request under way."""

    def __init__(self, server: Running, content: bytes) -> None:
        super().__init__()
        self._server, self._content = server, content
        self.answer: Answer | None = None
        self.start()

    def run(self) -> None:
        self.answer = self._server.ask("/v1/read", self._content)

    def done(self) -> Answer:
        self.join(60)
        assert self.answer is not None
        return self.answer


def stopped(server: Running) -> int:
    """Stop the only worker where it is; return its process."""
    (worker,) = server.workers()
    os.kill(worker, signal.SIGSTOP)
    until(lambda: Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    return worker


def test_a_worker_that_is_killed_costs_its_request_only(own: Running, photograph: bytes) -> None:
    worker = stopped(own)
    lost = Asking(own, photograph)
    until(lambda: own.metric("lenet5_in_flight") == 2 and own.metric("lenet5_waiting_pictures") == 0)
    waits = Asking(own, photograph)
    until(lambda: own.metric("lenet5_waiting_pictures") == 1)
    os.kill(worker, signal.SIGKILL)
    assert (lost.done().status, lost.done().problem) == (500, "worker-died")
    assert waits.done().json["text"].replace(" ", "") == "7210"
    assert own.metric("lenet5_worker_deaths") == 1
    assert own.workers() != [worker]


def test_a_worker_that_dies_at_rest_costs_nothing(own: Running, photograph: bytes) -> None:
    (worker,) = own.workers()
    os.kill(worker, signal.SIGKILL)
    until(lambda: own.workers() not in ([worker], []))
    assert own.ask("/v1/read", photograph).status == 200


def test_a_picture_that_takes_too_long_is_given_up(serve: Callable[..., Running], photograph: bytes) -> None:
    server = serve(read_seconds=1)
    worker = stopped(server)
    answer = server.ask("/v1/read", photograph)
    assert (answer.status, answer.problem) == (422, "picture")
    until(lambda: server.workers() not in ([worker], []))
    server.until_ready()
    assert server.ask("/livez").status == 200


def test_pictures_that_wait_are_bounded(serve: Callable[..., Running], photograph: bytes) -> None:
    server = serve(waiting_pictures=1)
    worker = stopped(server)
    first = Asking(server, photograph)
    until(lambda: server.metric("lenet5_in_flight") == 2)
    second = Asking(server, photograph)
    until(lambda: server.metric("lenet5_waiting_pictures") == 1)
    refused = server.ask("/v1/read", photograph)
    assert (refused.status, refused.problem) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    os.kill(worker, signal.SIGCONT)
    assert [first.done().status, second.done().status] == [200, 200]


def test_a_signal_lets_finish_what_is_in_flight(own: Running, photograph: bytes) -> None:
    worker = stopped(own)
    reading = Asking(own, photograph)
    until(lambda: own.metric("lenet5_in_flight") == 2)
    own.process.send_signal(signal.SIGTERM)
    until(lambda: own.ask("/readyz").status == 503)
    assert own.ask("/readyz").problem == "stopping"
    assert own.ask("/v1/read", photograph).problem == "stopping"
    assert own.ask("/livez").status == 200
    os.kill(worker, signal.SIGCONT)
    assert reading.done().json["text"].replace(" ", "") == "7210"
    assert own.process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_second_signal_stops_at_once(own: Running, photograph: bytes) -> None:
    worker = stopped(own)
    head = f"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {len(photograph)}"
    with socket.create_connection(("127.0.0.1", own.port), timeout=30) as client:
        client.sendall(head.encode() + b"\r\n\r\n" + photograph)
        until(lambda: own.metric("lenet5_in_flight") == 2)
        own.process.send_signal(signal.SIGTERM)
        until(lambda: own.ask("/readyz").status == 503)
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait(30) == 128 + signal.SIGTERM
    os.kill(worker, signal.SIGCONT)  # it finds its input closed, and ends
    until(lambda: not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text())


def test_with_nothing_to_do_a_signal_stops_it(own: Running) -> None:
    assert own.stop() == 0
