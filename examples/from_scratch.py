"""LeNet-5 from scratch: network, gradients, check and training in one file of NumPy, made to be read in class.

    python examples/from_scratch.py                            # all of MNIST: 98.99 %, 7.5 minutes of one core
    python examples/from_scratch.py --images 2000 --epochs 1   # a quick look

Prints how far the gradients are from finite differences, then the test accuracy after each epoch.

The layers are those of the 1998 paper (LeCun et al., figure 2), three simplified: S2 and S4 average without trained
coefficients, every map of C3 sees all maps of S2, and the output is a softmax in place of radial basis functions.
Shapes: N images, H x W pixels, C maps in, K maps out.
"""

import argparse

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import lenet5  # for the images alone

KERNEL = 5  # pixels a side
MOMENTUM = 0.9
LEARNING_RATE = 0.05  # at the start; it falls to 0 along a line


class Convolution:
    """y[n, h, w, k] = bias[k] + the sum over r, s, c of x[n, h + r, w + s, c] * weight[c, r, s, k]."""

    def __init__(self, maps_in, maps_out, random):
        fan_in = maps_in * KERNEL * KERNEL
        self.weight = random.normal(0, fan_in**-0.5, (fan_in, maps_out))
        self.bias = np.zeros(maps_out)

    def forward(self, x):
        self.shape = x.shape
        # Each window of the image becomes a row, so that one matrix product computes all units of all maps.
        windows = sliding_window_view(x, (KERNEL, KERNEL), axis=(1, 2))  # (N, H - 4, W - 4, C, 5, 5)
        self.rows = windows.reshape(*windows.shape[:3], -1)  # (N, H - 4, W - 4, 25 C)
        return self.rows @ self.weight + self.bias

    def backward(self, grad_y):
        # A weight is shared by all positions: its gradient is the sum over them.
        self.grad_weight = np.tensordot(self.rows, grad_y, axes=([0, 1, 2], [0, 1, 2]))
        self.grad_bias = grad_y.sum(axis=(0, 1, 2))
        # A pixel lies in up to 25 windows: its gradient is the sum over them.
        N, H, W, _ = grad_y.shape
        grad_windows = (grad_y @ self.weight.T).reshape(N, H, W, -1, KERNEL, KERNEL)
        grad_x = np.zeros(self.shape, grad_y.dtype)
        for r, s in np.ndindex(KERNEL, KERNEL):
            grad_x[:, r : r + H, s : s + W] += grad_windows[..., r, s]
        return grad_x


class Average:
    """Subsampling: the mean of each 2 x 2 block, which halves the height and the width."""

    def forward(self, x):
        N, H, W, C = x.shape
        return x.reshape(N, H // 2, 2, W // 2, 2, C).mean(axis=(2, 4))

    def backward(self, grad_y):
        return (grad_y / 4).repeat(2, axis=1).repeat(2, axis=2)


class Dense:
    """y = x weight + bias: every unit sees every number of the layer before it."""

    def __init__(self, inputs, units, random):
        self.weight = random.normal(0, inputs**-0.5, (inputs, units))
        self.bias = np.zeros(units)

    def forward(self, x):
        self.shape = x.shape
        self.x = x.reshape(len(x), -1)
        return self.x @ self.weight + self.bias

    def backward(self, grad_y):
        self.grad_weight = self.x.T @ grad_y
        self.grad_bias = grad_y.sum(axis=0)
        return (grad_y @ self.weight.T).reshape(self.shape)


class Tanh:
    """y = tanh(x); the slope, written by the output, is 1 - y^2."""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad_y):
        return grad_y * (1 - self.y**2)


class Network:
    """A list of layers: forward through all of them, backward through all of them."""

    def __init__(self, layers, dtype=np.float32):
        self.layers = layers
        self.trainable = [layer for layer in layers if hasattr(layer, "weight")]
        for layer in self.trainable:
            layer.weight, layer.bias = layer.weight.astype(dtype), layer.bias.astype(dtype)
            layer.velocity_weight, layer.velocity_bias = np.zeros_like(layer.weight), np.zeros_like(layer.bias)

    def scores(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def gradients(self, x, labels):
        """Return the mean loss; leave in each layer the gradients of it."""
        loss, grad = cross_entropy(self.scores(x), labels)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return loss

    def step(self, learning_rate):
        """Gradient descent with momentum: a velocity remembers the last gradients."""
        for layer in self.trainable:
            for name in ("weight", "bias"):
                velocity, gradient = getattr(layer, f"velocity_{name}"), getattr(layer, f"grad_{name}")
                velocity *= MOMENTUM
                velocity -= learning_rate * gradient
                getattr(layer, name)[...] += velocity


def layers(random, activation=Tanh):
    """Return LeNet-5: one image of 32 x 32 pixels in, 10 scores out."""
    return [
        Convolution(1, 6, random), activation(),  # C1: 6 maps of 28 x 28
        Average(),  # S2: 6 of 14 x 14
        Convolution(6, 16, random), activation(),  # C3: 16 of 10 x 10
        Average(),  # S4: 16 of 5 x 5
        Dense(400, 120, random), activation(),  # C5: a kernel of 5 x 5 on maps of 5 x 5 sees all of them
        Dense(120, 84, random), activation(),  # F6
        Dense(84, 10, random),
    ]  # fmt: skip


def cross_entropy(scores, labels):
    """Return the mean of -log(probability of the label) over a batch, and its gradient for the scores."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))  # the largest power is 1: none overflows
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    of_labels = np.arange(len(labels)), labels
    loss = -np.log(probabilities[of_labels]).mean()
    probabilities[of_labels] -= 1
    return loss, probabilities / len(labels)


def largest_gradient_error(network, random, epsilon=1e-5):
    """Return the largest difference between gradients and finite differences, for 5 weights of each array."""
    x, labels = random.normal(size=(3, 32, 32, 1)), np.array([3, 1, 4])
    network.gradients(x, labels)
    errors = []
    for layer in network.trainable:
        for array, gradient in ((layer.weight, layer.grad_weight), (layer.bias, layer.grad_bias)):
            for index in random.integers(array.size, size=5):
                weight = array.flat[index]
                array.flat[index] = weight + epsilon
                above, _ = cross_entropy(network.scores(x), labels)
                array.flat[index] = weight - epsilon
                below, _ = cross_entropy(network.scores(x), labels)
                array.flat[index] = weight
                errors.append(abs((above - below) / (2 * epsilon) - gradient.flat[index]))
    return max(errors)


def prepared(images):
    """Return images (N, 28, 28) uint8 as the network's input (N, 32, 32, 1): about mean 0 and deviation 1."""
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return ((padded / 255 - 0.1307) / 0.3081).astype(np.float32)[..., None]


def accuracy_percent(network, x, labels, batch=500):
    answers = [network.scores(x[begin : begin + batch]).argmax(axis=1) for begin in range(0, len(x), batch)]
    return 100 * np.mean(np.concatenate(answers) == labels)


def train(network, *, images, epochs, random, batch=50):
    """Train with the first `images` images of MNIST, and print the accuracy on its test images."""
    training, test = lenet5.data("mnist"), lenet5.data("mnist", "test")
    x, labels, x_test = prepared(training.images[:images]), training.labels[:images], prepared(test.images)
    steps = -(-len(x) // batch)  # in an epoch
    rates = iter(np.linspace(LEARNING_RATE, 0, epochs * steps))
    for epoch in range(1, epochs + 1):
        for chosen in np.array_split(random.permutation(len(x)), steps):
            network.gradients(x[chosen], labels[chosen])
            network.step(next(rates))
        print(f"epoch {epoch}: test accuracy {accuracy_percent(network, x_test, test.labels):.2f} %", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=4)
    given = parser.parse_args()

    random = np.random.default_rng(1998)
    error = largest_gradient_error(Network(layers(random), np.float64), random)
    print(f"gradients differ from finite differences by at most {error:.0e}")
    train(Network(layers(random)), images=given.images, epochs=given.epochs, random=random)
