"""A new layer: write forward and backward, check the gradient, train, compare.

    python examples/new_layer.py                # 10,000 images, about a minute for each
    python examples/new_layer.py --images 2000

The layer is put into the network of from_scratch.py in place of tanh. Prints the gradient check, then the test accuracy
with tanh and with the new layer. To add a layer kind to the package itself, for all engines, see CONTRIBUTING.md.
"""

import argparse

import numpy as np
from from_scratch import Network, Tanh, largest_gradient_error, layers, train


class LeakyRelu:
    """y = x where x > 0, else x / 10: unlike a ReLU, a unit that is off still learns."""

    def forward(self, x):
        self.slope = np.where(x > 0, 1, 0.1).astype(x.dtype)
        return x * self.slope

    def backward(self, grad_y):
        return grad_y * self.slope


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()

    random = np.random.default_rng(1)
    error = largest_gradient_error(Network(layers(random, LeakyRelu), np.float64), random)
    print(f"gradients differ from finite differences by at most {error:.0e}")

    for activation in (Tanh, LeakyRelu):
        random = np.random.default_rng(1998)  # the same first weights and the same order for both
        print(activation.__name__)
        train(Network(layers(random, activation)), images=given.images, epochs=given.epochs, random=random)
