"""Flash, RAM and instructions a digit of the programs in integers, on emulated microcontrollers.

Compiles the export of a model for each processor, runs it under QEMU on test digits, compares every score with the
NumPy model, and prints a table in Markdown. Needs MNIST, and Debian's gcc-arm-none-eabi, gcc-riscv64-unknown-elf,
qemu-system-arm and qemu-system-misc.

    python benchmarks/microcontrollers.py [MODEL ...]

QEMU's clock advances by a fixed time with each instruction (-icount); a loop of known length calibrates it. The
emulated Cortex-M4 also executes the program for Cortex-M0+, whose instructions are a subset.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lenet5.data.datasets import load
from lenet5.exchange import ranges, to_c_integers
from lenet5.exchange.c_text import constant
from lenet5.models import shipped

DIGITS = 20
CALIBRATION = 200_000  # instructions, as in port.h
HERE = Path(__file__).parent / "microcontrollers"


@dataclass(frozen=True)
class Target:
    """A processor: how to compile for it, and how to run it under QEMU."""

    name: str
    tools: str
    options: tuple[str, ...]
    port: str
    qemu: tuple[str, ...]


def arm(name: str, cpu: str) -> Target:
    """Return a Cortex-M; an instruction takes 32 ns, a tick of the timer 40 ns."""
    options = (f"-mcpu={cpu}", "-mthumb", "-Wl,--section-start=.vectors=0,-Ttext=0x100,-Tbss=0x20000000")
    return Target(
        name, "arm-none-eabi-", options, "arm.c", ("qemu-system-arm", "-M", "mps2-an386", "-icount", "shift=5")
    )


TARGETS = (
    arm("Cortex-M0+", "cortex-m0plus"),
    arm("Cortex-M4", "cortex-m4"),
    Target(
        "RV32IMC",
        "riscv64-unknown-elf-",
        ("-march=rv32imc_zicsr", "-mabi=ilp32", "-Wl,--section-start=.vectors=0x80000000,-Ttext=0x80000100"),
        "riscv.c",
        ("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-icount", "shift=0"),
    ),
)


@dataclass(frozen=True)
class Measured:
    """Bytes of flash and RAM, and instructions a digit. RAM: working memory, image, scores and stack."""

    flash: int
    ram: int
    instructions: int


def measure(target: Target, folder: Path, memory: int) -> Measured:
    """Compile and run the program in a folder. Raises SystemExit when a score differs from the NumPy model's."""
    gcc = [f"{target.tools}gcc", *target.options, "-std=c11", "-O2", "-ffreestanding", f"-I{folder}", f"-I{HERE}"]
    subprocess.run([*gcc, "-c", folder / "lenet5.c", "-o", folder / "lenet5.o"], check=True)
    sources = [HERE / "main.c", HERE / target.port]
    subprocess.run(
        [
            *gcc,
            "-nostdlib",
            "-Wl,-e,reset,--no-warn-rwx-segments",
            *sources,
            folder / "lenet5.o",
            "-lgcc",
            "-o",
            folder / "firmware",
        ],
        check=True,
    )
    size = subprocess.run(
        [f"{target.tools}size", folder / "lenet5.o"], capture_output=True, text=True, check=True
    ).stdout.split()
    text, data = int(size[6]), int(size[7])
    command = [*target.qemu, "-nographic", "-semihosting-config", "enable=on", "-kernel", str(folder / "firmware")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = {name: int(number) for name, number in map(str.split, (done.stdout + done.stderr).splitlines())}
    if found["wrong"]:
        raise SystemExit(f"{target.name}: {found['wrong']} scores differ from the NumPy model's")
    instructions = found["ticks"] * CALIBRATION / found["calibration"] / DIGITS
    image, scores = 28 * 28, 4 * 10
    return Measured(text + data, memory + image + scores + found["stack"], round(instructions))


def main(names: list[str]) -> None:
    """Print a row for each model, kind of weights and processor."""
    test = load("mnist", "test")
    print("| model | weights | accuracy, % | processor | flash, bytes | RAM, bytes | instructions a digit |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        model = shipped.find(name)
        for kind in ("int8", "int4"):
            network = ranges.in_integers(model, weights=kind)
            scores = network.scores(test.images)
            percent = 100 * float(np.mean(scores.argmax(axis=1) == test.labels))
            program = to_c_integers.build(model, network)
            for target in TARGETS:
                with tempfile.TemporaryDirectory() as temporary:
                    folder = Path(temporary)
                    (folder / "lenet5.h").write_text(program.header)
                    (folder / "lenet5.c").write_text(program.source)
                    images = test.images[:DIGITS].reshape(DIGITS, -1)
                    (folder / "digits.h").write_text(
                        f"#include <stdint.h>\n#define DIGITS {DIGITS}\n"
                        + constant("digits", images)
                        + constant("expected", scores[:DIGITS])
                    )
                    found = measure(target, folder, program.memory_bytes)
                print(
                    f"| {name} | {kind} | {percent:.2f} | {target.name} | {found.flash:,} | {found.ram:,} | "
                    f"{found.instructions:,} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:] or ["modern"])
