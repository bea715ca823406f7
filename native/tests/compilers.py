"""Every C++ compiler that can be had, on the native engine: all targets without a warning, and its tests pass.

`python native/tests/compilers.py` tries the compilers on the path and, as root on Debian, those that it can install and
those of newer releases of Debian, each in a folder of its own. Names choose some: `compilers.py g++-14 clang++-19`.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "native/packaging"))

import debian  # noqa: E402  # a neighbour, not a package

WANTED = [f"g++-{version}" for version in range(11, 16)] + [f"clang++-{version}" for version in range(14, 22)]
# Where a compiler is not in this system's own packages: the release of Debian that has it.
RELEASES = {
    "trixie": ("g++-13", "g++-14", "clang++-17", "clang++-18", "clang++-19"),
    "sid": ("g++-15", "clang++-20", "clang++-21"),
}
OPTIONS = ("-G", "Ninja", "-DLENET5_TESTS=ON", "-DLENET5_WIDE=ON", "-DLENET5_PYTHON=ON", "-DCMAKE_CXX_FLAGS=-Werror")
JOBS = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def main() -> None:
    """Try the compilers named on the command line, or all, and print a line for each; exit with 1 if one failed."""
    failed = []
    for compiler in sys.argv[1:] or WANTED:
        begun = time.monotonic()
        outcome = attempt(compiler)
        print(f"{compiler:12} {outcome}  ({time.monotonic() - begun:.0f} s)", flush=True)
        failed += [compiler] * outcome.startswith("FAILED")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def attempt(compiler: str) -> str:
    """Build and test with one compiler; return what came of it."""
    if shutil.which(compiler) or _installed(compiler):
        build = ROOT / "build/compilers" / compiler
        nanobind = Path(sysconfig.get_path("purelib")) / "nanobind/cmake"
        options = [f"-DPython_EXECUTABLE={sys.executable}", f"-Dnanobind_DIR={nanobind}"]
        return _build_and_test(_here, str(ROOT / "native"), str(build), compiler, options)
    release = next((name for name, compilers in RELEASES.items() if compiler in compilers), None)
    if release is None:
        return "not here: this system has no such package"
    if reason := debian.can_be_made():
        return f"not here, and no Debian {release} can be made: {reason}"
    packages = ["cmake", "ninja-build", "python3-dev", *map(_package, RELEASES[release])]
    try:
        root = debian.folder(release, "amd64", "compilers", packages)
    except subprocess.CalledProcessError:  # an unstable release lacks packages from time to time
        return f"not here: Debian {release} could not be set up with {', '.join(packages)}"
    for name, source in (
        ("native", ROOT / "native"),
        ("nanobind", Path(sysconfig.get_path("purelib")) / "nanobind"),
    ):
        shutil.rmtree(root / "tmp" / name, ignore_errors=True)
        shutil.copytree(source, root / "tmp" / name)

    def inside(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        program = shutil.which(command[0], path=f"{root}/usr/bin") or command[0]
        return debian.run(root, "amd64", [program.removeprefix(str(root)), *command[1:]])

    options = ["-Dnanobind_DIR=/tmp/nanobind/cmake"]
    return _build_and_test(inside, "/tmp/native", f"/tmp/build-{compiler}", compiler, options)


def _build_and_test(run: Run, source: str, build: str, compiler: str, options: Sequence[str]) -> str:
    steps = (
        ["cmake", "-S", source, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}", *OPTIONS, *options],
        ["cmake", "--build", build, "--parallel", JOBS],
        [f"{build}/lenet5_tests"],
    )
    for step in steps:
        done = run(step)
        if done.returncode:
            lines = done.stdout.splitlines()
            first = next((line for line in lines if re.search(r"error|Error|differ", line)), lines[-1] if lines else "")
            return f"FAILED: {first}"
    return done.stdout.strip().splitlines()[-1]


def _here(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _package(compiler: str) -> str:
    return compiler.replace("clang++", "clang")


def _installed(compiler: str) -> bool:
    """Install a compiler from this system's packages; return whether it is there now."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    install = ["apt-get", "install", "-qy", "--no-install-recommends", _package(compiler)]
    subprocess.run(install, capture_output=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    return shutil.which(compiler) is not None


if __name__ == "__main__":
    main()
