import numpy as np
import pytest
import torch

from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.engines.torch import device as devices
from lenet5.engines.torch.network import TorchEngine
from lenet5.errors import EngineError, ModelError, ShapeError
from lenet5.spec.architecture import Architecture
from lenet5.spec.initial import Pytorch
from lenet5.spec.layers import Activation, AveragePool, Convolution, Dense, Flatten, MaxPool
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Adam, Sgd
from lenet5.spec.preparation import Preparation

RELU, TANH, SIGMOID = (Activation(function=name) for name in ("relu", "tanh", "sigmoid"))
OUTPUT = Dense(name="output", units=3)


def c1(maps, padding=0):
    return Convolution(name="C1", maps=maps, kernel=3, padding=padding)


ARCHITECTURES = {
    "relu, average": Architecture(input=(1, 8, 8), layers=(c1(2), RELU, AveragePool(name="S2"), Flatten(), OUTPUT)),
    "relu, max, padding": Architecture(
        input=(1, 6, 6),
        layers=(
            *(c1(2, padding=1), RELU, MaxPool(name="S2")),
            *(Convolution(name="C3", maps=3, kernel=3, padding=1), MaxPool(name="S4", size=3)),
            *(Flatten(), OUTPUT),
        ),
    ),
    "tanh, C5 a convolution": Architecture(
        input=(1, 10, 10),
        layers=(
            *(c1(1, padding=2), TANH, AveragePool(name="S2", size=3)),
            *(Convolution(name="C5", maps=4, kernel=4), TANH, Flatten(), OUTPUT),
        ),
    ),
    "sigmoid": Architecture(
        input=(2, 6, 6), layers=(c1(2), SIGMOID, Flatten(), Dense(name="F6", units=5), SIGMOID, OUTPUT)
    ),
}
PLAIN = ARCHITECTURES["relu, average"]
MOMENTUM, CROSS_ENTROPY = Sgd(learning_rate=0.1, momentum=0.9), Objective()
MEMORIES = [Sgd(learning_rate=0.1), MOMENTUM, Adam(learning_rate=0.01)]
BATCHES = list(np.random.default_rng(5).permutation(60).reshape(6, 10))


class MadeExamples:
    """Sixty random images whose label is how bright they are."""

    preparation = Preparation()
    flips = targets = None
    chance = 0

    def __init__(self, architecture=PLAIN, seed=1):
        random = np.random.default_rng(seed)
        self.images = random.integers(0, 256, (60, *architecture.input), np.uint8)
        self.labels = self.images.mean(axis=(1, 2, 3)).argsort().argsort() // 20
        self.prepared = 0

    def inputs(self, indices):
        self.prepared += len(indices)
        return self.images[indices].astype(np.float32) / 255


def build(
    architecture=PLAIN,
    optimizer=MOMENTUM,
    objective=CROSS_ENTROPY,
    *,
    frozen=(),
    precision="float64",
    device="cpu",
    examples=None,
):
    """Return a network of seed 3 that holds made examples."""
    weights = first_weights(architecture, Pytorch(), seed=3)
    network = TorchEngine(device).build(architecture, weights, objective, optimizer, frozen=frozen, precision=precision)
    network.hold(examples or MadeExamples(architecture))
    return network


def bytes_of(network):
    """Return weights and optimiser state as bytes: equal only when every bit is."""
    everything = network.weights() | network.state()
    return {name: array.tobytes() for name, array in everything.items()}


def some(architecture):
    examples = MadeExamples(architecture, seed=2)
    return examples.inputs(np.arange(40)), examples.labels[:40]


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gradients_equal_finite_differences(name, loss):
    network = build(ARCHITECTURES[name], objective=Objective(loss=loss))
    inputs, labels = some(ARCHITECTURES[name])
    _, gradients = network.gradients(inputs, labels)
    weights, h = network.weights(), 1e-6
    for array, gradient in ((weights[name], gradient) for name, gradient in gradients.items()):
        for place in list(np.ndindex(array.shape))[::7]:
            both = []
            for sign in (1, -1):
                array[place] += sign * h
                network.load(weights, network.state())
                both.append(network.gradients(inputs, labels)[0])
                array[place] -= sign * h
            # second-order error h^2 and rounding 1e-16 / h
            assert (both[0] - both[1]) / (2 * h) == pytest.approx(gradient[place], abs=1e-8)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_equal_those_of_torch_nn(name):
    architecture = ARCHITECTURES[name]
    network = build(architecture)
    x = torch.tensor(some(architecture)[0], dtype=torch.float64)
    weights = {name: torch.tensor(array) for name, array in network.weights().items()}
    activations = network.activations(x.numpy())
    for placed in architecture.placed:
        layer, at = placed.layer, placed.name
        match layer.kind:
            case "convolution":
                x = torch.conv2d(x, weights[f"{at}.weight"], weights[f"{at}.bias"], padding=layer.padding)
            case "dense":
                x = x @ weights[f"{at}.weight"].T + weights[f"{at}.bias"]
            case "average_pool":
                x = torch.nn.AvgPool2d(layer.size)(x)
            case "max_pool":
                x = torch.nn.MaxPool2d(layer.size)(x)
            case "activation":
                x = getattr(torch, layer.function)(x)
            case "flatten":
                x = x.reshape(len(x), -1)
        np.testing.assert_allclose(activations[at], x.numpy(), atol=1e-12)  # float64, 30 terms
    np.testing.assert_array_equal(network.scores(some(architecture)[0]), activations[at])


def test_max_pool_gives_the_gradient_to_the_first_of_equals():
    network = build(ARCHITECTURES["relu, max, padding"])
    pool = network._layers()["S2"]
    x = torch.ones(1, 1, 1, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(pool(x).sum(), x)
    assert gradient[0, 0, 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(("loss", "terms"), [("cross_entropy", 40), ("mean_squared_error", 40 * 3)])
def test_sum_multiplies_the_gradient_but_not_the_loss(loss, terms):
    inputs, labels = some(PLAIN)
    mean_loss, mean = build(objective=Objective(loss=loss)).gradients(inputs, labels)
    sum_loss, total = build(objective=Objective(loss=loss, reduction="sum")).gradients(inputs, labels)
    assert sum_loss == mean_loss
    for name, gradient in mean.items():
        np.testing.assert_allclose(total[name], terms * gradient, rtol=1e-12)


def test_training_reports_the_loss_and_the_images_right_before_each_update():
    network, examples = build(), MadeExamples()
    for batch in BATCHES:
        inputs, labels = examples.inputs(batch), examples.labels[batch]
        loss, _ = network.gradients(inputs, labels)
        right = int((network.scores(inputs).argmax(axis=1) == labels).sum())
        steps = network.train([batch], 0.1)
        assert steps.losses == pytest.approx([loss], rel=1e-12)
        assert steps.correct.tolist() == [right]


def test_training_makes_the_loss_small():
    network = build(optimizer=Adam())
    losses = [network.train(BATCHES, 0.02).losses.mean() for _ in range(60)]
    assert losses[-1] < 0.7 * losses[0]  # measured: 0.59


def test_no_batches_are_no_steps():
    network = build()
    before = bytes_of(network)
    assert len(network.train([], 0.1).losses) == 0
    assert bytes_of(network) == before


@pytest.mark.parametrize("optimizer", MEMORIES)
def test_the_same_steps_give_the_same_bytes(optimizer):
    one, other = (
        build(optimizer=optimizer, precision="float32"),
        build(optimizer=optimizer, precision="float32"),
    )
    together = one.train(BATCHES, 0.1)
    apart = [other.train(BATCHES[:3], 0.1), other.train(BATCHES[3:], 0.1)]
    assert bytes_of(one) == bytes_of(other)
    assert together.losses.tolist() == [*apart[0].losses, *apart[1].losses]


@pytest.mark.parametrize("optimizer", MEMORIES)
def test_a_loaded_network_goes_on_to_the_same_bytes(optimizer):
    straight, resumed = build(optimizer=optimizer), build(optimizer=optimizer)
    straight.train(BATCHES[:3], 0.1)
    resumed.load(straight.weights(), straight.state())
    for network in (straight, resumed):
        network.train(BATCHES[3:], 0.05)
    assert bytes_of(straight) == bytes_of(resumed)


def test_state_has_the_names_that_all_engines_share():
    arrays = ["C1.weight", "C1.bias", "output.weight", "output.bias"]
    assert build(optimizer=MEMORIES[0]).state() == {}
    assert list(build(optimizer=MEMORIES[1]).state()) == [f"momentum.{name}" for name in arrays]
    adam = build(optimizer=MEMORIES[2]).state()
    assert set(adam) == {"steps"} | {f"{part}.{name}" for part in ("mean", "square") for name in arrays}
    assert (adam["steps"].dtype, adam["steps"].shape) == (np.int64, ())


def test_frozen_layers_stay_and_have_no_gradient():
    network = build(frozen=("C1",))
    before = network.weights()
    network.train(BATCHES, 0.1)
    after = network.weights()
    assert list(network.gradients(*some(PLAIN))[1]) == ["output.weight", "output.bias"]
    assert list(after) == list(PLAIN.parameter_shapes)
    assert [bool((after[name] == before[name]).all()) for name in after] == [True, True, False, False]


def test_computing_gradients_and_scores_changes_nothing():
    network = build(optimizer=Adam())
    before = bytes_of(network)
    network.gradients(*some(PLAIN))
    network.scores(some(PLAIN)[0])
    network.weights()["C1.weight"][...] = 0
    assert bytes_of(network) == before


def test_the_examples_held_are_prepared_once():
    network, examples = build(), MadeExamples()
    network.hold(examples)
    network.hold(examples)
    assert examples.prepared == 60


def test_new_examples_of_one_shape_take_the_place_of_the_old():
    network, fresh = build(), build(examples=MadeExamples(seed=9))
    place = network._stack._inputs.data_ptr()
    network.hold(MadeExamples(seed=9))
    assert network._stack._inputs.data_ptr() == place  # a captured graph reads from here
    assert network.train(BATCHES, 0.1).losses.tolist() == fresh.train(BATCHES, 0.1).losses.tolist()


def test_inputs_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"\(5, 1, 9, 8\); this network needs \(N, 1, 8, 8\)"):
        build().scores(np.zeros((5, 1, 9, 8), np.float32))


def test_weights_that_do_not_fit_are_refused():
    network = build()
    weights = network.weights() | {"C1.bias": np.zeros(7)}
    with pytest.raises(ModelError, match=r"C1.bias has shape \(7,\)"):
        network.load(weights, network.state())


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(EngineError, match=r'no device "abacus" here; use one of .*cpu'):
        TorchEngine("abacus")


def test_the_engine_tells_what_it_computes_on():
    engine = TorchEngine("cpu")
    threads = str(torch.get_num_threads())
    assert engine.describe() == {
        "engine": "torch",
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "device": "cpu",
        "threads": threads,
    }
    assert engine.peak_memory_bytes() is None


def test_cuda_is_kept_to_full_float32_and_to_the_same_bytes_and_settings_come_back():
    def settings():
        cudnn = torch.backends.cudnn
        return torch.get_float32_matmul_precision(), cudnn.deterministic, cudnn.allow_tf32

    before = settings()
    with devices.deterministic(torch.device("cuda")):
        assert settings() == ("highest", True, False)
    assert settings() == before


@pytest.mark.parametrize(("engine", "device"), [("native", "cuda"), ("numpy", "mps"), ("auto", "abacus")])
def test_a_device_that_the_engine_does_not_have_is_one_clear_error(engine, device):
    words = f'there is no device "{device}"' if device == "abacus" else f'"{engine}" computes on the CPU only'
    with pytest.raises(EngineError, match=words):
        registry.get(engine, device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_auto_with_a_gpu_device_means_torch():
    with pytest.raises(EngineError, match=r'PyTorch finds no device "cuda" here; use one of .*cpu, or auto'):
        registry.get("auto", "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("optimizer", MEMORIES)
def test_captured_steps_equal_eager_steps_on_cuda(optimizer):
    captured, eager = (build(optimizer=optimizer, device=device) for device in ("cuda", "cpu"))
    batches = [*BATCHES * 4, *(batch[:7] for batch in BATCHES)]  # two sizes, and more steps than one graph takes
    for learning_rate in (0.1, 0.01):
        for network in (captured, eager):
            network.train(batches, learning_rate)
    for name, array in (eager.weights() | eager.state()).items():
        ours = (captured.weights() | captured.state())[name]
        np.testing.assert_allclose(ours, array, rtol=0, atol=1e-9 * np.abs(array).max())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_how_many_steps_a_call_takes_changes_no_byte_on_cuda():
    together, apart = (build(optimizer=Adam(), precision="float32", device="cuda") for _ in range(2))
    batches = BATCHES * 4
    losses = together.train(batches, 0.1).losses
    parts = [apart.train(part, 0.1).losses for part in (batches[:1], batches[1:20], batches[20:])]
    assert bytes_of(together) == bytes_of(apart)
    assert losses.tobytes() == np.concatenate(parts).tobytes()
