"""Files written whole or not at all, hashed, and locked.

A file or folder appears under its final name only when all of it is on the disk. Until then it has a name
that begins with ".writing-"; a killed process may leave such a one behind, and `remove_leftovers` clears it.
Every fault of the disk is a RunError of one sentence or two.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import platformdirs

from lenet5 import machine
from lenet5.errors import BusyError, RunError

UNFINISHED = ".writing-"
SECONDS_BETWEEN_LOCKS = 0.2  # while another process holds a folder
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
