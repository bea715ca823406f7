"""The page computes what the NumPy engine computes: preparation, every layer of every model, and each sum."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from lenet5.data.prepare import prepare
from lenet5.engines.numpy.conv import Convolution
from lenet5.engines.numpy.network import NumpyEngine
from lenet5.inference.predictor import Predictor
from lenet5.models import shipped
from lenet5.spec import paper
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd
from lenet5.spec.preparation import Preparation
from lenet5.web import static_page

NAMES = [str(entry["name"]) for entry in static_page.model_list()]
IMPORTS = """
const [{readModel}, {build}, prepare, field, paper] =
  await Promise.all(["safetensors", "network", "prepare", "unit_sum", "paper"].map((name) => import(`/${name}.js`)));
const open = async (name) => readModel(await (await fetch(`models/${name}.safetensors`)).arrayBuffer());
"""


def ask(page: Page, body: str, argument: object = None) -> Any:
    return page.evaluate("async (given) => {" + IMPORTS + body + "}", argument)


def digits(count: int) -> np.ndarray:
    """Pictures with blurred strokes, (count, 28, 28) uint8: no data set is needed."""
    random = np.random.default_rng(5)
    images = np.zeros((count, 28, 28))
    for image in images:
        for _ in range(3):
            y, x = random.integers(5, 16, 2)
            image[y : y + random.integers(3, 9), x : x + 3] = random.uniform(0.5, 1)
    return np.rint(255 * images).astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_agrees_with_numpy(page: Page, name: str) -> None:
    predictor = Predictor(shipped.read(name), engine="numpy")
    for image in digits(3):
        expected = predictor.activations(image)
        got = ask(
            page,
            """const model = await open(given.name);
            const network = build(model);
            network.forward(prepare.prepare(Uint8Array.from(given.image), model.preparation));
            return [["input", [...network.input]], ...network.placed.map(({name, out}) => [name, [...out]])];""",
            {"name": name, "image": image.ravel().tolist()},
        )
        assert [layer for layer, _ in got] == list(expected)
        for layer, values in got:
            right = expected[layer].ravel()
            # float32 against double sums: 1e-4 of the layer's largest number, or of 1 where all are small
            np.testing.assert_allclose(values, right, rtol=0, atol=1e-4 * max(1, np.abs(right).max()), err_msg=layer)


@pytest.mark.parametrize("name", NAMES)
def test_the_sum_shown_for_a_unit_is_its_number(page: Page, name: str) -> None:
    gaps = ask(
        page,
        """const model = await open(given.name);
        const network = build(model);
        network.forward(prepare.prepare(Uint8Array.from(given.image), model.preparation));
        return field.stagesOf(network.placed).flatMap((stage) =>
          [0, stage.values.length >> 1, stage.values.length - 1].map((unit) => {
            const account = field.accountOf(network.placed, network.input, stage, unit);
            const shown = account.groups.reduce((sum, group) => sum + group.sum, account.bias);
            return [stage.name, Math.abs(shown - account.sum) / Math.max(1, Math.abs(account.sum))];
          }));""",
        {"name": name, "image": digits(1)[0].ravel().tolist()},
    )
    assert len(gaps) == 3 * 7
    assert max(gap for _, gap in gaps) < 1e-4  # float32 kept between layers


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_on_the_input_agrees_with_numpy(page: Page, name: str) -> None:
    model = shipped.read(name)
    network = NumpyEngine().build(model.architecture, model.weights, Objective(), Sgd(learning_rate=1.0))
    image = np.random.default_rng(7).integers(0, 256, (1, 28, 28), np.uint8)  # equal neighbours would tie in a pool
    inputs = prepare(image, model.preparation)
    layers = network._layers
    assert isinstance(layers[0], Convolution)
    layers[0].needs_input_gradient = True  # training needs none
    network.scores(inputs)
    gradient = np.zeros((1, len(model.card.class_names)), np.float32)
    gradient[0, [3, 8]] = 1, -1
    for layer in reversed(layers):
        gradient = layer.backward(gradient)
    got = ask(
        page,
        """const {gradients} = await import("/backward.js");
        const model = await open(given.name);
        const network = build(model);
        const scores = network.forward(prepare.prepare(Uint8Array.from(given.image), model.preparation));
        return [...gradients(network, scores.map((_, i) => Number(i === 3) - Number(i === 8))).input];""",
        {"name": name, "image": image.ravel().tolist()},
    )
    largest = np.abs(gradient).max()
    assert largest > 0
    np.testing.assert_allclose(got, gradient.ravel(), rtol=0, atol=1e-4 * largest)  # float32 against double sums


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_every_weight_agrees_with_numpy(page: Page, name: str) -> None:
    model = shipped.read(name)
    codes = model.architecture.layers[-1].kind == "rbf"
    objective = Objective(loss="maximum_a_posteriori", j=1.0) if codes else Objective()
    network = NumpyEngine().build(model.architecture, model.weights, objective, Sgd(learning_rate=1.0))
    image = np.random.default_rng(7).integers(0, 256, (1, 28, 28), np.uint8)  # equal neighbours would tie in a pool
    loss, expected = network.gradients(prepare(image, model.preparation), np.array([3]))
    got = ask(
        page,
        """const {lossOf, weightGradients} = await import("/learn.js");
        const model = await open(given.name);
        const network = build(model);
        const scores = network.forward(prepare.prepare(Uint8Array.from(given.image), model.preparation));
        const {loss, gradient} = lossOf(network, scores, 3);
        const all = weightGradients(network, gradient);
        return [loss, network.placed.flatMap(({name, layer}, i) => [
          [`${name}.${layer.kind === "subsample" ? "coefficient" : "weight"}`, [...all[i].weight]],
          [`${name}.bias`, [...all[i].bias]]]).filter(([, values]) => values.length)];""",
        {"name": name, "image": image.ravel().tolist()},
    )
    assert got[0] == pytest.approx(loss, rel=1e-4, abs=1e-4)
    gradients = {array: np.array(values) for array, values in got[1]}
    assert set(gradients) == set(expected)
    top = max(np.abs(array).max() for array in expected.values())
    for array, values in expected.items():
        # float32 against double sums
        np.testing.assert_allclose(gradients[array], values.ravel(), rtol=0, atol=1e-4 * top, err_msg=array)


@pytest.mark.parametrize("name", NAMES)
def test_the_sum_shown_for_a_gradient_is_its_number(page: Page, name: str) -> None:
    gaps = ask(
        page,
        """const {gradients, lead} = await import("/backward.js");
        const {backwardAccount} = await import("/backward_sum.js");
        const model = await open(given.name);
        const network = build(model);
        const scores = network.forward(prepare.prepare(Uint8Array.from(given.image), model.preparation));
        const {outputs} = gradients(network, lead(scores).shares);
        const stages = field.stagesOf(network.placed);
        return stages.flatMap((stage, s) => {
          const top = outputs[stage.at].reduce((a, b) => Math.max(a, Math.abs(b)), 0);
          return [0, stage.values.length >> 1, stage.values.length - 1].map((unit) => {
            const account = backwardAccount(network.placed, outputs, stages, s, unit);
            const shown = account.groups.reduce((sum, group) => sum + group.sum, 0);
            return Math.abs(shown * account.slope - outputs[stage.at][unit]) / top;
          });
        });""",
        {"name": name, "image": np.random.default_rng(7).integers(0, 256, 784, np.uint8).tolist()},
    )
    assert len(gaps) == 3 * 7
    assert max(gaps) < 1e-5  # float32 kept between layers


def test_nothing_outside_a_receptive_field_changes_the_unit(page: Page) -> None:
    found = ask(
        page,
        """const network = build(await open("lecun-1998"));
        const noise = Float32Array.from({length: 1024}, (_, i) => Math.sin(i * i));
        return field.stagesOf(network.placed).slice(0, 4).map((stage) => {
          const unit = stage.values.length - 12;
          const [l, t, r, b] = field.receptiveField(network.placed, stage.at, unit);
          network.forward(noise);
          const before = stage.values[unit];
          network.forward(noise.map((v, i) => i % 32 >= l && i % 32 < r && i >> 5 >= t && i >> 5 < b ? v : v + 3));
          const outside = stage.values[unit] - before;
          network.forward(noise.map((v, i) => (i === t * 32 + l ? v + 9 : v)));
          return [outside, Math.abs(stage.values[unit] - before) > 0, r - l];
        });""",
    )
    assert [outside for outside, _, _ in found] == [0, 0, 0, 0]
    assert all(corner for _, corner, _ in found)
    assert [side for _, _, side in found] == [5, 6, 14, 16]  # C1, S2, C3, S4


def mnist_form(ink: np.ndarray) -> np.ndarray:
    """The same preparation by Pillow: crop, fullest strokes to 1, 20x20 box, centre of mass to the middle."""
    there = ink > np.interp(max(ink.shape), (24, 36), (0.06, 0.3))
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cut = np.minimum(cut / np.percentile(cut[cut > 0.5 * cut.max()], 80), 1)
    scale = 20 / max(cut.shape)
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    way = Image.Resampling.BOX if scale <= 1 else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(np.ascontiguousarray(cut, np.float32)).resize(size, way))
    small = np.rint(255 * small.clip(0, 1)).astype(np.uint8)
    image = np.zeros((28, 28), np.uint8)
    corner = []
    for axis in (0, 1):
        middle = small.sum(axis=1 - axis, dtype=float) @ np.arange(small.shape[axis]) / small.sum(dtype=float)
        corner.append(int(np.clip(np.floor(14 - middle + 0.5), 0, 28 - small.shape[axis])))
    image[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    return image


@pytest.mark.parametrize("shape", [(280, 280), (61, 37), (12, 17)])
def test_the_preparation_is_that_of_mnist(page: Page, shape: tuple[int, int]) -> None:
    random = np.random.default_rng(8)
    for _ in range(4):
        ink = np.zeros(shape, np.float32)
        for _ in range(4):
            y, x = (random.integers(0, length - length // 3) for length in shape)
            ink[y : y + shape[0] // 4, x : x + shape[1] // 6] = random.uniform(0.4, 1)
        got = ask(
            page,
            "return [...prepare.mnistForm(Float32Array.from(given.ink), given.width, given.height).image];",
            {"ink": ink.ravel().tolist(), "width": shape[1], "height": shape[0]},
        )
        # one grey level of 255: sums of float32 and of doubles round apart
        np.testing.assert_allclose(got, mnist_form(ink).ravel(), atol=1)


def test_resized_padded_and_scaled_inputs_agree(page: Page) -> None:
    image = digits(1)
    for preparation in [*(shipped.read(name).preparation for name in shipped.names()), Preparation(padding=-4)]:
        got = ask(
            page,
            "return [...prepare.prepare(Uint8Array.from(given[0]), given[1])];",
            [image.ravel().tolist(), json.loads(preparation.model_dump_json())],
        )
        right = prepare(image, preparation).ravel()
        np.testing.assert_allclose(got, right, atol=1e-6 * max(1, np.abs(right).max()))


def test_the_constants_of_the_paper_are_those_of_python(page: Page) -> None:
    got = ask(page, "return [paper.MAPS_SEEN, paper.CODES.map((code) => [...code]), paper.AMPLITUDE, paper.SLOPE];")
    assert got[0] == [list(seen) for seen in paper.maps_seen()]
    assert got[1] == [list(code) for code in paper.codes()]
    assert got[2:] == [paper.SQUASH_AMPLITUDE, paper.SQUASH_SLOPE]
