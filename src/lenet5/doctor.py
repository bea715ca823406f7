"""Diagnostics of the installation and machine for bug reports, without user name, home folder or host name."""

import getpass
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lenet5 import machine
from lenet5.data import fetch, sources
from lenet5.distribution import NAME, VERSION
from lenet5.engines import registry
from lenet5.files import cache_folder
from lenet5.inference.predictor import Predictor
from lenet5.models import shipped

COMPILERS = ("c++", "g++", "clang++", "cl")
NOT_FOR_USERS = ("dev", "docs")  # extras that are not reported
VARIABLES = re.compile(r"LENET5_(?!TOKEN)|OMP_|OPENBLAS_|MKL_|CUDA_VISIBLE_DEVICES")
PROBE = np.random.default_rng(0).integers(0, 256, (17, 28, 28), dtype=np.uint8)
TOLERANCE = 1e-3  # between float32 engines, for scores of about 10
SECONDS_FOR_A_PROGRAM = 10


def examine(data_dir: Path | None = None) -> dict[str, Any]:
    """Return a description of this installation as plain values for JSON; personal names are replaced.

    data_dir  folder of the data sets, if not the default

    Leaves no files behind. Never raises: entries that cannot be determined contain the reason.
    """
    found: dict[str, Any] = {
        "lenet5": VERSION,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": platform.platform(),
        "processor": _processor(),
        "cores": {"usable": machine.usable_cores(), "all": os.cpu_count()},
        "engines": {name: _engine(name) for name in registry.NAMES},
        "auto": registry.get(registry.AUTO).name,
        "compilers": {name: _first_line(name, "--version") for name in COMPILERS if shutil.which(name)},
        "gpus": _gpus(),
        "data": {str(folder): _data(folder) for folder in (fetch.data_folder(data_dir), cache_folder() / "data")},
        "models": list(shipped.names()),
        **_packages(),
        "write access": {
            "current folder": _write_access(Path()),
            "data folder": _write_access(fetch.data_folder(data_dir)),
            "temporary folder": _write_access(Path(tempfile.gettempdir())),
        },
        "environment": {name: value for name, value in sorted(os.environ.items()) if VARIABLES.match(name)},
    }
    anonymous: dict[str, Any] = _anonymous(found)
    return anonymous


def _processor() -> str:
    """Return the processor's architecture, and its model if the system reports it."""
    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.+)", info.read_text(encoding="utf-8")) if info.exists() else None
    return f"{name[1]} ({platform.machine()})" if name else platform.processor() or platform.machine()


def _engine(name: str) -> dict[str, Any]:
    """Return an engine's description after checking its scores against NumPy's, or why it cannot be used."""
    reason = registry.missing_because(name)
    if reason:
        return {"usable": False, "why": reason}
    try:
        model = shipped.read("modern")
        expected = Predictor(model, engine="numpy").scores(PROBE)
        difference = np.abs(Predictor(model, engine=name).scores(PROBE) - expected).max()
        if not difference < TOLERANCE:  # also true for NaN
            return {"usable": False, "why": f"its scores differ from numpy's by up to {difference:.3g}"}
        facts = registry.get(name).describe()
        del facts["engine"]
        return {"usable": True, **facts}
    except Exception as error:  # a broken installation can raise anything, which belongs in the report
        return {"usable": False, "why": f"{type(error).__name__}: {error}"}


def _gpus() -> list[str]:
    """Return the GPUs and version that NVIDIA's driver reports; Apple's GPU is part of the processor."""
    if not shutil.which("nvidia-smi"):
        return []
    return _lines("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def _data(folder: Path) -> dict[str, str]:
    """Return the number and state of the files of each data set in a folder."""
    found = {}
    try:
        if not folder.is_dir():
            return {"folder": "does not exist"}
        for data_set in sources.DATA_SETS.values():
            statuses = [str(check.status) for check in fetch.verify(data_set, folder)]
            statuses += ["by hand" for name in data_set.by_hand if (folder / data_set.name / name).is_file()]
            if set(statuses) - {"missing"}:
                found[data_set.name] = " and ".join(f"{statuses.count(each)} {each}" for each in sorted(set(statuses)))
        others = sum(path.name not in sources.DATA_SETS for path in folder.iterdir())
    except OSError as error:
        return {"folder": f"cannot be read: {error.strerror}"}
    return found | {"other entries": str(others)}


def _packages() -> dict[str, Any]:
    """Return the versions of lenet5's dependencies and of each extra's; None for those not installed."""
    try:
        requirements = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:
        return {"packages": {}, "extras": {}, "installation": f"not installed by pip as {NAME}; run from its source"}
    packages: dict[str, str | None] = {}
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
        if name and name[0] != NAME and not (extra and extra[1] in NOT_FOR_USERS):
            (extras.setdefault(extra[1], {}) if extra else packages)[name[0]] = _version(name[0])
    return {"packages": packages, "extras": extras}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _write_access(folder: Path) -> str:
    """Return whether files can be created and locked in a folder, or in its nearest existing ancestor."""
    try:
        existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=existing) as file:
            machine.lock_file(file.fileno())
            free = shutil.disk_usage(existing).free / 1e9
    except OSError as error:
        return f"no: {error.strerror}"
    return f"yes, {free:,.0f} GB free" + ("" if existing == folder else "; not made yet")


def _first_line(*command: str) -> str:
    return next(iter(_lines(*command)), "says nothing")


def _lines(*command: str) -> list[str]:
    """Return the lines of a program's output."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS_FOR_A_PROGRAM, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"cannot be run: {type(error).__name__}"]
    return (done.stdout or done.stderr).strip().splitlines()


def _anonymous(value: Any) -> Any:
    """Replace the home folder by ~ and the user's name in paths by USER, in every string of a value."""
    if isinstance(value, dict):
        return {_anonymous(key): _anonymous(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_anonymous(item) for item in value]
    if not isinstance(value, str):
        return value
    home = os.path.expanduser("~")
    for folder in (os.path.realpath(home), home):
        if folder != os.path.dirname(folder):  # "/" is not a personal folder
            value = re.sub(rf"{re.escape(folder)}(?![\w-])", "~", value)
    return re.sub(rf"(?<=[/\\]){re.escape(_user())}(?=[/\\]|$)", "USER", value) if _user() else value


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run under a user ID without a name
        return ""
