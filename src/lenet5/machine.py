"""Usable cores and file locks, on every operating system.

POSIX systems have fcntl; Windows has msvcrt, which locks single bytes. On a system with neither, nothing is locked.
"""

import os
import sys
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]
if sys.platform == "win32":
    import msvcrt

CGROUP_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # "quota period" in microseconds, or "max period"
BYTE_BEHIND_TEXT = 1 << 30  # offset of the locked byte: past the text, since Windows forbids reading it


def usable_cores() -> int:
    """Return the number of cores this process may use, by its affinity and its container's limit; at least 1."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(bound, _container_cores() or bound)


def lock_file(descriptor: int) -> None:
    """Lock an open file for this process, until it is closed.

    Raises BlockingIOError when another process holds it, OSError where the file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        lock_byte(descriptor, BYTE_BEHIND_TEXT)


def lock_byte(descriptor: int, position: int) -> None:
    """Lock one byte of an open file, possibly past its end, until the file is closed.

    Raises BlockingIOError when another process holds it, OSError where the file system has no locks.
    """
    if fcntl is not None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, position)
    elif sys.platform == "win32":
        os.lseek(descriptor, position, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
        os.lseek(descriptor, 0, os.SEEK_SET)


def _container_cores() -> int | None:
    """Return the container's CPU limit in cores, rounded up, or None without a limit."""
    try:
        quota, period = CGROUP_CPU_LIMIT.read_text(encoding="ascii").split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # no such file outside Linux; "max" is not a number
        return None
