"""What goes over the wire: slow senders, half requests, two lengths, too many connections."""

import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from serving import Running, until

HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def hasty(serve: Callable[..., Running]) -> Running:
    """A server that waits for a request for one second, and has twenty connections at most."""
    return serve(receive_seconds=1, idle_seconds=2, connections=20)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "begun",
    [b"", LIVE[:10], HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"],
)
def test_who_sends_no_more_is_cut_off(hasty: Running, begun: bytes) -> None:
    answer = hasty.raw(begun)
    assert status(answer) == 408
    assert b"urn:lenet5:problem:too-slow" in answer


def test_a_byte_now_and_then_does_not_help(hasty: Running) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=30) as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        sent = 0
        while True:
            client.settimeout(0.1)
            try:
                if status(client.recv(65_536)) == 408:
                    break
            except TimeoutError:
                client.sendall(b"x")
                sent += 1
        assert sent < 100


def test_slow_senders_do_not_keep_others_waiting(serve: Callable[..., Running]) -> None:
    server = serve(connections=100)
    with ExitStack() as stack:
        for _ in range(150):  # more than there is room for: each new one takes the place of the oldest slow one
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            slow.sendall(HEAD)
        assert [server.ask("/livez").status for _ in range(20)] == [200] * 20


def test_resting_connections_are_closed(hasty: Running) -> None:
    answer = hasty.raw(LIVE + b"\r\n")
    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1") == 1


def test_requests_behind_one_another_are_answered_in_order(server: Running) -> None:
    wrong = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = server.raw(LIVE + b"\r\n" + wrong + LIVE + b"Connection: close\r\n\r\n")
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_a_client_that_closed_its_side_still_gets_its_answer(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(LIVE + b"Connection: close\r\n\r\n")
        time.sleep(0.1)
        client.shutdown(socket.SHUT_WR)
        assert status(client.recv(65_536)) == 200


def test_who_asks_first_is_told_to_go_on(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(HEAD + b"Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert status(client.recv(65_536)) == 100
        client.sendall(b"nope")
        assert status(client.recv(65_536)) == 422


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: -4\r\n", b"Content-Length: +4\r\n",
        b"Content-Length: 4, 5\r\n", b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: chunked, chunked\r\n",
    ],
)  # fmt: skip
def test_a_length_stated_twice_or_wrongly_is_refused(server: Running, lengths: bytes) -> None:
    answer = server.raw(HEAD + lengths + b"\r\n0\r\n\r\n" + LIVE + b"\r\n")
    assert status(answer) in (400, 501)
    assert answer.count(b"HTTP/1.1 ") == 1, "what came behind it was answered"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        LIVE + b"X: a\x00b\r\n\r\n", b"GET /li\x00vez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(server: Running, sent: bytes) -> None:
    answer = server.raw(sent.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert 400 <= status(answer) < 500
    assert b"Traceback" not in answer


def test_a_header_that_is_too_large_is_refused(server: Running) -> None:
    answer = server.raw(LIVE + b"Connection: close\r\nX: " + b"x" * (64 << 10) + b"\r\n\r\n")
    assert status(answer) == 431
    assert b"header-too-large" in answer


@pytest.mark.parametrize("line", [b"GET /%b HTTP/1.1", b"GET /livez?%b HTTP/1.1", b"%b /livez HTTP/1.1"])
@pytest.mark.parametrize("size", [17 << 10, 100_000])
def test_a_first_line_that_is_too_long_is_refused(server: Running, line: bytes, size: int) -> None:
    answer = server.raw(line % (b"A" * size) + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status(answer) == 431
    assert b"header-too-large" in answer


def test_bodies_in_flight_are_bounded_and_digits_still_get_through(serve: Callable[..., Running]) -> None:
    digit = json.dumps({"images": [[[0] * 28] * 28]}).encode()
    server = serve(bodies_bytes=4 << 20)
    with ExitStack() as stack:
        for _ in range(4):
            large = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            large.sendall(HEAD + b"Content-Length: 1058000\r\n\r\n" + bytes(1_057_999))
        until(lambda: server.metric("lenet5_body_bytes") > 4_100_000)
        refused = server.ask("/v1/predict", bytes(1 << 20))
        assert (refused.status, refused.problem) == (503, "busy")
        assert server.ask("/v1/predict", digit, "application/json").status == 200
    until(lambda: server.metric("lenet5_body_bytes") == 0)
    assert server.ask("/v1/predict", bytes(1 << 20)).problem == "picture"


def limited(files: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def test_connections_fit_the_open_files_that_the_system_allows(serve: Callable[..., Running]) -> None:
    server = serve("--model", "modern", before_start=limited(200))
    assert server.ask("/v1/limits").json["connections"] < 100
    with ExitStack() as stack:
        for _ in range(400):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            slow.sendall(HEAD)
        assert [server.ask("/livez").status for _ in range(20)] == [200] * 20


def test_a_system_that_allows_too_few_open_files_is_named_at_the_start() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "lenet5", "serve", "--port", "0", "--model", "modern"],
        capture_output=True, text=True, timeout=60, check=False, preexec_fn=limited(100),
    )  # fmt: skip
    assert said.returncode == 1
    assert "allows this process 100 open files; the server needs" in " ".join(said.stderr.split())
    assert "Traceback" not in said.stderr


def test_a_body_without_end_is_cut_off(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        part = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        with pytest.raises((ConnectionError, BrokenPipeError)):  # noqa: PT012  whichever send finds it closed
            for _ in range(1_000):
                client.sendall(part)


def test_no_other_protocol_is_spoken(server: Running) -> None:
    upgrade = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    assert status(server.raw(LIVE + upgrade + b"Connection: close, Upgrade\r\n\r\n")) == 200


def test_what_comes_in_a_header_does_not_go_out(server: Running) -> None:
    answer = server.raw(
        LIVE + b"X-Request-Id: a\r\n b: c\r\nX-Other: d%0d%0aSet-Cookie: e=f\r\nConnection: close\r\n\r\n"
    )
    assert b"Set-Cookie" not in answer
