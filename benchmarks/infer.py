"""Images per second of each engine, beside PyTorch. Writes its section into records.md."""

import contenders
import numpy as np
import torch
from side_by_side import alternate, machine, record

from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.engines.scoring import score_all
from lenet5.recipes import catalogue

ROUNDS = 15


def main() -> None:
    """Score the 10,000 test images, from bytes to scores, in turns."""
    recipe, data = catalogue.load("archaeology"), load("mnist", "test")
    weights = first_weights(recipe.architecture.parameter_shapes, recipe.initial, seed=1)
    examples = Examples(data.images, data.labels, recipe.preparation)
    networks = {
        name: registry.get(name).build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
        for name in registry.NAMES
    }
    model = contenders.network().eval()

    @torch.inference_mode()
    def plain() -> None:
        for chunk in range(0, len(data.labels), 1000):
            pixels = torch.from_numpy(np.array(data.images[chunk : chunk + 1000]))[:, None]
            model(pixels.to(torch.float32).div_(127.5).sub_(1))

    timings = alternate(
        {f"{name} engine": (lambda n=network: score_all(n, examples)) for name, network in networks.items()}
        | {"plain PyTorch": plain},
        ROUNDS,
    )
    lines = [
        f"{machine()}. 10,000 test images, from bytes to scores, the engines in chunks of 250, PyTorch of 1,000; "
        f"{ROUNDS} alternated turns.",
        "",
        "| contender | images/s, median (best) | times plain PyTorch |",
        "|---|---|---|",
    ]
    for name, timing in timings.items():
        speed = 1 / timing.ratio_to(timings["plain PyTorch"])
        lines.append(f"| {name} | {10_000 / timing.median:,.0f} ({10_000 / timing.best:,.0f}) | {speed:.2f} |")
    record("Inference", "\n".join(lines))


if __name__ == "__main__":
    main()
