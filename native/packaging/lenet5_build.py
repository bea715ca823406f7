"""The build backend: scikit-build-core, and a record of why the native engine could not be built.

Where the compiled part fails, the package is built once more without it, and carries `build-failure.json` (compiler,
version, first error line) and `build-failure.log` (all that CMake and the compiler said) beside the engine's Python
files, where `lenet5.compiled` reads them. With the setting `native=required`, or LENET5_NATIVE=required
in the environment, the installation fails instead. Imports nothing of lenet5, which is not installed yet.
"""

import itertools
import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scikit_build_core import build as scikit
from scikit_build_core.build import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

Settings = dict[str, Any]
SETTING = "native"
VARIABLE = "LENET5_NATIVE"
ENGINE = Path("src/lenet5/engines/native")  # below the folder with pyproject.toml, in which a backend is called
RECORD = ENGINE / "build-failure.json"
LOG = ENGINE / "build-failure.log"

# native/CMakeLists.txt prints this line as soon as CMake has found a compiler that works.
COMPILER = re.compile(r"lenet5 is compiled by (?P<name>\S+) (?P<version>\S+) \((?P<path>.+)\)")
# GCC, Clang, MSVC, linkers, and what stops Ninja or Make before they call any of these.
ERROR = re.compile(r"\b[Ee]rror( [A-Z]+\d+)?:|\bfatal:|undefined reference|Killed")
END_OF_REASON = re.compile(r"Call Stack|It fails with|--|\*\*\*|CMake Error")


def build_wheel(
    wheel_directory: str, config_settings: Settings | None = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel in `wheel_directory`; return its file name."""
    return _with_or_without_engine(scikit.build_wheel, wheel_directory, config_settings)


def build_editable(
    wheel_directory: str, config_settings: Settings | None = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel that refers to this checkout; return its file name."""
    return _with_or_without_engine(scikit.build_editable, wheel_directory, config_settings)


def failure(log: str) -> dict[str, str | None]:
    """Return what a failed build's output tells: compiler, version and path, None where there was none, first error."""
    compiler = COMPILER.search(log)
    lines = [line.strip() for line in log.splitlines()]
    found = compiler.groupdict() if compiler else {"name": None, "version": None, "path": None}
    return {"compiler": found["name"], "version": found["version"], "path": found["path"], "error": _first_error(lines)}


def _first_error(lines: list[str]) -> str:
    for number, line in enumerate(lines):
        if line.startswith("CMake Error at"):  # a place in CMake's own files; the reason follows
            paragraph = itertools.takewhile(lambda text: not END_OF_REASON.match(text), lines[number + 1 :])
            return " ".join(text for text in paragraph if text)
        if ERROR.search(line):
            return line
    # A compiler that says nothing: then the step that failed.
    return next((line for line in lines if line.startswith("FAILED:")), "the build stopped without a word")


def _with_or_without_engine(build: Callable[..., str], folder: str, settings: Settings | None) -> str:
    settings = dict(settings or {})
    required = _is_required(settings.pop(SETTING, None))
    for left in (RECORD, LOG):  # of an earlier build
        left.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as log:
        try:
            with _copied_to(log):
                return build(folder, settings)
        except SystemExit:
            log.seek(0)
            text = log.read().decode(errors="replace")
    text = text.replace(str(Path.cwd()) + os.sep, "")  # a log that is shown around names no home folder
    found = failure(text)
    if required:
        raise SystemExit(f"lenet5: the native engine was required and could not be built: {found['error']}") from None
    if settings.get("wheel.cmake") == "false":
        raise SystemExit(1)  # there was no compiled part to leave out
    print(f"lenet5: the native engine could not be built and is left out: {found['error']}", file=sys.stderr)
    LOG.write_text(text, encoding="utf-8")
    RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    # "sdist.include": what Git ignores is left out of wheels, too, unless it is named.
    pure = {"wheel.cmake": "false", "wheel.py-api": "py3", "sdist.include": [RECORD.as_posix(), LOG.as_posix()]}
    return build(folder, settings | pure)


def _is_required(setting: Any) -> bool:
    for name, value in ((f"The setting {SETTING}", setting), (VARIABLE, os.environ.get(VARIABLE))):
        if value not in (None, "", "required", "optional"):
            raise SystemExit(f'{name} is "{value}"; it must be "required" or "optional".')
    return "required" in (setting, os.environ.get(VARIABLE)) and setting != "optional"


@contextmanager
def _copied_to(log: Any) -> Iterator[None]:
    """Copy to a file what this process and its children print, which all of them still print."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    out, into = os.pipe()

    def copy() -> None:
        with os.fdopen(out, "rb", buffering=0) as printed:
            while part := printed.read(65536):
                log.write(part)
                os.write(kept[1], part)

    copying = threading.Thread(target=copy)
    copying.start()
    for number in (1, 2):
        os.dup2(into, number)
    os.close(into)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
        copying.join()
        for before in kept:
            os.close(before)
