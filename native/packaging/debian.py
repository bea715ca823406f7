"""Small Debian systems in folders, made by debootstrap: other compilers, other Pythons, other processors.

Programs in them are run by chroot, those for another processor by qemu-user-static; both need root. Packages are
unpacked and not configured, which needs no emulation, and is enough for a compiler and for Python.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOTS = Path("/var/tmp/lenet5-roots")  # kept from one call to the next, outside the repository
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}


def can_be_made() -> str | None:
    """Return why no Debian folder can be made here, or None when one can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "chroot needs root"
    missing = [name for name in ("debootstrap", "dpkg-deb", "chroot") if not shutil.which(name)]
    return f"not installed: {', '.join(missing)}" if missing else None


def folder(suite: str, architecture: str, purpose: str, packages: Sequence[str]) -> Path:
    """Return the folder with one release of Debian and some packages, made when it is not there yet."""
    root = ROOTS / f"{suite}-{architecture}-{purpose}"
    done = root / ".unpacked"
    if done.exists() and done.read_text() == " ".join(packages):
        return root
    if any(mounted.is_mount() for mounted in root.glob("*")):  # removing the folder would reach into what is mounted
        raise SystemExit(f"something is mounted in {root}; unmount it first: grep {root} /proc/mounts")
    shutil.rmtree(root, ignore_errors=True)
    include = f"--include={','.join(packages)}"
    command = ["debootstrap", "--foreign", f"--arch={architecture}", "--variant=minbase", include, suite, str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(root)], check=True)
        package.unlink()
    if emulator := _emulator(architecture):
        shutil.copy(emulator, root / "usr/bin")
    done.write_text(" ".join(packages))
    return root


def run(
    root: Path, architecture: str, command: Sequence[str], *, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of such a folder, given by its full path, in it; return what it printed and its exit code."""
    emulator = _emulator(architecture)
    prefix = [f"/usr/bin/{Path(emulator).name}"] if emulator else []
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["chroot", str(root), *prefix, *command],
        env=environment | (variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _emulator(architecture: str) -> str | None:
    processor = PROCESSORS[architecture]
    if processor == platform.machine():
        return None
    found = shutil.which(f"qemu-{processor}-static")
    if found is None:
        raise SystemExit(f"programs for {processor} need qemu-user-static: apt-get install qemu-user-static")
    return found
