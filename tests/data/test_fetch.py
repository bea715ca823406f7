"""Finding, verifying and downloading, against a real server on this machine."""

import contextlib
import gzip
import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lenet5.data import fetch, idx, sources
from lenet5.data.sources import DataSet, File, Part
from lenet5.errors import DataError, DataNotFoundError, RunError
from lenet5.files import cache_folder

IMAGES = gzip.compress(bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28)) + bytes(2 * 28 * 28), mtime=0)
LABELS = gzip.compress(bytes((0, 0, 8, 1, 0, 0, 0, 2, 3, 4)), mtime=0)
CONTENTS = {"images.gz": IMAGES, "labels.gz": LABELS}
closing = threading.Event()


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers as the first word of the path says."""

    def do_GET(self) -> None:
        kind, name = self.path.strip("/").split("/")
        content = CONTENTS[name]
        if kind == "silent":
            closing.wait()
            return
        if kind in ("nowhere", "chunks"):
            self.send_response(302 if kind == "nowhere" else 200)
            self.send_header(*(("Location", "http://[::1") if kind == "nowhere" else ("Transfer-Encoding", "chunked")))
            self.end_headers()
            self.wfile.write(b"-5\r\nhello\r\n0\r\n\r\n" if kind == "chunks" else b"")
            return
        if kind == "dripping-header":
            self.drip(b"HTTP/1.1 200 OK" + bytes(1000))
            return
        self.send_response(404 if kind == "empty" else 200)
        if kind != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        match kind:
            case "good":
                self.wfile.write(content)
            case "dripping":
                self.drip(content)
            case "wrong":
                self.wfile.write(bytes(len(content)))
            case "short":
                self.wfile.write(content[:-10])
            case "endless":
                with contextlib.suppress(ConnectionError):
                    while True:
                        self.wfile.write(content * 1000)

    def drip(self, content: bytes) -> None:
        """Send a byte now and then: no wait for one of them is long."""
        with contextlib.suppress(ConnectionError):
            for byte in content:
                self.wfile.write(bytes([byte]))
                if closing.wait(0.05):
                    return

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    closing.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def tiny(server: str) -> Callable[..., DataSet]:
    """A data set of two files, on mirrors of the given kinds."""

    def on(*kinds: str, known_size: bool = True) -> DataSet:
        files = (
            File("images.gz", f"sha256:{hashlib.sha256(IMAGES).hexdigest()}", (28, 28), len(IMAGES)),
            File("labels.gz", f"md5:{hashlib.md5(LABELS).hexdigest()}", (), len(LABELS) if known_size else None),
        )
        mirrors = tuple(f"{server}{kind}/" for kind in kinds)
        parts = (Part("train", "images.gz", "labels.gz"),)
        return DataSet("tiny", "Tiny", files, mirrors, "none", "none", ("a", "b"), parts)

    return on


def keep(folder: Path, name: str, content: bytes) -> Path:
    (folder / "tiny").mkdir(exist_ok=True)
    (folder / "tiny" / name).write_bytes(content)
    return folder / "tiny" / name


def statuses(data_set: DataSet, folder: Path) -> list[str]:
    return [check.status for check in fetch.verify(data_set, folder)]


@pytest.mark.parametrize("known_size", [True, False])
def test_missing_files_are_fetched(tmp_path: Path, tiny: Callable[..., DataSet], known_size: bool) -> None:
    data_set = tiny("good", known_size=known_size)
    found = fetch.fetch(data_set, tmp_path / "new" / "folder")
    assert [path.read_bytes() for path in found] == [IMAGES, LABELS]
    assert statuses(data_set, tmp_path / "new" / "folder") == ["ok", "ok"]


@pytest.mark.parametrize("bad", ["wrong", "short", "endless", "empty", "nowhere", "chunks"])
@pytest.mark.parametrize("known_size", [True, False])
def test_a_bad_mirror_is_passed_over(tmp_path: Path, tiny: Callable[..., DataSet], bad: str, known_size: bool) -> None:
    data_set = tiny(bad, "good", known_size=known_size)
    fetch.fetch(data_set, tmp_path)
    assert statuses(data_set, tmp_path) == ["ok", "ok"]


def test_a_silent_mirror_is_passed_over(
    tmp_path: Path, tiny: Callable[..., DataSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    fetch.fetch(tiny("silent", "good"), tmp_path)
    assert statuses(tiny(), tmp_path) == ["ok", "ok"]


@pytest.mark.parametrize("kind", ["dripping", "dripping-header"])
def test_a_mirror_that_drips_bytes_is_passed_over(
    tmp_path: Path, tiny: Callable[..., DataSet], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.3)
    fetch.fetch(tiny(kind, "good"), tmp_path)
    assert statuses(tiny(), tmp_path) == ["ok", "ok"]
    with pytest.raises(DataNotFoundError, match=r"sent (\d+ bytes in|no content within) 0.3 seconds"):
        fetch.fetch(tiny(kind), tmp_path / "other")


def test_when_no_mirror_helps_all_that_a_user_needs_is_said(
    tmp_path: Path, server: str, tiny: Callable[..., DataSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(DataNotFoundError) as caught:
        fetch.fetch(tiny("empty", "wrong", "short", "silent"), tmp_path)
    assert str(caught.value).splitlines() == [
        "tiny: images.gz is missing, and no mirror can be had now:",
        f"  {server}empty/images.gz: answers 404 Not Found",
        f"  {server}wrong/images.gz: sent another file: its digest is not the publisher's",
        f"  {server}short/images.gz: sent {len(IMAGES) - 10} bytes, expected {len(IMAGES)}",
        f"  {server}silent/images.gz: sent no content within 0.2 seconds",
        f"Try again later; or put these files into {tmp_path / 'tiny'} by hand:",
        "  images.gz  (missing now)",
        "  labels.gz  (missing now)",
        "If you have them elsewhere, name the folder above theirs with --data-dir or LENET5_DATA.",
    ]
    assert not (tmp_path / "tiny").exists()


def test_a_mirror_that_is_not_there_is_named(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    nowhere = DataSet(**(vars(tiny()) | {"mirrors": ("http://127.0.0.1:9/",)}))
    with pytest.raises(DataNotFoundError, match=r"http://127.0.0.1:9/images.gz: .*refused"):
        fetch.fetch(nowhere, tmp_path)


def test_no_more_than_the_known_size_is_taken(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    with pytest.raises(DataNotFoundError, match=f"sent more than {len(IMAGES)} bytes"):
        fetch.fetch(tiny("endless"), tmp_path)


def test_a_damaged_file_is_replaced(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    keep(tmp_path, "images.gz", IMAGES[:-1])
    keep(tmp_path, "labels.gz", LABELS)
    assert statuses(tiny(), tmp_path) == ["damaged", "ok"]
    fetch.fetch(tiny("good"), tmp_path)
    assert statuses(tiny(), tmp_path) == ["ok", "ok"]


def test_a_damaged_file_stays_until_a_good_one_is_there(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    damaged = keep(tmp_path, "images.gz", b"something")
    with pytest.raises(DataNotFoundError):
        fetch.fetch(tiny("wrong"), tmp_path)
    assert damaged.read_bytes() == b"something"


def test_good_files_are_not_fetched_again(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    for name, content in CONTENTS.items():
        keep(tmp_path, name, content)
    assert [path.name for path in fetch.fetch(tiny("empty"), tmp_path)] == ["images.gz", "labels.gz"]


def test_unpacked_files_are_found_and_judged_by_their_structure(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    keep(tmp_path, "images", gzip.decompress(IMAGES))
    keep(tmp_path, "labels", gzip.decompress(LABELS)[:-1])
    assert statuses(tiny(), tmp_path) == ["unpacked", "damaged"]
    idx.write(tmp_path / "tiny" / "images", np.zeros((2, 8, 8), np.uint8))
    assert statuses(tiny(), tmp_path) == ["damaged", "damaged"]


def test_a_damaged_unpacked_file_gives_way_to_a_packed_one(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    keep(tmp_path, "images", b"something")
    fetch.fetch(tiny("good"), tmp_path)
    assert fetch.locate(tiny(), tmp_path)["images.gz"].name == "images.gz"


def test_a_bar_shows_each_file(
    tmp_path: Path, tiny: Callable[..., DataSet], capsys: pytest.CaptureFixture[str]
) -> None:
    fetch.fetch(tiny("good"), tmp_path, progress=True)
    shown = capsys.readouterr()
    assert "images.gz" in shown.out + shown.err
    assert "labels.gz" in shown.out + shown.err


def test_nothing_is_shown_when_nothing_is_fetched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch.fetch(sources.UCI_DIGITS, tmp_path, progress=True) == []
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, tiny: Callable[..., DataSet]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((DataError, RunError), match=r"file/tiny: .*Not a directory"):
        fetch.fetch(tiny("good"), tmp_path / "file")


def test_the_data_folder_is_the_one_given_or_named_or_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENET5_DATA", "/named")
    assert fetch.data_folder(tmp_path) == tmp_path
    assert fetch.data_folder(None) == Path("/named")
    monkeypatch.delenv("LENET5_DATA")
    assert fetch.data_folder(None) == cache_folder() / "data"


def test_the_real_files_are_whole(mnist_folder: Path) -> None:
    assert statuses(sources.MNIST, mnist_folder) == ["ok"] * 4
