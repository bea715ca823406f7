"""ONNX files: ONNX Runtime gives our scores, whatever the network and however many images at a time."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from lenet5 import api, metrics
from lenet5.data.datasets import Images
from lenet5.errors import ModelError
from lenet5.exchange import to_onnx
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models.model import Model
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import BatchNormalization, Dropout

NAMES = (
    "archaeology", "lab-report", "lecun-1998", "lenet-4", "mlp-300-deslanted", "scratch", "sigmoid-fashion",
    "sunnyhaze",
)  # fmt: skip


def run(content: bytes, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, probabilities = onnxruntime.InferenceSession(content).run(["scores", "probabilities"], {"images": images})
    return scores, probabilities


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_a_trained_model_gives_our_scores(trained: Path, digits: Images, batch: int) -> None:
    predictor = api.load(trained)
    content = to_onnx.build(predictor.model)
    for start in range(0, 10 * batch, batch):
        images = digits.images[start : start + batch]
        ours = predictor.scores(images)
        scores, probabilities = run(content, images)
        np.testing.assert_allclose(scores, ours, atol=1e-5)  # float32, sums of up to 256 terms
        np.testing.assert_allclose(probabilities, metrics.softmax(ours), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_gives_our_scores(untrained: Callable[[str], Model], digits: Images, name: str) -> None:
    model = untrained(name)
    ours = Predictor(model).scores(digits.images[:64])
    scores, _ = run(to_onnx.build(model), digits.images[:64])
    assert np.ptp(ours, axis=0).max() > 0.01, "these images are told apart by nothing"
    np.testing.assert_allclose(scores, ours, atol=1e-6 * np.abs(ours).max() + 1e-6)  # float32, in another order


@pytest.mark.parametrize("form", [to_onnx.ANY, to_onnx.Form(batch=4), to_onnx.Form(batch=4, floats=True)])
@pytest.mark.parametrize("name", ["archaeology", "lab-report", "lecun-1998", "scratch", "sigmoid-fashion"])
def test_opencv_gives_our_scores(
    untrained: Callable[[str], Model], digits: Images, tmp_path: Path, name: str, form: to_onnx.Form
) -> None:
    model = untrained(name)
    ours = Predictor(model).scores(digits.images[:4])
    content = to_onnx.build(model, form)
    (tmp_path / "m.onnx").write_bytes(content)
    images = form.images(digits.images[:4])
    net = cv2.dnn.readNetFromONNX(str(tmp_path / "m.onnx"))
    net.setInput(images)
    for scores in (net.forward("scores"), run(content, images)[0]):
        np.testing.assert_allclose(scores, ours, atol=1e-6 * np.abs(ours).max() + 1e-6)  # float32, in another order


def test_a_fixed_batch_and_float_inputs_are_in_the_graph(trained: Path, mnist_folder: Path, tmp_path: Path) -> None:
    done = api.export(trained, tmp_path / "m.onnx", to="onnx", batch=7, floats=True, data_folder=mnist_folder)
    assert "on 637 test images, 7 at a time: the same answers" in done.facts[-1]
    images = onnxruntime.InferenceSession(done.files[0]).get_inputs()[0]
    assert (images.shape, images.type) == ([7, 1, 28, 28], "tensor(float)")


def test_batch_normalisation_is_folded_and_dropout_is_gone(untrained: Callable[[str], Model], digits: Images) -> None:
    model = untrained("archaeology")
    first, *others = model.architecture.layers
    layers = (first, BatchNormalization(name="N1"), *others[:-1], Dropout(share=0.5), others[-1])
    random = np.random.default_rng(3)
    weights = model.weights | {f"N1.{p}": random.uniform(0.5, 2, 6).astype(np.float32)
                               for p in ("weight", "bias", "mean", "variance")}  # fmt: skip
    model = replace(model, architecture=Architecture(input=(1, 28, 28), layers=layers), weights=weights)
    content = to_onnx.build(model)
    assert {"BatchNormalization", "Dropout"}.isdisjoint(
        node.op_type for node in onnx.load_from_string(content).graph.node
    )
    np.testing.assert_allclose(
        run(content, digits.images[:64])[0], Predictor(model).scores(digits.images[:64]), atol=1e-5
    )


def test_the_file_says_what_it_is(trained: Path) -> None:
    model = model_file.read(trained)
    graph = onnx.load_from_string(to_onnx.build(model))
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    assert json.loads(metadata["class_names"]) == list("0123456789")
    assert json.loads(metadata["card"])["recipe"] == "archaeology"
    assert [entry.version for entry in graph.opset_import] == [13]
    names = {tensor.name for tensor in graph.graph.initializer}
    assert set(model.weights) <= names
    assert [dim.dim_param or dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim] == ["N", 28, 28]


def test_a_graph_of_other_weights_is_noticed(trained: Path, untrained: Callable[[str], Model], digits: Images) -> None:
    with pytest.raises(ModelError, match=r"differ from ours by .* nothing is written"):
        to_onnx.compare(to_onnx.build(untrained("archaeology")), api.load(trained), digits.images[:64])


def test_scores_that_are_no_numbers_are_noticed(trained: Path, digits: Images) -> None:
    model = model_file.read(trained)
    model.weights["output.bias"][0] = np.nan
    with pytest.raises(ModelError, match="differ from ours by nan"):
        to_onnx.compare(to_onnx.build(model), Predictor(model), digits.images[:64])


def test_the_command_verifies_and_says_so(trained: Path, mnist_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.onnx"
    done = subprocess.run(
        [sys.executable, "-m", "lenet5", "export", trained, "--to", "onnx", "-o", target, "--data-dir", mnist_folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "640 test images, 1 at a time: the same answers" in done.stdout
    assert "640 test images, 64 at a time: the same answers" in done.stdout
    onnx.checker.check_model(target)


def test_without_data_the_file_is_written_and_the_missing_check_is_said(trained: Path, tmp_path: Path) -> None:
    done = api.export(trained, tmp_path / "m.onnx", to="onnx", data_folder=tmp_path)
    assert done.facts[-1] == "not compared with our scores: no test images of mnist are available"
    assert done.files[0].exists()


def test_without_the_packages_it_is_said_how_to_get_them(
    trained: Path, mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as Python itself marks what cannot be imported
    assert (
        "ONNX Runtime is missing"
        in api.export(trained, tmp_path / "m.onnx", to="onnx", data_folder=mnist_folder).facts[-1]
    )
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError, match=r'pip install "lenet5-reproduced\[onnx\]"'):
        api.export(trained, tmp_path / "m.onnx", to="onnx")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"to": "tflite"}, "onnx, c, safetensors"),
        ({"to": "onnx", "weights": "int8"}, "choose float"),
        ({"to": "c", "batch": 1}, "are for onnx, not for c"),
        ({"to": "onnx", "batch": 0}, "has 1 to 4,096"),
    ],
)
def test_an_unknown_form_is_refused(trained: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        api.export(trained, tmp_path / "m", **options)
    assert not (tmp_path / "m").exists()
