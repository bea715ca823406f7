"""Weights kept early in the first epoch of `lecun-1998`, for the page's slider: src/lenet5/web/training/.

The same first weights, order and learning rates as the shipped model's run (seed 1, native engine); float16, because
they are looked at, not trained on. The file's metadata hold the test error of each, in percent, as `errors_percent`.
Run: python results/page_training.py
"""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

import lenet5.web
from lenet5 import files
from lenet5.data import batches
from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.seeds import stream

IMAGES = (0, 500, 2_000, 5_000, 15_000, 60_000)  # learned from by then
OUTPUT = Path(lenet5.web.__file__).parent / "training" / "lecun-1998.safetensors"


def main() -> None:
    recipe = catalogue.load("lecun-1998")
    train, test = load("mnist", "train"), load("mnist", "test")
    preparation = recipe.preparation
    weights = first_weights(recipe.architecture, recipe.initial, recipe.seed)
    network = registry.get("native").build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    examples = Examples(train.images, train.labels, preparation)
    network.hold(examples)
    chosen = stream(recipe.seed, "curvature", 1).choice(len(train.labels), recipe.optimizer.patterns, replace=False)
    curvature = network.curvature(examples.inputs(np.sort(chosen)))
    network.load(network.weights(), {f"curvature.{name}": array for name, array in curvature.items()})
    order = batches.order(len(train.labels), recipe.seed, 1, recipe.sampling)
    rate = recipe.optimizer.learning_rate * recipe.schedule.factor(0.5, recipe.epochs)
    tested = Examples(test.images, test.labels, preparation).inputs(np.arange(len(test.labels)))
    rounded = registry.get("native").build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    kept: dict[str, np.ndarray] = {}
    errors: list[float] = []
    done = 0
    for images in IMAGES:
        if images > done:
            network.train(batches.batches(order[done:images], 1, start=0), rate)
        done = images
        halves = {name: array.astype(np.float16) for name, array in network.weights().items()}
        rounded.load({name: array.astype(np.float32) for name, array in halves.items()}, rounded.state())
        wrong = np.mean(rounded.scores(tested).argmax(axis=1) != test.labels)
        errors.append(round(100 * float(wrong), 2))
        print(f"{images:6d} images: {errors[-1]:.2f} % of the 10,000 test images wrong")
        kept |= {f"{images}/{name}": array for name, array in halves.items()}
    OUTPUT.parent.mkdir(exist_ok=True)
    files.write_atomically(OUTPUT, safetensors.numpy.save(kept, {"errors_percent": json.dumps(errors)}))


if __name__ == "__main__":
    main()
