"""Networks of recipes, trained on any images: what the methods built on LeNet-4 need."""

import numpy as np

from lenet5.data.batches import Examples, batches, examples_for_epoch, order
from lenet5.engines import registry
from lenet5.engines.contract import Network, Scorer
from lenet5.engines.initial import first_weights
from lenet5.engines.scoring import score_all
from lenet5.methods.contract import Float, Labels, Pixels
from lenet5.seeds import stream
from lenet5.spec.optimizer import Sdlm
from lenet5.spec.recipe import Recipe


def trained(recipe: Recipe, images: Pixels, labels: Labels, seed: int) -> Network:
    """Return a recipe's network trained on images (N, 28, 28), as `lenet5 train` does it but without a run folder."""
    network = built(recipe, seed)
    examples = Examples(images, labels, recipe.preparation)
    epochs = recipe.total_epochs(len(labels))
    for epoch in range(1, epochs + 1):
        shown = examples_for_epoch(examples, seed, epoch, distortion=recipe.distortion)
        network.hold(shown)
        if isinstance(recipe.optimizer, Sdlm):
            patterns = min(recipe.optimizer.patterns, len(labels))
            chosen = stream(seed, "curvature", epoch).choice(len(labels), patterns, replace=False)
            curvature = network.curvature(shown.inputs(np.sort(chosen)))
            network.set_state({f"curvature.{name}": array for name, array in curvature.items()})
        steps = batches(order(len(labels), seed, epoch, recipe.sampling), recipe.batch_size)
        done = epoch - 1 + (np.arange(len(steps)) + 0.5) / len(steps)
        factors = np.array([recipe.schedule.factor(each, epochs) for each in done])
        network.train(steps, recipe.optimizer.learning_rate * factors)
    return network


def built(recipe: Recipe, seed: int) -> Network:
    """Return a recipe's network with its first weights."""
    weights = first_weights(recipe.architecture, recipe.initial, seed)
    return registry.get(registry.AUTO).build(recipe.architecture, weights, recipe.objective, recipe.optimizer)


def scored(network: Network | Scorer, recipe: Recipe, images: Pixels) -> Float:
    """Return a network's scores (N, 10) of images (N, 28, 28)."""
    return score_all(network, Examples(images, np.zeros(len(images), np.int64), recipe.preparation))


def features(network: Network, recipe: Recipe, images: Pixels) -> Float:
    """Return what a network's last layer gets of images (N, 28, 28): (N, units).

    They are the scores of the same network with the identity in the last layer's place, which engines compute fast.
    """
    weights = network.weights()
    last = network.architecture.placed[-1].name
    units = weights[f"{last}.weight"].shape[1]
    identity = {f"{last}.weight": np.eye(units, dtype=np.float32), f"{last}.bias": np.zeros(units, np.float32)}
    seen = registry.get(registry.AUTO).scorer(recipe.architecture.with_classes(units), weights | identity)
    return scored(seen, recipe, images)
