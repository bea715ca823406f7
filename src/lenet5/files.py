"""Files written whole or not at all, read with every fault in a sentence, hashed, and locked.

A file or folder appears under its final name only when all of it is on the disk. Until then it has a name
that begins with ".writing-"; a killed process may leave such a one behind, and `remove_leftovers` clears it.
Every fault of the disk is a RunError of one sentence or two.
"""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from lenet5 import machine
from lenet5.errors import BusyError, Lenet5Error, RunError

UNFINISHED = ".writing-"
SECONDS_BETWEEN_LOCKS = 0.2  # while another process holds a folder
MOST_JSON_BYTES = 64 << 20
REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your share of the disk is used up; free some space",
    errno.EACCES: "no permission to write here; choose another folder",
    errno.EPERM: "no permission to write here; choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
}


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole and durably, or leave what was there. Raises RunError."""
    unfinished = _unfinished(path)
    with _explained(path):
        try:
            _write_through(unfinished, content)
            os.replace(unfinished, path)
            _sync_folder(path.parent)
        finally:
            _forget(unfinished)


def write_folder_atomically(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a new folder with all its files, or nothing.

    contents  name of each file -> what it holds; a name may lead into folders ("models/modern.safetensors")

    Raises RunError, also when `folder` exists.
    """
    if folder.exists():
        raise RunError(f"{folder}: exists already, and a folder is never overwritten; choose another name.")
    unfinished = _unfinished(folder)
    with _explained(folder):
        try:
            unfinished.mkdir()
            for name, content in contents.items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                _write_through(unfinished / name, content)
            for inner in {(unfinished / name).parent for name in contents} | {unfinished}:
                _sync_folder(inner)
            os.rename(unfinished, folder)
            _sync_folder(folder.parent)
        finally:
            _forget(unfinished)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it; it is never seen half removed under its own name. Raises RunError."""
    unfinished = _unfinished(folder)
    with _explained(folder):
        os.rename(folder, unfinished)
        shutil.rmtree(unfinished)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half written in a folder; call it while you hold its lock."""
    for left in folder.glob(f"{UNFINISHED}*"):
        _forget(left)


class JsonObject(TypedDict):
    """A JSON object. A form derives from it and names the keys that must be present."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # keys that a form does not name are kept


def read_bytes(path: Path, most_bytes: int, error: type[Lenet5Error] = RunError) -> bytes:
    """Return the content of a regular file of at most `most_bytes`. Raises `error` for any other file."""
    try:
        status = path.stat()  # looked at first: opening a pipe waits for a writer
        if stat.S_ISDIR(status.st_mode):
            raise error(f"{path}: is a folder; expected a file.")
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{path}: is not a regular file.")
        if status.st_size > most_bytes:
            raise error(f"{path}: has {status.st_size / 1e6:,.0f} MB; expected at most {most_bytes / 1e6:,.0f} MB.")
        with path.open("rb") as file:
            return file.read(status.st_size)  # no more: a buffer of that size is made at once
    except FileNotFoundError:
        raise error(f"{path}: no such file.") from None
    except (OSError, ValueError) as fault:  # ValueError: a name that holds a null character
        raise error(f"{path}: cannot be read ({getattr(fault, 'strerror', None) or fault}).") from None


def read_text(path: Path, most_bytes: int = MOST_JSON_BYTES, error: type[Lenet5Error] = RunError) -> str:
    """Return the content of a text file, UTF-8. Raises `error`."""
    try:
        return read_bytes(path, most_bytes, error).decode()
    except UnicodeDecodeError as fault:
        raise error(f"{path}: is no text in UTF-8 ({fault.reason} at byte {fault.start:,}).") from None


def read_json(path: Path, form: Any, error: type[Lenet5Error] = RunError) -> Any:
    """Return the content of a JSON file, checked against a form such as `JsonObject` or `list[str]`. Raises `error`."""
    return parse_json(read_bytes(path, MOST_JSON_BYTES, error), form, str(path), error)


def parse_json(content: bytes | str, form: Any, where: str, error: type[Lenet5Error] = RunError) -> Any:
    """Return the value of a JSON text, checked against a form; `where` begins error texts. Raises `error`."""
    try:
        return checked(json.loads(content), form, where, error)
    except RecursionError:
        raise error(f"{where}: is nested too deeply to be JSON of ours; the file is damaged.") from None
    except ValueError as fault:  # JSONDecodeError, UnicodeDecodeError, and a number of thousands of digits
        raise error(f"{where}: not valid JSON ({fault}); the file is damaged.") from None


def checked(value: Any, form: Any, where: str, error: type[Lenet5Error] = RunError) -> Any:
    """Return a value of JSON, checked against a form without conversion. Raises `error`, naming the first fault."""
    try:
        return _adapter(form).validate_python(value, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        what = "is missing" if first["type"] == "missing" else f"is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise error(f"{where}: {f'{place!r}' if place else 'its content'} {what}; the file is damaged.") from None


def parse_toml(text: str, where: str, error: type[Lenet5Error]) -> dict[str, Any]:
    """Return the tables of a text in TOML; `where` is for error texts. Raises `error`, in one sentence."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{where}: not valid TOML: it is nested too deeply.") from None
    except ValueError as fault:  # TOMLDecodeError, and a number of thousands of digits
        raise error(f"{where}: not valid TOML: {fault}.") from None


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def lock_folder(
    folder: Path, *, seconds: float = 0.0, waiting: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Hold a folder for this process alone; the lock goes with the process, however it ends.

    seconds  how long to wait for another process to let go of it
    waiting  is told once, in a sentence, what is waited for

    Raises BusyError, naming the holder, when another process holds it; RunError where the file system has no locks.
    """
    place = folder / ".lock"
    try:
        file = place.open("a+", encoding="utf-8")
    except OSError as error:
        raise _unwritable(place, error) from None
    with file:
        deadline, told = time.monotonic() + seconds, False
        while True:
            try:
                machine.lock_file(file.fileno())
                break
            except OSError as error:
                if not held_elsewhere(error):
                    raise unlockable(folder, error) from None
            file.seek(0)
            holder = file.read().strip() or "another process"
            busy = f"{folder}: in use by {holder}; wait until it ends, or stop it."
            if time.monotonic() >= deadline:
                raise BusyError(busy)
            if not told:
                waiting(busy)
                told = True
            time.sleep(SECONDS_BETWEEN_LOCKS)
        with _explained(place):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
        yield


def held_elsewhere(error: OSError) -> bool:
    """Return whether a failed attempt to lock says that another process holds the lock; all else is a fault."""
    return error.errno in (errno.EAGAIN, errno.EACCES)


def unlockable(folder: Path, error: OSError) -> RunError:
    """Return the error of a folder whose file system cannot lock."""
    return RunError(
        f"{folder}: cannot be locked ({error.strerror}); without locks two processes could write here at once. "
        "Choose a folder on another file system, such as a local disk."
    )


def cache_folder() -> Path:
    """Return the folder where this user's system keeps what can be had again."""
    return platformdirs.user_cache_path("lenet5")


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{path.name}")


def _write_through(path: Path, content: bytes) -> None:
    """Write a new file down to the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder down to the disk; Windows does this by itself."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _forget(path: Path) -> None:
    """Remove a file or folder if it is there; a failure to clean up must not hide the first error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> RunError:
    reason = REASONS.get(error.errno or 0, error.strerror or str(error))
    return RunError(f"{path}: cannot be written: {reason}. Nothing saved before is lost.")
