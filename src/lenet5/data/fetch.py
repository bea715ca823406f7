"""Find the files of a data set, verify them, and download what is missing or damaged.

A file gets its name only when its digest is right; a mirror that sends anything else is passed over.
"""

import contextlib
import hashlib
import http.client
import os
import queue
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from lenet5.data import idx
from lenet5.data.sources import AMBIGUOUS, DATA_SETS, DataSet, File
from lenet5.errors import DataError, DataNotFoundError, IdxError
from lenet5.files import cache_folder, write_atomically

TIMEOUT_SECONDS = 15.0  # after which a mirror that sends nothing, or too little, is given up
LEAST_BYTES = 15_000  # that a mirror must send within TIMEOUT_SECONDS, unless the file ends sooner
LOOKS = 50  # in that time, at how much has come
PIECE = 1 << 16
MOST_BYTES = 1 << 26  # for a file whose size is not known; the largest that is has 26 MB

SHOWN = 8  # names in a message

Status = Literal["ok", "unpacked", "unpinned", "missing", "damaged"]


class Checked(NamedTuple):
    """A file of a data set, how it is, where it lies, and what is wrong with it."""

    file: File
    status: Status
    path: Path | None
    reason: str


def data_folder(given: Path | None) -> Path:
    """Return the folder that holds a folder for each data set.

    It is the one given; or else the environment's LENET5_DATA; or else one in the user's cache.
    """
    if given is not None:
        return given
    named = os.environ.get("LENET5_DATA")
    return Path(named) if named else cache_folder() / "data"


def locate(data_set: DataSet, folder: Path) -> dict[str, Path]:
    """Return where each file of a set lies, by its name; one that is missing is left out.

    folder  the data folder, which holds a folder for each set; or what people have in its place: torchvision's
            MNIST/raw, or the folder of the files themselves. A file may be unpacked, and be called as 7-Zip and Kaggle
            call it: train-images.idx3-ubyte
    """
    folders = _folders(data_set, folder)
    places = {}
    for file in data_set.files:
        packed = (file.name, file.name.replace("-idx", ".idx"))
        names = [name for each in packed for name in (each, each.removesuffix(".gz"))]
        found = (place / name for place in folders for name in names if (place / name).is_file())
        if (path := next(found, None)) is not None:
            places[file.name] = path
    return places


def what_lies_in(data_set: DataSet, folder: Path) -> str:
    """Return a sentence that names what lies where a set is looked for; "" where nothing does."""
    told = []
    for place in dict.fromkeys((folder, *_folders(data_set, folder))):
        if place.is_dir() and (entries := sorted(path.name for path in place.iterdir())):
            more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
            told.append(f"{place} holds {', '.join(entries[:SHOWN])}{more}")
    return "; ".join(told) + "." if told else ""


def _folders(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the folders in which a set's files may lie, the usual one first."""
    with contextlib.suppress(OSError):
        named = [path for path in sorted(folder.iterdir()) if path.is_dir() and _letters(path.name) in data_set.keys]
        places = [folder / data_set.name, *named]
        here = {_letters(part) for part in folder.absolute().parts[-2:]}
        others = {key for known in DATA_SETS.values() for key in known.keys}
        if here & data_set.keys or not (here & others or data_set in AMBIGUOUS):
            places.append(folder)
        places = [below for place in places for below in (place, place / "raw", place / "gzip", place / "raw" / "gzip")]
        return list(dict.fromkeys(places))
    return [folder / data_set.name]


def _letters(name: str) -> str:
    """Return a name in lower-case letters and digits, so that Fashion-MNIST, fashion_mnist and FashionMNIST match."""
    return re.sub("[^a-z0-9]", "", name.lower())


def verify(data_set: DataSet, folder: Path) -> list[Checked]:
    """Return how each file of a set is.

    "ok" has the publisher's digest. "unpacked" has no ".gz" and so no digest to compare, "unpinned" has none that is
    known; both read well, and their items have the right shape. Else a file is "missing", or "damaged" for a reason.
    """
    places = locate(data_set, folder)
    return [_checked(file, places.get(file.name)) for file in data_set.files]


def fetch(data_set: DataSet, folder: Path, *, progress: bool = False) -> list[Path]:
    """Download the files of a set that are missing or damaged, and return where each file lies.

    progress  show a bar for each file

    Raises DataNotFoundError when no mirror has a file, RunError when it cannot be kept.
    """
    wanted = {
        check.file: f"{check.status}{f' ({check.reason})' if check.reason else ''}"
        for check in verify(data_set, folder)
        if check.status in ("missing", "damaged")
    }
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, disable=not (progress and wanted)) as bars:
        for file in wanted:
            bar = bars.add_task(file.name, total=file.bytes)

            def report(done: int, bar: TaskID = bar) -> None:
                bars.update(bar, completed=done)

            content = _from_any_mirror(data_set, file, folder, wanted, report)
            _make(folder / data_set.name)
            write_atomically(folder / data_set.name / file.name, content)
    return list(locate(data_set, folder).values())


def _checked(file: File, path: Path | None) -> Checked:
    if path is None:
        return Checked(file, "missing", None, "")
    packed = path.suffix == ".gz"
    if packed and file.digest:
        with path.open("rb") as opened:
            content = hashlib.file_digest(opened, lambda: _hash(file))
        if _is_right(content, file):
            return Checked(file, "ok", path, "")
        return Checked(file, "damaged", path, "its digest is not the publisher's")
    try:
        item = idx.read(path).shape[1:]
    except IdxError as error:
        return Checked(file, "damaged", path, str(error))
    if item != file.item:
        expected = "x".join(map(str, file.item)) or "single numbers"
        reason = (
            f"its items are {'x'.join(map(str, item)) or 'single numbers'}, expected {expected}. "
            f"To use it as your own images: --data {path.parent}"
        )
        return Checked(file, "damaged", path, reason)
    return Checked(file, "unpinned" if packed else "unpacked", path, "")


def _from_any_mirror(
    data_set: DataSet, file: File, folder: Path, wanted: Mapping[File, str], report: Callable[[int], None]
) -> bytes:
    """Return the content of a file from the first mirror that has it. Raises DataNotFoundError."""
    refusals = []
    for mirror in data_set.mirrors:
        try:
            return _download(mirror + file.name, file, report)
        # ValueError: an address, or the size of a chunk, that is none (such as a redirect to http://[::1)
        except (OSError, http.client.HTTPException, ValueError, DataError) as error:
            refusals.append(f"  {mirror}{file.name}: {_reason(error)}")
    names = [f"  {other.name}  ({status.partition(' ')[0]} now)" for other, status in wanted.items()]
    why = "and no mirror can be had now:" if data_set.mirrors else "and lenet5 does not fetch it."
    then = "Try again later; or put" if refusals else "Put"
    there = what_lies_in(data_set, folder)
    raise DataNotFoundError(
        "\n".join(
            [
                f"{data_set.name}: {file.name} is {wanted[file]}, {why}",
                *refusals,
                f"{then} these files into {folder / data_set.name} by hand:",
                *names,
                *([there] if there else []),
                "If you have them elsewhere, name the folder above theirs with --data-dir or LENET5_DATA.",
            ]
        )
    )


def _download(address: str, file: File, report: Callable[[int], None]) -> bytes:
    """Return the content at an address once it is known to be right; never takes more than a file can have.

    Raises OSError or HTTPException from the network, DataError when something else is sent.
    """
    most = file.bytes or MOST_BYTES
    content = _received(address, most, report)
    if len(content) > most:
        raise DataError(f"sent more than {most:,} bytes")
    if file.bytes and len(content) < file.bytes:
        raise DataError(f"sent {len(content):,} bytes, expected {file.bytes:,}")
    digest = _hash(file)
    digest.update(content)
    if not _is_right(digest, file):
        raise DataError("sent another file: its digest is not the publisher's")
    return bytes(content)


class SlowMirrorError(TimeoutError):
    """A mirror sends something, but too little to wait for."""


def _received(address: str, most: int, report: Callable[[int], None]) -> bytearray:
    """Return what an address sends, up to a little more than `most` bytes.

    Raises OSError or HTTPException; TimeoutError when it sends too little for too long: a mirror that drips bytes keeps
    every timeout of a socket from running out, so the network is waited for in a thread that can be given up.
    """
    content = bytearray()
    ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    given_up = threading.Event()

    def receive() -> None:
        try:
            request = urllib.request.Request(address, headers={"User-Agent": "lenet5"})
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                while not given_up.is_set() and len(content) <= most and (piece := response.read1(PIECE)):
                    content.extend(piece)
            ended.put(None)
        except Exception as error:
            ended.put(error)

    threading.Thread(target=receive, daemon=True).start()
    before, deadline = 0, time.monotonic() + TIMEOUT_SECONDS
    while True:
        with contextlib.suppress(queue.Empty):
            error = ended.get(timeout=TIMEOUT_SECONDS / LOOKS)
            try:
                if error:
                    raise error
            finally:
                del error  # it refers to this frame, and holds a socket open
            return content
        received = len(content)
        report(received)
        if received - before >= LEAST_BYTES:
            before, deadline = received, time.monotonic() + TIMEOUT_SECONDS
        elif time.monotonic() > deadline:
            given_up.set()
            if received == before:
                raise TimeoutError
            raise SlowMirrorError(f"sent {received - before:,} bytes in {TIMEOUT_SECONDS:g} seconds")


def _reason(error: Exception) -> str:
    """Say in a few words why a mirror is passed over."""
    match error:
        case urllib.error.HTTPError():
            return f"answers {error.code} {error.reason}"
        case SlowMirrorError():
            return str(error)
        case TimeoutError() | urllib.error.URLError(reason=TimeoutError()):
            return f"sent no content within {TIMEOUT_SECONDS:g} seconds"
        case urllib.error.URLError():
            return str(error.reason)
        case _:
            return str(error) or type(error).__name__


def _hash(file: File) -> "hashlib._Hash":
    return hashlib.new(file.digest.partition(":")[0], usedforsecurity=False)


def _is_right(digest: "hashlib._Hash", file: File) -> bool:
    return digest.hexdigest() == file.digest.partition(":")[2]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: the folder cannot be made ({error.strerror}); choose another with --data-dir."
        ) from None
