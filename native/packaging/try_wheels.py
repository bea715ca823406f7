"""Each Linux wheel in dist/ at work in a bare Debian: Python, no compiler, nothing else.

Debian 12 has Python 3.11, Debian 13 has 3.13. The wheel and what it depends on are installed there; then it names its
engine and instruction set, trains a network, and passes the tests that compare the engines. For aarch64 all of this is
emulated, so that the NEON kernels run; about fifty times slower than on such a processor.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import debian

ROOT = Path(__file__).parents[2]
LEAST_ACCURACY_PERCENT = 90  # a tenth is chance
PYTHONS = {"bookworm": ("3.11", "cp311-cp311"), "trixie": ("3.13", "cp312-abi3")}


def main() -> None:
    """Try the wheels for the architectures named on the command line, or for all."""
    if reason := debian.can_be_made():
        raise SystemExit(f"the wheels cannot be tried in a bare Debian here: {reason}.")
    for architecture in sys.argv[1:] or debian.PROCESSORS:
        for suite in PYTHONS:
            attempt(suite, architecture)


def attempt(suite: str, architecture: str) -> None:
    """Install and use the wheel for one release of Debian. Exits where anything fails."""
    root = debian.folder(suite, architecture, "python", ["python3"])
    if (root / "usr/bin/c++").exists():
        raise SystemExit(f"{root} holds a compiler; it must be bare.")
    wheel = install(root, suite, architecture)
    print(f"{wheel.name} in {suite} ({architecture})", flush=True)
    program = "from lenet5.engines import registry; print(registry.get('native').describe()['instructions'])"
    instructions = python(root, architecture, "-c", program).strip()
    if instructions != best_instructions(architecture):
        raise SystemExit(f'the engine uses "{instructions}"; expected {best_instructions(architecture)}.')
    print(f"  instructions: {instructions}", flush=True)
    # Of MNIST one epoch is enough; of scikit-learn's digits the recipe takes as many as it needs.
    epochs = ["--epochs", "1"] if "LENET5_DATA" in os.environ else []
    trained = python(root, architecture, "-m", "lenet5", "train", "archaeology", "--offline-digits", *epochs)
    accuracy = next(line for line in trained.splitlines() if "95 % interval" in line).strip()
    if float(accuracy.split()[1]) < LEAST_ACCURACY_PERCENT:
        raise SystemExit(f"expected at least {LEAST_ACCURACY_PERCENT} %, got {accuracy}")
    print(f"  {accuracy}", flush=True)
    agree = "tests/parity/test_engines_agree.py"
    tests = python(root, architecture, "-m", "pytest", "-q", "-p", "no:cacheprovider", agree)
    print(f"  parity: {tests.strip().splitlines()[-1]}", flush=True)


def best_instructions(architecture: str) -> str:
    """Return the best instruction set of the engine that this machine, or its emulation, has."""
    if architecture == "arm64":
        return "neon"
    flags = set(Path("/proc/cpuinfo").read_text().split())
    if {"avx512f", "avx512vl", "avx512dq", "avx512bw"} <= flags:
        return "avx512"
    return "avx2" if {"avx2", "fma"} <= flags else "baseline"


def install(root: Path, suite: str, architecture: str) -> Path:
    """Install the wheel, what it needs, pytest and the tests in a folder's /opt; return the wheel."""
    version, tag = PYTHONS[suite]
    processor = debian.PROCESSORS[architecture]
    (wheel,) = (ROOT / "dist").glob(f"*-{tag}-manylinux*_{processor}.whl")
    shutil.rmtree(root / "opt", ignore_errors=True)
    packages = root / "opt/packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(packages), "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", version]
    for abi in (f"cp{version.replace('.', '')}", "abi3", "none"):
        command += ["--abi", abi]
    for glibc in ("manylinux_2_17", "manylinux2014", "manylinux_2_27", "manylinux_2_28"):
        command += ["--platform", f"{glibc}_{processor}"]
    subprocess.run([*command, str(wheel), "pytest"], check=True)
    shutil.copytree(ROOT / "tests/parity", root / "opt/tests/parity")
    shutil.copytree(ROOT / "tests/support", root / "opt/tests/support")
    for name in ("tests/conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root / "opt" / name)
    if mnist := os.environ.get("LENET5_DATA"):  # otherwise the small digits of scikit-learn
        shutil.copytree(Path(mnist) / "mnist", root / "opt/data/mnist")
    return wheel


def python(root: Path, architecture: str, *arguments: str) -> str:
    """Run Python in /opt of a folder; return what it printed. Exits where it fails."""
    variables = {"PYTHONPATH": "/opt/packages", "LENET5_DATA": "/opt/data", "COLUMNS": "120"}
    program = "import os, sys; os.chdir('/opt'); sys.argv = sys.argv[1:]; import runpy; "
    command = ["/usr/bin/python3"]
    if arguments[0] == "-m":  # chroot starts in /
        program += "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
        command += ["-c", program, *arguments[1:]]
    else:
        command += arguments
    done = debian.run(root, architecture, command, variables=variables)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed in {root}:\n{done.stdout[-4000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
