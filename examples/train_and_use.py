"""Train a published recipe, measure it, and use the model.

    python examples/train_and_use.py
    python examples/train_and_use.py --images 2000

Prints the training, the test accuracy with its 95 % interval, and the three most probable digits of the image that the
model is least sure of. The run folder holds the model, its history and its curves.
"""

import argparse

import numpy as np

import lenet5

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--images", type=int, default=60_000)
given = parser.parse_args()

test = lenet5.data("mnist", "test")  # MNIST is fetched where it is missing
run = lenet5.train("archaeology", epochs=2, seed=1, overrides={"images": given.images, "batch_size": 8})
print(f"written to {run.path}")

model = lenet5.load(run.path)
outcome = lenet5.evaluate(model)
low, high = outcome.interval_percent
print(f"test accuracy {outcome.accuracy_percent:.2f} % (95 % interval {low:.2f} to {high:.2f})")

probabilities = model.probabilities(test.images)
unsure = probabilities.max(axis=1).argmin()
print(f"least sure of image {unsure}, a {test.labels[unsure]}:")
for digit in np.argsort(-probabilities[unsure])[:3]:
    print(f"  {digit}: {100 * probabilities[unsure, digit]:.1f} %")
