"""The C++ library by itself: its fast kernels against its plain loops, also under sanitizers."""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOLS = Path(sys.executable).parent  # cmake and ninja come with the development requirements
CACHED = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []  # repeated builds reuse objects


def run(command: list[str], folder: str | Path = ROOT) -> None:
    environment = os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def configure(folder: Path, *options: str) -> None:
    source = str(ROOT / "native")
    run(["cmake", "-S", source, "-B", str(folder), "-G", "Ninja", "-DLENET5_TESTS=ON", *CACHED, *options])


def build(folder: Path, *options: str) -> Path:
    """Build the tests of `native/` in a folder; return the program."""
    configure(folder, *options)
    run(["cmake", "--build", str(folder)])
    return folder / "lenet5_tests"


def agree(program: Path, threads: int) -> str:
    done = subprocess.run(
        [str(program)], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "comparisons agree" in done.stdout
    return done.stdout


def test_fast_kernels_agree_with_plain_loops(tmp_path: Path) -> None:
    program = build(tmp_path, "-DLENET5_WIDE=ON", "-DLENET5_AVX512=OFF", "-DCMAKE_CXX_FLAGS=-Werror")
    for threads in (1, 2, 3):
        said = agree(program, threads)
        assert f"{threads} threads" in said
    assert "baseline" in said or "neon" in said
    assert "wide" in said


def test_clang_accepts_all_targets_without_a_warning(tmp_path: Path) -> None:
    """Clang's warnings come from its front end; `make compilers` also builds and runs what it compiles."""
    clang = shutil.which("clang++")
    if clang is None:
        pytest.skip("no clang++ on the path, and none could be installed: only the default compiler was tried")
    configure(tmp_path, f"-DCMAKE_CXX_COMPILER={clang}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    commands = json.loads((tmp_path / "compile_commands.json").read_text())
    assert "targets/avx2.cpp" in str(commands) or platform.machine() != "x86_64"
    for each in commands:
        run([*shlex.split(each["command"]), "-Werror", "-fsyntax-only"], each["directory"])


def random_architectures(build_folder: Path, first: int, seconds: float) -> str:
    """Compare the engine built in a folder, with sanitizers, with NumPy; return what the program says at its end."""
    (module,) = build_folder.glob("_kernels*.so")
    libraries = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(libraries),  # Python itself is built without them
        "ASAN_OPTIONS": "detect_leaks=0",  # Python never frees all
        "OMP_NUM_THREADS": "2",
    }
    program = ROOT / "tests" / "support" / "random_architectures.py"
    done = subprocess.run(
        [sys.executable, str(program), str(first), str(seconds), "native", str(module)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = done.stdout.strip().splitlines()[-1]
    assert " 0 with a difference" in said, done.stdout[-3000:]
    assert str(module) in said
    return said


def build_with_sanitizers(folder: Path) -> Path:
    nanobind = subprocess.run(
        [sys.executable, "-m", "nanobind", "--cmake_dir"], capture_output=True, text=True, check=True
    )
    return build(
        folder,
        "-DLENET5_PYTHON=ON",
        f"-Dnanobind_DIR={nanobind.stdout.strip()}",
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DLENET5_SANITIZE=address,undefined",
        "-DLENET5_AVX512=OFF",
    )


on_linux = pytest.mark.skipif(platform.system() != "Linux", reason="the sanitizers' libraries come with GCC on Linux")


@on_linux
@pytest.mark.slow
def test_address_and_undefined_behaviour_sanitizers_find_nothing(tmp_path: Path) -> None:
    """The comparisons with plain loops, then ten minutes of random networks."""
    agree(build_with_sanitizers(tmp_path), threads=2)
    random_architectures(tmp_path, first=0, seconds=600)
