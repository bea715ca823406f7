"""What the native engine promises beyond its arithmetic: determinism, threads, images read in place, errors."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import lenet5
from lenet5.compiled import kernels
from lenet5.data.batches import Examples, examples_for_epoch
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.engines.native.network import NativeEngine, NativeNetwork
from lenet5.errors import EngineError, ShapeError
from lenet5.recipes import catalogue
from lenet5.spec.initial import Pytorch
from lenet5.spec.recipe import Recipe

RECIPE = catalogue.load("archaeology")


def network(recipe: Recipe = RECIPE) -> NativeNetwork:
    weights = first_weights(recipe.architecture, Pytorch(), seed=1)
    return NativeEngine().build(recipe.architecture, weights, recipe.objective, recipe.optimizer)


def in_a_process(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_it_is_the_default_where_it_is_built() -> None:
    assert registry.get(registry.AUTO).name == "native"


def test_scores_do_not_depend_on_the_neighbours_of_an_image(random: np.random.Generator) -> None:
    net = network()
    inputs = random.normal(size=(61, 1, 28, 28)).astype(np.float32)
    together = net.scores(inputs)
    for start, count in ((0, 1), (7, 5), (20, 16), (3, 40)):
        np.testing.assert_array_equal(net.scores(inputs[start : start + count]), together[start : start + count])


def test_no_images_give_no_scores() -> None:
    assert network().scores(np.empty((0, 1, 28, 28), np.float32)).shape == (0, 10)


TRAINED = """
import hashlib, numpy as np
from lenet5.data.batches import Examples, batches, order
from lenet5.engines.initial import first_weights
from lenet5.engines.native.network import NativeEngine
from lenet5.recipes import catalogue
from lenet5.spec.initial import Pytorch
recipe = catalogue.load("archaeology")
weights = first_weights(recipe.architecture, Pytorch(), seed=1)
network = NativeEngine().build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
random = np.random.default_rng(0)
images = random.integers(0, 256, (500, 28, 28), np.uint8)
network.hold(Examples(images, random.integers(0, 10, 500), recipe.preparation))
network.train(batches(order(500, 1, 1, "shuffled"), 33), 0.01)
digest = hashlib.sha256(b"".join(w.tobytes() for w in network.weights().values())).hexdigest()
facts = NativeEngine().describe()
print(facts["instructions"], facts["threads"], digest)
"""


def test_omp_num_threads_is_heeded_and_bytes_stay_the_same() -> None:
    said = [in_a_process(TRAINED, OMP_NUM_THREADS=threads).split() for threads in ("1", "3")]
    assert [threads for _, threads, _ in said] == ["1", "3"]
    assert said[0][2] == said[1][2]


@pytest.fixture
def use_threads() -> Iterator[Callable[[int], None]]:
    before = kernels().threads()
    yield kernels().use_threads
    kernels().use_threads(before)


def digest_after_training(recipe: Recipe, batch_sizes: tuple[int, ...]) -> str:
    """Train on made images, batch after batch; return a digest of losses, weights, state and scores."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (1000, 28, 28), np.uint8)
    net = network(recipe)
    net.hold(Examples(images, random.integers(0, 10, 1000), recipe.preparation, chance=7))
    steps = net.train([random.permutation(1000)[:size] for size in batch_sizes], 0.01)
    inputs = random.normal(size=(100, *recipe.architecture.input)).astype(np.float32)
    arrays = [steps.losses, *net.weights().values(), *net.state().values(), net.scores(inputs)]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_a_smaller_last_batch_is_as_if_alone() -> None:
    """A batch a little smaller than the others, as at the end of an epoch, may be cut into more parts than they are."""
    recipe = catalogue.load("archaeology")
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (60, 28, 28), np.uint8), random.integers(0, 10, 60)
    batches = [np.arange(32), np.arange(32, 60)]
    at_once, one_by_one = network(recipe), network(recipe)
    for net in (at_once, one_by_one):
        net.hold(Examples(images, labels, recipe.preparation))
    at_once.train(batches, 0.01)
    for batch in batches:
        one_by_one.train([batch], 0.01)
    for name, weight in one_by_one.weights().items():
        np.testing.assert_array_equal(at_once.weights()[name], weight, err_msg=name)


@pytest.mark.parametrize(
    ("name", "overrides", "sizes"),
    [
        ("archaeology", [], (32, 32, 33, 7, 1, 1000)),
        ("archaeology", ['optimizer={kind="adam"}'], (10, 16, 500)),
        ("modern", [], (32, 33, 7, 1000)),  # batch normalisation and dropout
        ("lecun-1998", [], (1, 5, 16, 40)),
    ],
)
def test_any_number_of_threads_gives_the_same_bytes(
    name: str, overrides: list[str], sizes: tuple[int, ...], use_threads: Callable[[int], None]
) -> None:
    recipe = catalogue.load(name, overrides=overrides)
    digests = set()
    for threads in (1, 2, 3, 8, 16):
        use_threads(threads)
        assert NativeEngine().describe()["threads"] == str(threads)
        digests.add(digest_after_training(recipe, sizes))
    assert len(digests) == 1


def test_threads_of_the_command_line_reach_the_record(tmp_path: Path, small_mnist: Path) -> None:
    program = (
        "import sys; from lenet5.cli.main import run; "
        f"sys.argv = ['lenet5', 'train', 'archaeology', '--epochs', '1', '--threads', '3', "
        f"'--runs', {str(tmp_path)!r}, '--data-dir', {str(small_mnist)!r}]; run()"
    )
    in_a_process(program)
    (environment,) = tmp_path.glob("*/environment.json")
    assert json.loads(environment.read_text())["threads"] == "3"


@pytest.mark.parametrize("threads", [0, 1025])
def test_a_number_of_threads_that_cannot_be_is_refused(threads: int) -> None:
    with pytest.raises(EngineError, match=f"{threads} threads were requested; choose 1 to 1024"):
        lenet5.load("modern", threads=threads)


def test_every_instruction_set_trains_to_nearly_the_same_weights(random: np.random.Generator) -> None:
    program = TRAINED + 'print(" ".join(str(float(np.abs(w).mean())) for w in network.weights().values()))'
    means = []
    for name in kernels().runnable_instructions():
        said, numbers = in_a_process(program, LENET5_INSTRUCTIONS=name).splitlines()
        assert said.startswith(name)
        means.append([float(number) for number in numbers.split()])
    for other in means[1:]:
        np.testing.assert_allclose(other, means[0], rtol=1e-3)


def test_an_instruction_set_that_the_machine_lacks_is_refused() -> None:
    program = "from lenet5.engines import registry; print(registry.missing_because('native'))"
    said = in_a_process(program, LENET5_INSTRUCTIONS="sse9")
    assert "LENET5_INSTRUCTIONS is sse9; this machine can run" in said


def test_a_forked_process_has_threads_of_its_own() -> None:
    program = (
        TRAINED
        + """
import os
inputs = np.zeros((64, 1, 28, 28), np.float32)
expected = network.scores(inputs)
child = os.fork()
if child == 0:
    other = NativeEngine().build(recipe.architecture, network.weights(), recipe.objective, recipe.optimizer)
    os._exit(0 if (other.scores(inputs) == expected).all() and (network.scores(inputs) == expected).all() else 1)
print(os.waitpid(child, 0)[1])
"""
    )
    assert in_a_process(program, OMP_NUM_THREADS="2").splitlines()[-1] == "0"


@pytest.mark.parametrize("flip", ["none", "horizontal", "vertical"])
@pytest.mark.parametrize("size", [["preparation.padding=0"], ["preparation.padding=2"], ["preparation.resize=32"]])
def test_bytes_become_the_same_inputs_as_in_python(small_mnist: Path, flip: str, size: list[str]) -> None:
    side = 28 if size[0].endswith("0") else 32
    recipe = catalogue.load(
        "archaeology",
        overrides=[*size, f"architecture.input=[1,{side},{side}]", f'preparation.flip="{flip}"', "preparation.ink=2.5"],
    )
    data = load("mnist", "train", small_mnist)
    examples = examples_for_epoch(Examples(data.images, data.labels, recipe.preparation), seed=1, epoch=1)
    chosen = np.arange(37)
    net = network(recipe)
    expected, _ = net.gradients(examples.inputs(chosen), data.labels[chosen])
    net.hold(examples)
    assert net.train([chosen], 0.0).losses[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_batch() -> None:
    program = (
        TRAINED
        + """
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
network.train(batches(order(500, 1, 1, "shuffled"), 250), 0.01)
before = peak()
network.train(batches(order(500, 1, 1, "shuffled"), 500), 0.01)
print(peak() - before)
"""
    )
    # A batch of 250 already has as many parts, and threads, as a batch ever has.
    # Activations and gradients of 250 more images would be 10,000 kB.
    assert int(in_a_process(program).splitlines()[-1]) < 2_000


def test_labels_and_indices_out_of_range_are_refused(small_mnist: Path) -> None:
    data = load("mnist", "train", small_mnist)
    net = network()
    net.hold(Examples(data.images, data.labels, RECIPE.preparation))
    with pytest.raises(ValueError, match="an index is not in"):
        net.train([np.array([0, 2000])], 0.01)
    with pytest.raises(ValueError, match="an index is not in"):
        net.train([np.array([-1])], 0.01)
    wrong = data.labels.copy()
    wrong[5] = 10
    with pytest.raises(ShapeError, match="label 10"):
        net.hold(Examples(data.images, wrong, RECIPE.preparation))


def test_float64_is_refused_with_a_way_out() -> None:
    weights = first_weights(RECIPE.architecture, Pytorch(), seed=1)
    with pytest.raises(EngineError, match="numpy or torch"):
        NativeEngine().build(RECIPE.architecture, weights, RECIPE.objective, RECIPE.optimizer, precision="float64")


def test_a_program_that_ends_while_a_thread_holds_a_network_says_nothing() -> None:
    program = (
        "import threading, lenet5\n"
        "model = lenet5.load('lecun-1998')\n"
        "threading.Thread(target=lambda kept: threading.Event().wait(), args=(model,), daemon=True).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
