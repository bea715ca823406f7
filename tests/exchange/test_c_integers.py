"""Programs in integers equal their model in NumPy bit by bit, fit into 4 kB of memory, and never overflow."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lenet5 import api
from lenet5.data.datasets import Images, load
from lenet5.errors import ModelError
from lenet5.exchange import integers, ranges, to_c_integers
from lenet5.exchange.c_program import Program
from lenet5.exchange.integers import IntegerNetwork
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models import shipped
from lenet5.models.model import Model
from lenet5.spec.architecture import Architecture
from lenet5.spec.preparation import Preparation

WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
MAIN = """\
#include <stdio.h>
#include "lenet5.h"
int main(void)
{
    static unsigned char image[LENET5_PIXELS], memory[LENET5_MEMORY_BYTES - LESS];
    static int32_t scores[LENET5_CLASSES];
    while (fread(image, 1, sizeof image, stdin) == sizeof image) {
        (void)lenet5_predict(image, scores, memory);
        fwrite(scores, sizeof scores, 1, stdout);
    }
    return 0;
}
"""
KINDS = ("int8", "int4")
# Compilers for microcontrollers, and the processors to compile for; AVR has room for weights of 4 bits only.
CROSS = [
    ("arm-none-eabi-gcc", ("-mcpu=cortex-m0plus", "-mthumb"), "int8"),
    ("arm-none-eabi-gcc", ("-mcpu=cortex-m4", "-mthumb"), "int4"),
    ("riscv64-unknown-elf-gcc", ("-march=rv32imc", "-mabi=ilp32"), "int8"),
    ("avr-gcc", ("-mmcu=atmega2560",), "int4"),
]


@pytest.fixture(scope="module", autouse=True)
def _gcc() -> None:
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc")


@pytest.fixture(scope="module")
def modern(mnist_folder: Path) -> Callable[[str], IntegerNetwork]:
    """The kind of weights -> the shipped model in integers."""
    model = shipped.read("modern")
    largest = ranges.largest_activations(model, load("mnist", "train", mnist_folder).images)
    return {kind: integers.build(model, largest, weights=kind) for kind in KINDS}.__getitem__


def write(program: Program, folder: Path) -> None:
    (folder / "lenet5.h").write_text(program.header)
    (folder / "lenet5.c").write_text(program.source)
    (folder / "main.c").write_text(MAIN)


def scores_in_c(
    network: IntegerNetwork, model: Model, images: np.ndarray, folder: Path, *options: str, compiler: str = "gcc"
) -> np.ndarray:
    write(to_c_integers.build(model, network), folder)
    options = options or ("-O2",)
    command = [compiler, *WARNINGS, *options, "-DLESS=0", "main.c", "lenet5.c", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([folder / "program"], input=images.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int32).reshape(len(images), -1)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("kind", KINDS)
def test_modern_in_c_equals_the_model_in_numpy(
    modern: Callable[[str], IntegerNetwork], digits: Images, tmp_path: Path, kind: str, compiler: str
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    network, images = modern(kind), digits.images[:1000]
    found = scores_in_c(network, shipped.read("modern"), images, tmp_path, compiler=compiler)
    np.testing.assert_array_equal(found, network.scores(images))


def test_eight_bits_change_scores_little_and_hardly_any_answer(
    modern: Callable[[str], IntegerNetwork], digits: Images
) -> None:
    network, images = modern("int8"), digits.images[:1000]
    ours = Predictor(shipped.read("modern")).scores(images)
    scores = network.scores(images)
    assert np.abs(scores * network.step - ours).max() < 0.02 * np.abs(ours).max()
    assert (scores.argmax(axis=1) == ours.argmax(axis=1)).sum() >= 998


def test_the_accuracies_in_the_handbook(modern: Callable[[str], IntegerNetwork], digits: Images) -> None:
    percent = {
        kind: 100 * (modern(kind).scores(digits.images).argmax(axis=1) == digits.labels).mean() for kind in KINDS
    }
    assert percent == {"int8": pytest.approx(99.56), "int4": pytest.approx(99.51)}


def relu_network(side: int, *layers: dict[str, object]) -> Architecture:
    return Architecture.model_validate({"input": (1, side, side), "layers": layers})


RELU = {"kind": "activation", "function": "relu"}
ANSWER = {"kind": "dense", "name": "output", "units": 10}
CASES: dict[str, tuple[Preparation, Architecture]] = {
    "average pooling, padding of later layers": (
        Preparation(background=-1, ink=1),
        relu_network(
            28,
            {"kind": "convolution", "name": "C1", "maps": 3, "kernel": 5},
            RELU,
            {"kind": "average_pool", "name": "S2", "size": 3},
            {"kind": "convolution", "name": "C3", "maps": 4, "kernel": 3, "padding": 2},
            RELU,
            {"kind": "flatten"},
            ANSWER,
        ),
    ),
    "padding by zeros that are a grey": (
        Preparation(background=-0.4242, ink=2.8215),
        relu_network(
            28,
            {"kind": "convolution", "name": "C1", "maps": 3, "kernel": 5, "padding": 2},
            {"kind": "max_pool", "name": "S2", "size": 2},
            RELU,
            {"kind": "flatten"},
            ANSWER,
        ),
    ),
    "inverted, cropped and fully connected": (
        Preparation(background=1, ink=-1, padding=-3),
        relu_network(22, {"kind": "flatten"}, {"kind": "dense", "name": "F1", "units": 7}, RELU, ANSWER),
    ),
    "one layer": (Preparation(padding=2), relu_network(32, {"kind": "flatten"}, ANSWER)),
    "a connection table, and pooling of everything": (
        Preparation(padding=-2),
        relu_network(
            24,
            {"kind": "convolution", "name": "C1", "maps": 2, "kernel": 5},
            RELU,
            {"kind": "max_pool", "name": "S2", "size": 2},
            {"kind": "convolution", "name": "C3", "maps": 3, "kernel": 3, "table": "X.X XX."},
            RELU,
            {"kind": "average_pool", "name": "S4", "size": 8},
            {"kind": "flatten"},
            ANSWER,
        ),
    ),
}


def random_model(case: str, like: Model) -> Model:
    """A model of a case with random weights, those of missing connections 0."""
    preparation, architecture = CASES[case]
    random = np.random.default_rng(3)
    weights = {
        name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in architecture.parameter_shapes.items()
    }
    if "C3.weight" in weights and "table" in case:
        weights["C3.weight"][1, 0] = weights["C3.weight"][2, 1] = 0
    return Model(architecture, preparation, weights, like.card)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_every_geometry_equals_numpy_under_the_sanitizers_and_follows_the_float_network(
    digits: Images, tmp_path: Path, case: str, kind: str
) -> None:
    model = random_model(case, shipped.read("modern"))
    images = digits.images[:60]
    network = integers.build(model, ranges.largest_activations(model, images), weights=kind)
    np.testing.assert_array_equal(
        scores_in_c(network, model, images, tmp_path, *SANITIZED, compiler="gcc"), network.scores(images)
    )
    ours = Predictor(model).scores(images)
    share = 0.04 if kind == "int8" else 0.6
    assert np.abs(network.scores(images) * network.step - ours).max() < share * np.ptp(ours, axis=0).max()


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_images_saturate_and_do_not_overflow(
    modern: Callable[[str], IntegerNetwork], tmp_path: Path, kind: str
) -> None:
    network = modern(kind)
    chessboard = np.indices((28, 28)).sum(axis=0) % 2 * 255
    noise = np.random.default_rng(1).integers(0, 2, (10, 28, 28)) * 255
    images = np.array([np.zeros((28, 28)), np.full((28, 28), 255), chessboard, *noise], np.uint8)
    found = scores_in_c(network, shipped.read("modern"), images, tmp_path, *SANITIZED)
    np.testing.assert_array_equal(found, network.scores(images))


def test_ranges_that_are_far_too_small_saturate_at_255(digits: Images, tmp_path: Path) -> None:
    model, images = shipped.read("modern"), digits.images[:20]
    tiny = dict.fromkeys(ranges.largest_activations(model, images), 0.05)
    network = integers.build(model, tiny)
    first = network.layers[0].activations(images.astype(np.int64)[..., None])
    assert first.max() == 255
    assert (first == 255).mean() > 0.1
    np.testing.assert_array_equal(scores_in_c(network, model, images, tmp_path, *SANITIZED), network.scores(images))


def test_the_bound_on_sums_is_reached_by_the_worst_input() -> None:
    random = np.random.default_rng(2)
    weights = random.integers(-127, 128, (1, 1, 1, 300)).astype(np.int8)
    layer = integers.IntegerLayer(
        "F6", weights, np.array([12345], np.int32), np.zeros(1, np.uint8), (1, 1, 300), (1, 1, 1), 0, 0, 1, False
    )
    worst = [layer.sums(np.where(sign * weights > 0, 255, 0))[0, 0, 0, 0] for sign in (1, -1)]
    assert max(map(abs, worst)) <= layer.largest_sum
    one_sided = replace(layer, weights=np.abs(weights))
    assert one_sided.sums(np.full((1, 1, 1, 300), 255))[0, 0, 0, 0] == one_sided.largest_sum


def test_a_network_whose_sums_could_exceed_32_bits_is_refused() -> None:
    architecture = relu_network(
        28, {"kind": "convolution", "name": "C1", "maps": 160, "kernel": 5}, RELU, {"kind": "flatten"}, ANSWER
    )
    weights = {name: np.full(shape, 127 / 128, np.float32) for name, shape in architecture.parameter_shapes.items()}
    model = Model(architecture, Preparation(), weights, shipped.read("modern").card)
    with pytest.raises(ModelError, match=r"^output has too many inputs for sums of 32 bits; in integers"):
        integers.build(model, {"C1.relu": 25.0})


def test_weights_and_biases_of_any_size_give_a_program(digits: Images, tmp_path: Path) -> None:
    """Maps without weights, with a giant bias, and dead ones: saturated or silent, but defined."""
    model, images = random_model("one layer", shipped.read("modern")), digits.images[:20]
    model = random_model("padding by zeros that are a grey", model)
    for name, factors in (("C1.weight", (0, 1e-20, 1e15)), ("C1.bias", (1e25, 0, -1e20))):
        shape = (3, *[1] * (model.weights[name].ndim - 1))
        model.weights[name] *= np.array(factors, np.float32).reshape(shape)
    network = integers.build(model, {"S2": 0.0, "C1.relu": 1e20, "S2.relu": 1e20})
    found = scores_in_c(network, model, images, tmp_path, *SANITIZED)
    np.testing.assert_array_equal(found, network.scores(images))


@pytest.mark.parametrize("kind", KINDS)
def test_modern_needs_1208_bytes_of_memory_and_not_one_more(
    modern: Callable[[str], IntegerNetwork], digits: Images, tmp_path: Path, kind: str
) -> None:
    program = to_c_integers.build(shipped.read("modern"), modern(kind))
    assert program.memory_bytes == 1208
    assert "#define LENET5_MEMORY_BYTES 1208\n" in program.header
    write(program, tmp_path)
    subprocess.run(["gcc", "-w", *SANITIZED, "-DLESS=1", "main.c", "lenet5.c", "-o", "short"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "short"], input=digits.images[:1].tobytes(), capture_output=True, check=False)
    assert b"AddressSanitizer: global-buffer-overflow" in done.stderr


def test_no_float_no_library_function_and_a_small_stack(
    modern: Callable[[str], IntegerNetwork], tmp_path: Path
) -> None:
    program = to_c_integers.build(shipped.read("modern"), modern("int8"))
    assert not re.search(r"\b(float|double|malloc)\b", program.source)
    write(program, tmp_path)
    options = ("-O2", "-fno-builtin", "-mno-sse", "-Wstack-usage=128")
    subprocess.run(["gcc", *WARNINGS, *options, "-c", "lenet5.c"], cwd=tmp_path, check=True)
    symbols = subprocess.run(["nm", "-u", "lenet5.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert symbols == ""


def test_the_constants_are_as_large_as_said(modern: Callable[[str], IntegerNetwork]) -> None:
    parameters = shipped.read("modern").architecture.parameters
    sums, shifts = 6 + 16 + 120 + 84 + 10, 6 + 16 + 120 + 84
    eight, four = (to_c_integers.build(shipped.read("modern"), modern(kind)) for kind in KINDS)
    assert eight.constants_bytes == parameters - sums + 4 * sums + shifts
    assert four.constants_bytes == (parameters - sums + 6) // 2 + 4 * sums + shifts  # C1's 25 weights take 13 bytes


@pytest.mark.parametrize(("compiler", "options", "kind"), CROSS)
def test_compilers_for_microcontrollers_take_it(
    modern: Callable[[str], IntegerNetwork], tmp_path: Path, compiler: str, options: tuple[str, ...], kind: str
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    write(to_c_integers.build(shipped.read("modern"), modern(kind)), tmp_path)
    command = [compiler, *options, *WARNINGS, "-ffreestanding", "-Os", "-c", "lenet5.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("lab-report", "C1.tanh is tanh"),
        ("lecun-1998", "C1.scaled_tanh is scaled tanh"),
        ("sigmoid-fashion", "C1.sigmoid is sigmoid"),
    ],
)
def test_other_functions_are_refused_by_name(untrained: Callable[[str], Model], name: str, found: str) -> None:
    with pytest.raises(ModelError, match=rf"^{found}; in integers each convolution or dense layer but the last is"):
        ranges.in_integers(untrained(name))


def test_other_orders_of_layers_are_refused_by_name() -> None:
    first = {"kind": "convolution", "name": "C1", "maps": 2, "kernel": 5}
    mean, largest = ({"kind": f"{kind}_pool", "name": "S2", "size": 2} for kind in ("average", "max"))
    flat = {"kind": "flatten"}
    for layers, found in (
        ((first, flat, ANSWER), "C1 is not followed by ReLU"),
        ((first, mean, RELU, flat, ANSWER), "S2 averages before the ReLU"),
        ((first, RELU, largest, {**mean, "name": "S3"}, flat, ANSWER), "S3 pools a second time"),
        ((largest, first, RELU, flat, ANSWER), "S2 comes before all weights"),
        ((first, {**largest, "kind": "subsample"}, RELU, flat, ANSWER), "S2 is subsample"),
    ):
        with pytest.raises(ModelError, match=rf"^{found}; in integers"):
            integers.fused(relu_network(28, *layers).placed)


def test_resized_images_are_refused(trained: Path) -> None:
    model = model_file.read(trained)
    resized = replace(model, preparation=model.preparation.model_copy(update={"resize": 28}))
    with pytest.raises(ModelError, match="images are resized to 28 pixels"):
        integers.build(resized, {})


def test_export_says_the_accuracy_and_writes_both_files(trained: Path, mnist_folder: Path, tmp_path: Path) -> None:
    done = api.export(trained, tmp_path / "c", to="c", integers=True, data_folder=mnist_folder)
    assert {path.name for path in done.files} == {"lenet5.h", "lenet5.c"}
    percent = model_file.read(trained).card.test_accuracy_percent
    assert re.fullmatch(
        rf"\d\d\.\d\d % of 10,000 test images in integers with int8 weights, {percent:.2f} % with float", done.facts[-1]
    )


def test_export_refuses_what_does_not_exist(trained: Path, tmp_path: Path) -> None:
    for options, found in (
        ({"to": "onnx", "integers": True}, "onnx is not written in integers; choose c."),
        ({"to": "c", "weights": "int4"}, 'weights "int4" are not supported for c; choose float or int8.'),
        ({"to": "c", "weights": "float", "integers": True}, "not supported for c in integers; choose int8 or int4."),
        ({"to": "onnx", "weights": "int8"}, 'weights "int8" are not supported for onnx; choose float.'),
        (
            {"to": "c", "integers": True, "data_folder": tmp_path / "nothing"},
            "ranges of the activations are measured on training images, but",
        ),
    ):
        with pytest.raises(ModelError, match=re.escape(found)):
            api.export(trained, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
