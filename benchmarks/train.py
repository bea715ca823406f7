"""Seconds per epoch and peak memory of each engine, beside PyTorch loops and the printed nested loops.

python benchmarks/train.py           writes the section into records.md
python benchmarks/train.py memory X  prints the peak memory of one contender; used by the above
"""

import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import contenders
import numpy as np
from side_by_side import alternate, machine, record

from lenet5.data.batches import Examples, batches, order
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.training.peak_memory import process_peak_bytes

IMAGES_A_TURN = 6400  # about a tenth of an epoch: short enough that all contenders share the machine's mood
ROUNDS = 7
WAYS = (
    "native engine",
    "numpy engine",
    "torch engine",
    "plain PyTorch loop",
    "DataLoader loop",
    "DataLoader loop, 4 workers",
)


def engine_loop(name: str, batch_size: int, steps: int) -> Callable[[], None]:
    """Train with one of our engines."""
    recipe, data = catalogue.load("archaeology"), load("mnist", "train")
    weights = first_weights(recipe.architecture, recipe.initial, seed=1)
    network = registry.get(name).build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    network.hold(Examples(data.images, data.labels, recipe.preparation))
    shuffled = batches(order(len(data.labels), 1, 1, recipe.sampling), batch_size)[:steps]
    return lambda: network.train(shuffled, 0.01) and None


def way(name: str, batch_size: int, steps: int) -> Callable[[], None]:
    """Return one contender, ready for its turns."""
    match name:
        case "plain PyTorch loop":
            return contenders.plain_loop(catalogue.load("archaeology"), load("mnist", "train"), batch_size, steps)
        case "DataLoader loop":
            return contenders.loader_loop(
                catalogue.load("archaeology"), load("mnist", "train"), batch_size, steps, workers=0
            )
        case "DataLoader loop, 4 workers":  # as reproduction 004 has it
            return contenders.loader_loop(
                catalogue.load("archaeology"), load("mnist", "train"), batch_size, steps, workers=4
            )
        case _:
            return engine_loop(name.split()[0], batch_size, steps)


def peak_megabytes(name: str) -> float:
    """Measure the peak memory of one contender in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "memory", name], check=True, capture_output=True, text=True)
    return float(done.stdout)


def nested_loop_seconds_per_image() -> float:
    """Time the printed loops on a few images."""
    images = load("mnist", "train").images[:4, None] / 255.0
    started = time.perf_counter()
    contenders.nested_loops_forward_and_back(images, np.random.default_rng(0))
    return (time.perf_counter() - started) / len(images)


def main() -> None:
    """Measure and record."""
    warnings.filterwarnings("ignore", message="This DataLoader will create")  # four workers are what 004 has
    lines = [
        f"{machine()}. Median (best) of {ROUNDS} turns of {IMAGES_A_TURN:,} images, alternated in one process.",
        "",
    ]
    lines += ["| batch | contender | seconds per epoch | times the plain loop |", "|---|---|---|---|"]
    epoch = 60_000 / IMAGES_A_TURN
    numpy_at_64 = 0.0
    for batch_size in (32, 64, 1024):
        steps = max(1, IMAGES_A_TURN // batch_size)
        scale = epoch * IMAGES_A_TURN / (steps * batch_size)
        timings = alternate({name: way(name, batch_size, steps) for name in WAYS}, ROUNDS)
        for name, timing in timings.items():
            ratio = timing.ratio_to(timings["plain PyTorch loop"])
            lines.append(
                f"| {batch_size} | {name} | {timing.median * scale:.2f} ({timing.best * scale:.2f}) | {ratio:.2f} |"
            )
        if batch_size == 64:
            numpy_at_64 = timings["numpy engine"].median * scale
    loops = nested_loop_seconds_per_image() * 60_000
    lines += [
        "",
        f"The nested loops of reproduction 003 (corrected; its two convolutions alone, timed on 4 images) would take "
        f"{loops:,.0f} s an epoch: {loops / numpy_at_64:,.0f} times the numpy engine at batch 64.",
        "",
        "| contender, batch 64 | peak memory of the process, its workers left out |",
        "|---|---|",
        *(f"| {name} | {peak_megabytes(name):,.0f} MB |" for name in WAYS),
    ]
    record("Training `archaeology` on MNIST", "\n".join(lines))


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        way(sys.argv[2], 64, 100)()
        print(process_peak_bytes() / 1e6)
    else:
        main()
