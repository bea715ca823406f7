"""All that is to be measured on a GPU, in one go and within eight minutes: tests, speed, many networks at once.

python benchmarks/gpu.py                           measures on CUDA, prints a line a result, writes records.md
python benchmarks/gpu.py --device cpu --images 640 tries the script itself where there is no GPU; writes nothing
python benchmarks/gpu.py --measure NAME            one contender, as JSON; used by the above

Each contender has a process of its own and a time limit, so that one that hangs or fails costs its own line only.
Without MNIST at hand (LENET5_DATA) made images take its place: the time does not depend on the pixels.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SECONDS = 460  # for everything
EPOCHS = 5  # measured, after one to warm up
# name -> batch size, networks
CONTENDERS = {
    "engine, batch 32": (32, 1),
    "engine, batch 1,024": (1024, 1),
    "32 networks together, batch 32": (32, 32),
    "engine with cuDNN's convolutions, batch 32": (32, 1),
    "engine with cuDNN's convolutions, batch 1,024": (1024, 1),
    "plain loop, batch 1,024": (1024, 1),
    "compiled plain loop (reduce-overhead), batch 1,024": (1024, 1),
    "plain loop, batch 32": (32, 1),
    "compiled plain loop (reduce-overhead), batch 32": (32, 1),
    "engine, layers compiled, batch 1,024": (1024, 1),
    "engine, layers compiled, batch 32": (32, 1),
}
TESTS = ("tests/engines/torch", "tests/parity", "tests/engines/test_curvature.py")
ROOT = Path(__file__).parents[1]


def turn(name: str, device: str, count: int) -> tuple[Callable[[], object], float]:
    """Return a contender's epoch, or for the slow loops a part of it, and the share that this is."""
    import contenders
    import torch

    from lenet5.data.batches import Examples, batches, order
    from lenet5.data.datasets import Images, load
    from lenet5.engines import registry
    from lenet5.engines.initial import first_weights
    from lenet5.engines.torch import layers
    from lenet5.errors import DataNotFoundError
    from lenet5.recipes import catalogue

    recipe = catalogue.load("archaeology")
    batch, networks = CONTENDERS[name]
    try:
        data = load("mnist", "train").cut(0, count, "train")
    except DataNotFoundError:
        random = np.random.default_rng(1)
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        labels = random.integers(0, 10, count)
        data = Images("made", "train", images, labels, tuple("0123456789"))
    if "loop" in name:
        steps = -(-count // batch)
        some = max(1, steps // 10) if "compiled" not in name and batch == 32 else steps
        loop = contenders.plain_loop(
            recipe, data, batch, some, compiled="compiled" in name, mode="reduce-overhead", device=device
        )
        return loop, some / steps

    def by_cudnn(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, padding: int) -> torch.Tensor:
        return torch.conv2d(x.squeeze(0), weight.squeeze(0), bias.squeeze(0), padding=padding).unsqueeze(0)

    if "cuDNN" in name:
        layers.convolution = by_cudnn
    weights = [first_weights(recipe.architecture, recipe.initial, seed) for seed in range(1, networks + 1)]
    engine = registry.get_together("torch", device)
    together = engine.build_together(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    if "layers compiled" in name:
        together._stack._forward = torch.compile(together._stack._forward)  # type: ignore[attr-defined]
    held = Examples(data.images, data.labels, recipe.preparation)
    for network in together.networks:
        network.hold(held)
    orders = [batches(order(count, seed, 1, recipe.sampling), batch) for seed in range(1, networks + 1)]
    return lambda: together.train(orders, 0.01), 1.0


def measure(name: str, device: str, images: int) -> None:
    """Print the seconds of each epoch of a contender, and the GPU, as JSON."""
    import torch

    epoch, share = turn(name, device, images)
    epoch()
    seconds = []
    for _ in range(EPOCHS):
        if device == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
        epoch()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append((time.perf_counter() - started) / share)
    where = torch.cuda.get_device_name() if device == "cuda" else device
    print(json.dumps({"seconds": seconds, "where": f"{where}, PyTorch {torch.__version__}"}))


def tests(limit: float) -> str:
    """Run the tests that compute with torch; say how many passed, and whether the process ended by itself."""
    command = [sys.executable, "-m", "pytest", *TESTS, "-q", "-k", "torch or together or cuda or recipe or optimizer"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=ROOT, check=False)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return f"not ended after {limit:.0f} s: {said.strip()[-300:]}"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    last = (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]
    return "\n".join([f"ended by itself, exit code {done.returncode}: {last}", *failed])


def main() -> None:
    """Measure everything, the most important first."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="cuda")
    options.add_argument("--images", type=int, default=60_000)
    options.add_argument("--measure", choices=CONTENDERS)
    options.add_argument("--without-tests", action="store_true")
    given = options.parse_args()
    if given.measure:
        measure(given.measure, given.device, given.images)
        return
    deadline = time.monotonic() + SECONDS
    where, found = given.device, {}
    lines = ["| contender | seconds per epoch: median (best) |", "|---|---|"]
    for number, name in enumerate(CONTENDERS):
        if number == 3 and not given.without_tests:  # after what has a target
            lines.insert(0, f"Tests: {tests(min(200, deadline - time.monotonic()))}\n")
            print(lines[0], flush=True)
        left = deadline - time.monotonic()
        command = [sys.executable, __file__, "--measure", name, "--device", given.device]
        try:
            done = subprocess.run(
                [*command, "--images", str(given.images)], capture_output=True, text=True, timeout=max(1, left),
                check=True,
            )  # fmt: skip
            measured = json.loads(done.stdout.splitlines()[-1])
            where, found[name] = measured["where"], measured["seconds"]
            said = f"{np.median(found[name]):.3f} ({min(found[name]):.3f})"
        except subprocess.TimeoutExpired:
            said = "no time left"
        except subprocess.CalledProcessError as error:
            said = f"failed: {(error.stderr.strip().splitlines() or ['?'])[-1]}"
        lines.append(f"| {name} | {said} |")
        print(lines[-1], flush=True)
    one, many = "engine, batch 32", "32 networks together, batch 32"
    if one in found and many in found:
        times = float(np.median(found[many]) / np.median(found[one]))
        lines += ["", f"32 networks together take {times:.1f} times as long as one."]
    text = "\n".join([f"{where}; median and best of {EPOCHS} epochs of {given.images:,} images.", "", *lines])
    if given.device == "cuda":
        from side_by_side import record

        record("On a GPU", text)
    else:
        print(text)


if __name__ == "__main__":
    main()
