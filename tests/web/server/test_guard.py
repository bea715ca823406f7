"""Who is let in."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import Running, until

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def locked(serve: Callable[..., Running]) -> Running:
    """A server that others can reach, with a token, and a name."""
    return serve(
        "--model", "modern", "--host", "0.0.0.0", "--allow-host", "digits.example",
        environment={"LENET5_TOKEN": TOKEN},
    )  # fmt: skip


def refused(*options: str, token: str = "") -> str:
    """Return what `lenet5 serve` says where it does not start."""
    environment = {name: value for name, value in os.environ.items() if name != "LENET5_TOKEN"}
    done = subprocess.run(
        [sys.executable, "-m", "lenet5", "serve", *options], capture_output=True, text=True, timeout=60,
        env={**environment, "LENET5_TOKEN": token} if token else environment, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_nobody_else_is_let_in_by_accident(host: str) -> None:
    assert "it has no token" in refused("--host", host)


def test_a_token_is_long_and_in_one_piece(tmp_path: Path) -> None:
    assert "at least 16 printable" in refused(token="short")
    file = tmp_path / "token"
    file.write_text("with a space in the middle of it")
    assert "and no space" in refused("--token-file", str(file))
    assert "cannot be read" in refused("--token-file", str(tmp_path / "nothing"))


def test_an_address_in_use_is_named(server: Running) -> None:
    assert f"cannot listen at 127.0.0.1, port {server.port}" in refused("--port", str(server.port))


def test_a_model_that_is_not_there_is_named() -> None:
    assert "nothing.safetensors" in refused("--model", "nothing.safetensors")


def test_work_needs_the_token(locked: Running) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        for path in ("/v1/models", "/metrics", "/openapi.json"):
            answer = locked.ask(path, **headers)
            assert (answer.status, answer.problem) == (401, "token")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert locked.ask("/v1/predict", b"x", **headers).problem == "token"
    assert locked.ask("/v1/models", Authorization=f"Bearer {TOKEN}").status == 200
    assert locked.ask(f"/v1/models?token={TOKEN}").problem == "token"
    assert [locked.ask(path).status for path in ("/livez", "/readyz", "/")] == [200, 200, 200]


def test_the_token_is_kept_from_the_processes_that_open_pictures(locked: Running) -> None:
    for worker in locked.workers():
        assert TOKEN.encode() not in Path(f"/proc/{worker}/environ").read_bytes()


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_a_name_that_was_made_to_point_here_is_refused(server: Running, host: str) -> None:
    answer = server.ask("/v1/models", Host=host)
    assert (answer.status, answer.problem) == (403, "foreign-host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "192.0.2.7"])
def test_names_of_its_own_and_addresses_are_known(server: Running, host: str) -> None:
    assert server.ask("/v1/models", Host=host).status == 200


def test_a_name_can_be_allowed(locked: Running) -> None:
    assert locked.ask("/livez", Host="digits.example").status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_origin_is_refused(server: Running, origin: str) -> None:
    for method, kind in (("POST", "text/plain"), ("OPTIONS", "application/json")):
        answer = server.ask("/v1/predict", b"x", kind, Origin=origin, method=method)
        assert (answer.status, answer.problem) == (403, "foreign-origin")
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_its_own_page_is_let_in(server: Running) -> None:
    assert server.ask("/v1/models", Origin=server.url).status == 200


def test_no_answer_can_be_framed_or_taken_for_another_type(server: Running) -> None:
    for path in ("/", "/v1/models", "/nothing"):
        headers = server.ask(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_pages_of_a_named_origin_may_frame_it(serve: Callable[..., Running]) -> None:
    headers = serve("--model", "modern", "--allow-frame", "https://school.example").ask("/").headers
    assert headers["content-security-policy"].endswith("frame-ancestors https://school.example")
    assert "x-frame-options" not in headers


@pytest.mark.parametrize("origin", ["*", "school.example", "https://a.example; script-src *", "https://a.example/page"])
def test_a_frames_origin_is_an_origin(origin: str) -> None:
    assert "an origin is expected" in refused("--allow-frame", origin)


def test_it_opens_the_page_in_the_browser(serve: Callable[..., Running], tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!/bin/sh\necho $1 > {opened}\n")
    browser.chmod(0o755)
    server = serve("--model", "modern", "--open", environment={"BROWSER": f"{browser} %s"})
    until(lambda: opened.exists() and opened.read_text().strip() == server.url)
