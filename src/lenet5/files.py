"""Atomic writes, checked reads, hashes and locks of files.

A file or folder appears under its final name only when it is completely on disk. Until then its name begins with
".writing-"; a killed process may leave such a file behind, and `remove_leftovers` deletes it. Every disk error is
raised as a RunError of one or two sentences.
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
SECONDS_BETWEEN_LOCKS = 0.2  # between attempts to lock a folder
MOST_JSON_BYTES = 64 << 20
REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EACCES: "no permission to write here; choose another folder",
    errno.EPERM: "no permission to write here; choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
}


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically and durably; on failure the old file is unchanged. Raises RunError."""
    unfinished = _unfinished(path)
    with _explained(path):
        try:
            _write_through(unfinished, content)
            os.replace(unfinished, path)
            _sync_folder(path.parent)
        finally:
            _forget(unfinished)


def check_writable(path: Path) -> None:
    """Raise RunError when a file cannot be written at a path: before work whose result it would hold."""
    unfinished = _unfinished(path)
    with _explained(path):
        try:
            unfinished.touch()
        finally:
            _forget(unfinished)


def write_folder_atomically(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a new folder with all its files atomically.

    contents  name of each file -> its bytes; a name may include folders ("models/modern.safetensors")

    Raises RunError, also when `folder` exists.
    """
    if folder.exists():
        raise RunError(f"{folder}: already exists, and folders are never overwritten; choose another name.")
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
    """Remove a folder and its contents; it is renamed first, so it never exists half removed. Raises RunError."""
    unfinished = _unfinished(folder)
    with _explained(folder):
        os.rename(folder, unfinished)
        shutil.rmtree(unfinished)


def remove_leftovers(folder: Path) -> None:
    """Remove partial files that killed processes left in a folder; call it while holding the folder's lock."""
    for left in folder.glob(f"{UNFINISHED}*"):
        _forget(left)


class JsonObject(TypedDict):
    """A JSON object. Subclasses declare the required keys."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # undeclared keys are kept


def read_bytes(path: Path, most_bytes: int, error: type[Lenet5Error] = RunError) -> bytes:
    """Return the contents of a regular file of at most `most_bytes`. Raises `error` for any other file."""
    try:
        status = path.stat()  # before opening, because opening a pipe waits for a writer
        if stat.S_ISDIR(status.st_mode):
            raise error(f"{path}: is a folder; expected a file.")
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{path}: is not a regular file.")
        if status.st_size > most_bytes:
            raise error(f"{path}: has {status.st_size / 1e6:,.0f} MB; expected at most {most_bytes / 1e6:,.0f} MB.")
        with path.open("rb") as file:
            return file.read(status.st_size)  # a larger limit would allocate a larger buffer at once
    except FileNotFoundError:
        raise error(f"{path}: no such file.") from None
    except (OSError, ValueError) as fault:  # ValueError: a name with a null character
        raise error(f"{path}: cannot be read ({getattr(fault, 'strerror', None) or fault}).") from None


def read_text(path: Path, most_bytes: int = MOST_JSON_BYTES, error: type[Lenet5Error] = RunError) -> str:
    """Return the contents of a UTF-8 text file. Raises `error`."""
    try:
        return read_bytes(path, most_bytes, error).decode()
    except UnicodeDecodeError as fault:
        raise error(f"{path}: is not UTF-8 text ({fault.reason} at byte {fault.start:,}).") from None


def read_json(path: Path, form: Any, error: type[Lenet5Error] = RunError) -> Any:
    """Return the value of a JSON file, validated as a type such as `JsonObject` or `list[str]`. Raises `error`."""
    return parse_json(read_bytes(path, MOST_JSON_BYTES, error), form, str(path), error)


def parse_json(content: bytes | str, form: Any, where: str, error: type[Lenet5Error] = RunError) -> Any:
    """Return the value of a JSON text, validated as the type `form`; `where` begins error messages. Raises `error`."""
    try:
        return checked(json.loads(content), form, where, error)
    except RecursionError:
        raise error(f"{where}: is nested too deeply; the file is damaged.") from None
    except ValueError as fault:  # JSONDecodeError, UnicodeDecodeError, or a number with thousands of digits
        raise error(f"{where}: not valid JSON ({fault}); the file is damaged.") from None


def checked(value: Any, form: Any, where: str, error: type[Lenet5Error] = RunError) -> Any:
    """Return a JSON value, validated as the type `form` without conversion. Raises `error`, naming the first fault."""
    try:
        return _adapter(form).validate_python(value, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        said = reason(first)
        what = "is missing" if first["type"] == "missing" else f"is wrong: {said[:1].lower()}{said[1:]}"
        raise error(f"{where}: {f'{place!r}' if place else 'its content'} {what}; the file is damaged.") from None


def reason(fault: Mapping[str, Any]) -> str:
    """Return the message of one of pydantic's errors, without its prefix for errors that our own checks raise."""
    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".")


def parse_toml(text: str, where: str, error: type[Lenet5Error]) -> dict[str, Any]:
    """Return the tables of a TOML text; `where` begins error messages. Raises `error`."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{where}: not valid TOML: it is nested too deeply.") from None
    except ValueError as fault:  # TOMLDecodeError, or a number with thousands of digits
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
    """Lock a folder within the block; the lock is released when the process ends, in whatever way.

    seconds  how long to wait for another process to release the lock
    waiting  called once with a message while waiting

    Raises BusyError, naming the holder, when another process holds the lock; RunError where the file system has no
    locks.
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
    """Return whether a failed attempt to lock means that another process holds the lock."""
    return error.errno in (errno.EAGAIN, errno.EACCES)


def unlockable(folder: Path, error: OSError) -> RunError:
    """Return the error for a folder whose file system has no locks."""
    return RunError(
        f"{folder}: cannot be locked ({error.strerror}); without locks two processes could write here at once. "
        "Choose a folder on another file system, such as a local disk."
    )


def cache_folder() -> Path:
    """Return the user's cache folder on this operating system."""
    return platformdirs.user_cache_path("lenet5")


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{path.name}")


def _write_through(path: Path, content: bytes) -> None:
    """Write a new file and flush it to disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk; Windows does so by itself."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _forget(path: Path) -> None:
    """Remove a file or folder if it exists; ignore errors, which must not hide the first one."""
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
