"""The native engine for browsers: src/lenet5/web/engine/lenet5.wasm.gz, built by Zig's Clang.

`python native/packaging/wasm.py` writes the module, which the package contains; the same Zig gives the same bytes.
Requires: pip install ziglang==0.14.1
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

NATIVE = Path(__file__).parents[1]
MODULE = NATIVE.parent / "src/lenet5/web/engine/lenet5.wasm.gz"
ZIG = "0.14.1"
SOURCES = (
    "bindings/wasm.cpp",
    "src/network.cpp",
    "src/block.cpp",
    "src/plan.cpp",
    "src/places.cpp",
    "src/single.cpp",
    "src/one_image.cpp",
    "src/targets/baseline.cpp",
)
OPTIONS = (
    *("-target", "wasm32-wasi", "-mexec-model=reactor", "-msimd128", "-std=c++20", "-O3", "-fno-math-errno"),
    *("-Wall", "-Wextra", "-Werror=switch", "-Wno-psabi", "-Iinclude", "-Isrc/fast", "-Wl,--strip-all"),
)


def main() -> None:
    """Write the module into the package."""
    module = build()
    MODULE.parent.mkdir(exist_ok=True)
    MODULE.write_bytes(gzip.compress(module, mtime=0))
    print(f"{MODULE}: {len(module):,} bytes, {MODULE.stat().st_size:,} compressed")


def build() -> bytes:
    """Return the module. Exits where Zig is missing or another version."""
    zig = (sys.executable, "-m", "ziglang")
    found = subprocess.run([*zig, "version"], capture_output=True, text=True).stdout.strip()
    if found != ZIG:
        raise SystemExit(f"found Zig {found or 'nowhere'}, expected {ZIG}; run: pip install ziglang=={ZIG}")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lenet5.wasm"
        subprocess.run([*zig, "c++", *OPTIONS, *SOURCES, "-o", str(output)], cwd=NATIVE, check=True)
        return output.read_bytes()


if __name__ == "__main__":
    main()
