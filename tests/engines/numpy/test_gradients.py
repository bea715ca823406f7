"""Every layer's backward pass against finite differences in float64."""

from collections.abc import Callable

import numpy as np
import pytest

from lenet5.engines.contract import Float
from lenet5.engines.dropout_mask import kept
from lenet5.engines.numpy.activation import Relu, ScaledTanh, Sigmoid, Tanh
from lenet5.engines.numpy.conv import Convolution
from lenet5.engines.numpy.dense import Dense, Flatten
from lenet5.engines.numpy.dropout import Dropout
from lenet5.engines.numpy.layer import Layer
from lenet5.engines.numpy.losses import loss_and_gradient
from lenet5.engines.numpy.normalize import BatchNormalization
from lenet5.engines.numpy.pool import AveragePool, MaxPool
from lenet5.engines.numpy.rbf import Rbf
from lenet5.engines.numpy.subsample import Subsample
from lenet5.spec.objective import Objective

STEP = 1e-6
# Central differences err by about STEP^2 from curvature and 1e-16/STEP from rounding: 1e-10, with room for sums.
TOLERANCE = 1e-7


def numeric(value: Callable[[], float], array: Float) -> Float:
    """Return the derivative of `value` for each number in `array`, by central differences."""
    slope = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + STEP
        above = value()
        array[place] = kept - STEP
        slope[place] = (above - value()) / (2 * STEP)
        array[place] = kept
    return slope


def largest_error(layer: Layer, x: Float, seed: int = 0) -> float:
    """Return by how much a layer's gradients differ at most from finite differences."""
    toward = np.random.default_rng(seed).normal(size=layer.forward(x).shape)

    def value() -> float:
        return float((layer.forward(x) * toward).sum())

    value()
    errors = [np.abs(layer.backward(toward) - numeric(value, x)).max()]
    gradients = dict(layer.gradients)
    for name, array in layer.parameters.items():
        errors.append(np.abs(gradients[name] - numeric(value, array)).max())
    return float(max(errors))


def a_convolution(random: np.random.Generator, kind: type[Convolution] = Convolution, padding: int = 0) -> Layer:
    return kind(random.normal(size=(3, 2, 3, 3)), random.normal(size=3), padding)


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolution(random: np.random.Generator, padding: int) -> None:
    x = random.normal(size=(2, 2, 6, 5))
    assert largest_error(a_convolution(random, padding=padding), x) < TOLERANCE


@pytest.mark.parametrize("layer", [AveragePool(2), MaxPool(2), MaxPool(3), AveragePool(3)])
def test_pooling(random: np.random.Generator, layer: Layer) -> None:
    assert largest_error(layer, random.normal(size=(2, 3, 6, 6))) < TOLERANCE


@pytest.mark.parametrize("layer", [Relu(), Tanh(), ScaledTanh(), Sigmoid()])
def test_activation(random: np.random.Generator, layer: Layer) -> None:
    assert largest_error(layer, random.normal(size=(4, 7))) < TOLERANCE


def test_dense_and_flatten(random: np.random.Generator) -> None:
    dense = Dense(random.normal(size=(4, 6)), random.normal(size=4))
    assert largest_error(dense, random.normal(size=(3, 6))) < TOLERANCE
    assert largest_error(Flatten(), random.normal(size=(2, 3, 2, 2))) < TOLERANCE


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 2, 5)])
def test_batch_normalization(random: np.random.Generator, shape: tuple[int, ...]) -> None:
    layer = BatchNormalization(*random.normal(size=(2, 3)), np.zeros(3), np.ones(3))
    layer.training = True
    assert largest_error(layer, random.normal(size=shape)) < TOLERANCE


def test_batch_normalization_gives_mean_0_and_variance_1_and_remembers_them(random: np.random.Generator) -> None:
    layer = BatchNormalization(np.ones(3), np.zeros(3), np.zeros(3), np.ones(3))
    x = random.normal([5, -2, 0], [3, 0.1, 1], size=(500, 3))
    layer.training = True
    y = layer.forward(x)
    assert np.abs(y.mean(axis=0)).max() < 1e-12
    assert np.abs(y.var(axis=0) - 1).max() < 2e-3  # the constant under the root
    for _ in range(200):
        layer.keep_statistics()
    np.testing.assert_allclose(layer.mean, x.mean(axis=0))
    np.testing.assert_allclose(layer.variance, x.var(axis=0, ddof=1))
    layer.training = False
    np.testing.assert_allclose(layer.forward(x[:1]), y[:1], atol=5e-3)  # alone, by what is remembered


def test_dropout(random: np.random.Generator) -> None:
    layer = Dropout(0.3, number=4)
    layer.key, layer.images = 99, np.arange(50, 60)
    x = random.normal(size=(10, 3, 8, 8))
    assert largest_error(layer, x) < TOLERANCE
    y = layer.forward(x)
    left_out = y == 0
    assert left_out.mean() == pytest.approx(0.3, abs=0.05)
    np.testing.assert_allclose(y[~left_out], x[~left_out] / 0.7)
    layer.images = np.arange(59, 49, -1)  # in another order each image loses the same units
    np.testing.assert_array_equal(layer.forward(x[::-1])[::-1] == 0, left_out)
    layer.images = None
    np.testing.assert_array_equal(layer.forward(x), x)


def test_chance_has_no_pattern() -> None:
    stays = kept(1234, 3, np.arange(4000), 84, 0.5).astype(float)
    assert stays.mean() == pytest.approx(0.5, abs=0.005)
    assert np.abs(stays.mean(axis=0) - 0.5).max() < 0.04  # five standard deviations
    assert np.abs(np.corrcoef(stays.T) - np.eye(84)).max() < 0.09
    assert np.abs(np.corrcoef(stays[:84]) - np.eye(84)).max() < 0.6
    assert (kept(1235, 3, np.arange(4000), 84, 0.5) == stays).mean() == pytest.approx(0.5, abs=0.005)
    assert (kept(1234, 4, np.arange(4000), 84, 0.5) == stays).mean() == pytest.approx(0.5, abs=0.005)


def test_a_table_of_connections(random: np.random.Generator) -> None:
    mask = np.array([[1, 0], [0, 1], [1, 1]], np.float64)
    weight = random.normal(size=(3, 2, 3, 3)) * mask[:, :, None, None]
    layer = Convolution(weight, random.normal(size=3), 0, mask)
    x, toward = random.normal(size=(2, 2, 6, 5)), random.normal(size=(2, 3, 4, 3))
    layer.forward(x)
    layer.backward(toward)
    assert (layer.gradients["weight"][mask == 0] == 0).all()
    slopes = numeric(lambda: float((layer.forward(x) * toward).sum()), weight)
    assert np.abs(layer.gradients["weight"] - slopes)[mask == 1].max() < TOLERANCE


@pytest.mark.parametrize("size", [2, 3])
def test_subsampling(random: np.random.Generator, size: int) -> None:
    layer = Subsample(random.normal(size=3), random.normal(size=3), size)
    assert largest_error(layer, random.normal(size=(2, 3, 6, 6))) < TOLERANCE


def test_subsampling_adds_its_square() -> None:
    layer = Subsample(np.array([0.5]), np.array([10.0]), 2)
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    np.testing.assert_array_equal(layer.forward(x), [[[[15.0]]]])


def test_radial_basis_functions(random: np.random.Generator) -> None:
    layer = Rbf(random.choice([-1.0, 1.0], size=(3, 8)), 0.5, 2.0)
    assert largest_error(layer, random.normal(size=(2, 8))) < TOLERANCE
    np.testing.assert_array_equal(layer.forward(layer.codes)[[0, 1, 2], [0, 1, 2]], 0)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error", "maximum_likelihood", "maximum_a_posteriori"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss(random: np.random.Generator, loss: str, reduction: str) -> None:
    j = 0.5 if loss == "maximum_a_posteriori" else None
    objective = Objective.model_validate({"loss": loss, "reduction": reduction, "j": j})
    scores, labels = random.normal(size=(5, 10)), np.array([0, 3, 9, 3, 7])
    terms = {"mean": 1, "sum": 50 if loss == "mean_squared_error" else 5}[reduction]
    _, gradient = loss_and_gradient(objective, scores, labels)
    expected = numeric(lambda: loss_and_gradient(objective, scores, labels)[0] * terms, scores)
    assert np.abs(gradient - expected).max() < TOLERANCE


def test_cross_entropy_with_targets(random: np.random.Generator) -> None:
    scores, labels, targets = random.normal(size=(5, 10)), np.arange(5), random.dirichlet(np.ones(10), 5)
    _, gradient = loss_and_gradient(Objective(), scores, labels, targets)
    expected = numeric(lambda: loss_and_gradient(Objective(), scores, labels, targets)[0], scores)
    assert np.abs(gradient - expected).max() < TOLERANCE
    one_hot = np.eye(10)[labels]
    assert (
        loss_and_gradient(Objective(), scores, labels, one_hot)[0] == loss_and_gradient(Objective(), scores, labels)[0]
    )


def test_maximum_a_posteriori_pushes_only_what_is_near() -> None:
    """exp(-j) stands for rubbish: a wrong class whose penalty is far above j is let alone (1998 paper, p. 9)."""
    objective = Objective(loss="maximum_a_posteriori", j=1.0)
    loss, gradient = loss_and_gradient(objective, np.array([[-0.5, -1.5, -40.0]]), np.array([0]))
    assert loss == pytest.approx(0.5 + np.log(np.exp(-1.0) + np.exp(-0.5) + np.exp(-1.5) + np.exp(-40.0)))
    assert gradient[0, 1] > 0.1
    assert gradient[0, 2] < 1e-15


def test_of_equal_pixels_max_pool_gives_the_gradient_to_the_first() -> None:
    layer = MaxPool(2)
    layer.forward(np.ones((1, 1, 2, 2)))
    np.testing.assert_array_equal(layer.backward(np.full((1, 1, 1, 1), 5.0))[0, 0], [[5, 0], [0, 0]])


def test_sigmoid_and_cross_entropy_stay_finite_at_extremes() -> None:
    assert np.isfinite(Sigmoid().forward(np.array([[-1e4, 1e4]], np.float32))).all()
    loss, gradient = loss_and_gradient(Objective(), np.array([[1e4, -1e4]]), np.array([1]))
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


# The listing of reproduction 003 has faults in its convolution. The check above must find each of them.


class TurnsChannels(Convolution):
    """`rot90` without axes turns the first two axes, kernels and channels, in place of the kernel."""

    def backward(self, grad_y: Float) -> Float:
        right = self.parameters["weight"]
        # Turned twice by 90 degrees in the plane of (K, C): both are reversed, and the kernel is not.
        self.parameters = {**self.parameters, "weight": np.rot90(right, 2)}
        grad_x = super().backward(grad_y)
        self.parameters = {**self.parameters, "weight": right}
        return grad_x


class StoresNothing(Convolution):
    """The gradients of weight and bias are computed, and never stored."""

    def backward(self, grad_y: Float) -> Float:
        grad_x = super().backward(grad_y)
        self.gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        return grad_x


@pytest.mark.parametrize("faulty", [TurnsChannels, StoresNothing])
def test_the_check_finds_the_faults_of_the_printed_listing(
    random: np.random.Generator, faulty: type[Convolution]
) -> None:
    x = random.normal(size=(2, 2, 6, 5))
    assert largest_error(a_convolution(random, faulty), x) > 0.1
