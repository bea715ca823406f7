"""The native engine against the best PyTorch loops and against the machine's limit.

Writes its section into records.md, and speed.json, from which the handbook's pictures are drawn.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import contenders
import torch
from side_by_side import alternate, machine, record

from lenet5.compiled import kernels
from lenet5.data.batches import Examples, batches, examples_for_epoch, order
from lenet5.data.datasets import load
from lenet5.data.prepare import mean_pixel
from lenet5.engines.initial import first_weights
from lenet5.engines.native.network import NativeEngine, NativeNetwork
from lenet5.recipes import catalogue
from lenet5.spec.initial import Pytorch
from lenet5.spec.recipe import Recipe

IMAGES_A_TURN = 12_800
ROUNDS = 7
CONTESTS = (
    ("archaeology", 32),
    ("archaeology", 1024),
    ("lab-report", 128),
    ("sunnyhaze", 10),
    ("sigmoid-fashion", 256),
)
SPEED = Path(__file__).parent / "speed.json"


def recipe_of(name: str) -> Recipe:
    """Return a recipe that can be trained for a turn: its mean is folded in."""
    recipe = catalogue.load(name)
    if recipe.preparation.subtract_mean:
        centred = recipe.preparation.centred(mean_pixel(load(recipe.data, "train").images))
        recipe = recipe.model_copy(update={"preparation": centred})
    return recipe


def native(name: str, batch_size: int) -> tuple[NativeNetwork, Callable[[], None]]:
    """Return the native engine's network for a recipe, and a turn of its training."""
    recipe = recipe_of(name)
    data = load(recipe.data, "train")
    weights = first_weights(recipe.architecture, Pytorch(), seed=1)
    network = NativeEngine().build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    network.hold(examples_for_epoch(Examples(data.images, data.labels, recipe.preparation), 1, 1))
    # A tenth of the learning rate: a turn is repeated many times, and must not diverge.
    rate = recipe.optimizer.learning_rate / 10
    shuffled = batches(order(len(data.labels), 1, 1, "shuffled"), batch_size)[: IMAGES_A_TURN // batch_size]
    return network, lambda: network.train(shuffled, rate) and None


def in_one_thread(name: str, batch_size: int) -> Callable[[], float]:
    """Return a turn of the same in a process with one thread; the turn returns its own seconds."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, __file__, "child", name, str(batch_size)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip

    def turn() -> float:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("go\n")
        child.stdin.flush()
        return float(child.stdout.readline())

    return turn


def child(name: str, batch_size: int) -> None:
    """Take a turn for each line that comes in."""
    _, turn = native(name, batch_size)
    turn()
    for _ in sys.stdin:
        started = time.perf_counter()
        turn()
        print(time.perf_counter() - started, flush=True)


def multiply_adds_a_step(recipe: Recipe) -> int:
    """Multiply-adds of one image in one training step: there, and back twice; the first layer passes nothing on."""
    own = recipe.architecture
    return 3 * own.multiply_adds - own.placed[0].multiply_adds


def contest(name: str, batch_size: int) -> dict[str, Any]:
    """Measure one recipe at one batch size."""
    recipe = recipe_of(name)
    data, steps = load(recipe.data, "train"), IMAGES_A_TURN // batch_size
    epoch = 60_000 / (steps * batch_size)
    _, turn = native(name, batch_size)
    timings = alternate(
        {
            "native": turn,
            "PyTorch, eager": contenders.plain_loop(recipe, data, batch_size, steps),
            "PyTorch, compiled": contenders.plain_loop(recipe, data, batch_size, steps, compiled=True),
        },
        ROUNDS,
    )
    alone, together, shares = in_one_thread(name, batch_size), [], []
    alone()
    for _ in range(ROUNDS):  # one thread, two threads and the limit, again and again
        limit = kernels().multiply_add_limit(kernels().threads(), 0.1)
        one = alone()
        started = time.perf_counter()
        turn()
        seconds = time.perf_counter() - started
        together.append(one / seconds)
        shares.append(multiply_adds_a_step(recipe) * steps * batch_size / seconds / limit)
    best = min(("PyTorch, eager", "PyTorch, compiled"), key=lambda way: timings[way].median)
    return {
        "recipe": name,
        "batch_size": batch_size,
        "seconds": {way: [timing.median * epoch, timing.best * epoch] for way, timing in timings.items()},
        "best": best,
        "times_faster": timings[best].ratio_to(timings["native"]),
        "threads_gain": median(together),
        "share_of_limit": median(shares),
    }


def by_kernel() -> dict[str, Any]:
    """Where the time of a training step goes: seconds an epoch for each layer and direction, and its least possible."""
    network, turn = native("archaeology", 1024)
    placed = [layer for layer in network.architecture.placed if layer.multiply_adds]
    rounds: list[list[tuple[int, dict[str, float]]]] = []
    limits = []
    for _ in range(3 * ROUNDS):
        network.watch()
        turn()
        rounds.append(network.seconds())
        limits.append(kernels().multiply_add_limit(kernels().threads(), 0.05))
    turn_images = IMAGES_A_TURN // 1024 * 1024
    epoch = 60_000 / turn_images
    rows = []
    for stage, layer in enumerate(placed):
        for work in rounds[0][stage][1]:
            seconds = median(turn_of[stage][1][work] for turn_of in rounds) * epoch
            multiplies = work in ("forward", "weight gradient") or (work == "input gradient" and stage > 0)
            least = layer.multiply_adds * 60_000 / median(limits) if multiplies else 0.0
            if seconds:
                rows.append({"layer": layer.name, "work": work, "seconds": seconds, "least": least})
    return {"recipe": "archaeology", "batch_size": 1024, "rows": rows}


def main() -> None:
    """Measure, record, and keep the figures for the pictures."""
    contests = [contest(name, batch_size) for name, batch_size in CONTESTS]
    threads = kernels().threads()
    limits = {str(n): max(kernels().multiply_add_limit(n, 0.2) for _ in range(5)) for n in {1, threads}}
    SPEED.write_text(
        json.dumps(
            {"machine": machine(), "instructions": kernels().instructions(), "limits": limits, "contests": contests,
             "kernels": by_kernel()},
            indent=1,
        )
        + "\n"
    )  # fmt: skip
    lines = [
        f"{machine()}; native engine with {kernels().instructions()}, {threads} threads. "
        f"{ROUNDS} alternated turns of {IMAGES_A_TURN:,} images. Seconds an epoch, median (best); PyTorch has every "
        "input prepared in memory and makes no flips, the native engine prepares and flips the bytes itself.",
        "",
        "| recipe | batch | native | PyTorch, eager | PyTorch, compiled | times the best | share of the limit "
        "| two threads for one |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in contests:
        cells = [f"{middle:.2f} ({best:.2f})" for middle, best in row["seconds"].values()]
        lines.append(
            f"| `{row['recipe']}` | {row['batch_size']} | {' | '.join(cells)} | {row['times_faster']:.1f} "
            f"| {100 * row['share_of_limit']:.0f} % | {row['threads_gain']:.2f} |"
        )
    rates = ", ".join(f"{rate / 1e9:.0f} in {n} thread{'s' if n != '1' else ''}" for n, rate in sorted(limits.items()))
    lines += [
        "",
        f"The limit: multiply-adds with registers alone, {rates} (10^9 a second, the best of five). The share counts "
        "every multiply-add of the whole training step: preparing, pooling, squashing and updating count as nothing.",
    ]
    record("The native engine", "\n".join(lines))


if __name__ == "__main__":
    torch.set_num_threads(kernels().threads())
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main()
