"""Wheels for several systems from one machine, cross-compiled by Zig's Clang, which brings each system's C library.

`python native/packaging/wheels.py` writes one wheel for Python 3.11 and one, in the stable ABI, for 3.12 and newer, for
each system in SYSTEMS, into dist/. auditwheel then says whether each keeps what its tag promises.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
WORK = ROOT / "build" / "wheels"
# The stable ABI comes from any Python from 3.12, whose headers are asked for no more than 3.12 has.
STABLE = ("python3.12", "python3.13", "python3.14")


@dataclass(frozen=True)
class System:
    """A system that wheels are built for."""

    processor: str  # as CMake and wheels call it
    target: str  # as Zig calls it, with the oldest glibc
    platform: str  # the wheel's tag

    def extension_suffix(self, python: str) -> str:
        """Return how the compiled module's name ends for one Python, which runs here and not there."""
        return f".cpython-{python.removeprefix('cp')}-{self.processor}-linux-gnu.so"


SYSTEMS = (
    System("x86_64", "x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64"),
    System("aarch64", "aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64"),
)


def main() -> None:
    """Build and audit the wheels for the processors named on the command line, or for all."""
    wanted = sys.argv[1:] or [system.processor for system in SYSTEMS]
    if unknown := set(wanted) - {system.processor for system in SYSTEMS}:
        raise SystemExit(f"no wheels for {', '.join(unknown)}; choose of {', '.join(s.processor for s in SYSTEMS)}.")
    DIST.mkdir(exist_ok=True)
    for system in SYSTEMS:
        if system.processor in wanted:
            toolchain = write_toolchain(system)
            for python, tag in pythons():
                wheel = build(system, toolchain, python, tag)
                print(f"{wheel.name}: {audit(wheel, system)}")


def pythons() -> Iterator[tuple[str, str]]:
    """Yield the interpreters to build with, each with the tag of its wheel."""
    for names, tag in ((("python3.11",), "cp311-cp311"), (STABLE, "cp312-abi3")):
        found = next((name for name in names if _runs(name)), None)
        if found:
            yield found, tag
        else:
            print(f"{tag} is left out: found none of {', '.join(names)}.", file=sys.stderr)


def write_toolchain(system: System) -> Path:
    """Write programs that call Zig for one system, and the CMake file that names them; return that file."""
    folder = WORK / system.processor
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in {"c++": f"c++ -target {system.target}", "ar": "ar", "ranlib": "ranlib"}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang {arguments} "$@"\n')
        program.chmod(0o755)
    toolchain = folder / "toolchain.cmake"
    toolchain.write_text(
        "set(CMAKE_SYSTEM_NAME Linux)\n"
        f"set(CMAKE_SYSTEM_PROCESSOR {system.processor})\n"
        f'set(CMAKE_CXX_COMPILER "{folder}/c++")\n'
        f'set(CMAKE_AR "{folder}/ar" CACHE FILEPATH "")\n'
        f'set(CMAKE_RANLIB "{folder}/ranlib" CACHE FILEPATH "")\n'
    )
    return toolchain


def build(system: System, toolchain: Path, python: str, tag: str) -> Path:
    """Build one wheel; return its path."""
    settings = {
        "native": "required",
        "cmake.define.CMAKE_TOOLCHAIN_FILE": str(toolchain),
        "build-dir": str(WORK / system.processor / tag),
        "wheel.tags": f"{tag}-{system.platform}",
    }
    command = [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(DIST)]
    for name, value in settings.items():
        command += ["--config-settings", f"{name}={value}"]
    environment = os.environ | {"SETUPTOOLS_EXT_SUFFIX": system.extension_suffix(tag.partition("-")[0])}
    environment.pop("CXX", None)  # the toolchain decides
    subprocess.run([*command, str(ROOT)], check=True, env=environment)
    (wheel,) = DIST.glob(f"*-{tag}-{system.platform}.whl")
    return wheel


def audit(wheel: Path, system: System) -> str:
    """Return the tag that auditwheel finds a wheel fit for. Exits where that is a newer glibc than the wheel's own."""
    command = [sys.executable, "-m", "auditwheel", "show", "--json", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    fit = str(json.loads(done.stdout).get("overall_tag")) if done.returncode == 0 else done.stderr.strip()
    if not fit.startswith("manylinux") or _glibc(fit) > _glibc(system.platform):
        raise SystemExit(f"{wheel.name}: auditwheel says {fit}; expected {system.platform} or older.")
    return fit


def _glibc(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in tag.split("_")[1:3])


def _runs(python: str) -> bool:
    try:
        return subprocess.run([python, "--version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
