"""An installation whose compiler fails: what is installed, what it says, and how to refuse it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the failing compilers are shell scripts")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in ("native", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "build-failure.*"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def broken_compiler(tmp_path: Path) -> Path:
    """A compiler that knows itself, and fails inside on one of our files."""
    script = tmp_path / "broken++"
    script.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '  *native/src/plan.cpp*) echo "native/src/plan.cpp:7:1: internal compiler error: in tsubst, at pt.cc:16" >&2\n'
        "    exit 1 ;;\n"
        "  *native/src/* | *nanobind/src/*) exit 0 ;;\n"
        "esac\n"
        'exec c++ "$@"\n'
    )
    script.chmod(0o755)
    return script


def build(checkout: Path, compiler: object, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", "wheels", *options, "."],
        cwd=checkout,
        env=os.environ | {"CXX": str(compiler)} | environment,
        capture_output=True,
        text=True,
    )


def reason_in(checkout: Path) -> str:
    """Install the wheel in a folder; return why its engine is missing, as `lenet5` says there."""
    (wheel,) = (checkout / "wheels").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(checkout / "installed")
    program = "from lenet5.engines import registry; print(registry.missing_because('native'))"
    # -S: without the import hook of an editable installation, which would find the checkout under test.
    path = os.pathsep.join([str(checkout / "installed"), sysconfig.get_path("purelib")])
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": path},
    )
    return done.stdout


def test_failed_build_names_compiler_version_first_error_and_log(checkout: Path, broken_compiler: Path) -> None:
    done = build(checkout, broken_compiler)
    assert done.returncode == 0, done.stdout + done.stderr
    reason = reason_in(checkout)
    version = subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    assert f"{version} ({broken_compiler}) failed" in reason
    assert "native/src/plan.cpp:7:1: internal compiler error: in tsubst, at pt.cc:16. Full log: " in reason
    log = Path(reason.partition("Full log: ")[2].partition(". ")[0])
    assert log.is_relative_to(checkout / "installed")
    assert "internal compiler error" in log.read_text()
    assert f"{checkout}{os.sep}" not in log.read_text()  # shown to others, it names no folder of the user


def test_missing_compiler_is_called_missing(checkout: Path) -> None:
    assert build(checkout, "/nowhere/c++").returncode == 0
    reason = reason_in(checkout)
    assert 'engine "native" was not built: no working C++ compiler was found' in reason
    assert "/nowhere/c++" in reason


def test_required_engine_that_fails_is_a_failed_installation(checkout: Path) -> None:
    by_setting = build(checkout, "/nowhere/c++", "--config-settings", "native=required")
    by_variable = build(checkout, "/nowhere/c++", LENET5_NATIVE="required")
    for done in (by_setting, by_variable):
        assert done.returncode != 0
        assert "the native engine was required and could not be built: " in done.stdout + done.stderr
    assert not list(checkout.glob("wheels/*"))


def test_mistyped_requirement_is_refused(checkout: Path) -> None:
    done = build(checkout, "/nowhere/c++", LENET5_NATIVE="yes")
    assert done.returncode != 0
    assert 'LENET5_NATIVE is "yes"; it must be "required" or "optional".' in done.stdout + done.stderr
