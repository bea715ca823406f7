"""Model files: what is written is read; what is damaged or foreign is refused in one sentence."""

import contextlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lenet5.engines.initial import first_weights
from lenet5.errors import ModelError, RunError
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models import tensors
from lenet5.models.model import Card, Model
from lenet5.recipes import catalogue
from lenet5.spec.architecture import Architecture
from lenet5.spec.initial import Pytorch
from lenet5.spec.layers import AveragePool, Convolution, Dense, Flatten
from lenet5.spec.preparation import Preparation


def a_model() -> Model:
    recipe = catalogue.load("archaeology")
    weights = first_weights(recipe.architecture, Pytorch(), 1)
    card = Card(
        recipe=recipe.name, recipe_digest=recipe.digest, data="mnist", data_fingerprint="0" * 16,
        class_names=tuple("0123456789"), seed=1, engine="numpy", epochs=6, steps=11250, test_images=10_000,
        test_accuracy_percent=98.9, trained_on="2026-01-01T00:00:00+00:00", lenet5_version="0.2.0",
    )  # fmt: skip
    return Model(recipe.architecture, recipe.preparation, weights, card)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model_file.write(a_model(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_what_is_written_is_read(path: Path) -> None:
    model, again = a_model(), model_file.read(path)
    assert (again.card, again.architecture, again.preparation) == (model.card, model.architecture, model.preparation)
    assert all(again.weights[name].tobytes() == model.weights[name].tobytes() for name in model.weights)


def test_equal_models_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    for number in range(5):
        model_file.write(a_model(), tmp_path / f"{number}.safetensors")
        assert (tmp_path / f"{number}.safetensors").read_bytes() == path.read_bytes()


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        model_file.read(tmp_path / "none.safetensors")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(safetensors.numpy.save({"conv1.weight": np.zeros(3, np.float32)}))
    with pytest.raises(ModelError, match='its metadata says "no format"'):
        model_file.read(path)


@pytest.mark.parametrize("share", range(0, 100, 3))
def test_a_file_cut_anywhere_is_refused(path: Path, share: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * share // 100])
    with pytest.raises(ModelError):
        model_file.read(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_a_model_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        model_file.read(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 3000), bit=st.integers(0, 7))
def test_a_flipped_bit_in_the_header_is_refused_or_harmless(path: Path, place: int, bit: int) -> None:
    whole = path.read_bytes()
    content = bytearray(whole)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    with contextlib.suppress(ModelError):  # anything else fails the test
        model_file.read(path)
    path.write_bytes(whole)


@pytest.mark.parametrize(("name", "change"), [("C1.bias", np.nan), ("F6.weight", np.inf)])
def test_weights_that_are_no_numbers_are_refused(path: Path, name: str, change: float) -> None:
    model = a_model()
    model.weights[name].flat[0] = change
    model_file.write(model, path)
    with pytest.raises(ModelError, match=name):
        model_file.read(path)


def test_weights_of_another_architecture_are_named(path: Path) -> None:
    model = a_model()
    del model.weights["C3.bias"]
    model_file.write(model, path)
    with pytest.raises(ModelError, match=r"lack C3\.bias"):
        model_file.read(path)


def test_the_preparation_travels_complete_in_the_metadata(path: Path) -> None:
    with safetensors.safe_open(path, framework="numpy") as content:
        preparation = json.loads(content.metadata()["preparation"])
    assert preparation["background"] == -1
    assert preparation["ink"] == 1
    assert preparation["subtract_mean"] is False


def test_a_full_disk_leaves_the_old_file(path: Path, tmp_path: Path) -> None:
    """A real limit of this process on the size of files stands for a full disk."""
    import resource
    import signal

    before = path.read_bytes()
    old, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.raises(RunError, match="cannot be written"):
            model_file.write(a_model(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


Change = Callable[[dict[str, Any]], None]


def set_to(*place: str | int, value: object) -> Change:
    """Return what sets one value somewhere in the metadata."""

    def change(metadata: dict[str, Any]) -> None:
        node: Any = metadata
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = value

    return change


CALIBRATION = {"images": "x", "expected_calibration_error_percent": 0.1, "thresholds": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *((set_to("card", "calibration", value=CALIBRATION | {"temperature": value}), "calibration.temperature")
          for value in (0.0, -1.0, float("nan"), float("inf"), "1")),
        *((set_to("card", "class_names", value=list(names)), f"names {len(names)} classes, but has scores for 10")
          for names in ("", "abc", "0123456789A")),
        (set_to("card", "class_names", 0, value=""), "class_names.0"),
        (set_to("card", "test_accuracy_percent", value=1e300), "test_accuracy_percent"),
        (set_to("preparation", "padding", value=2), r"shape \(1, 32, 32\), but its architecture needs \(1, 28, 28\)"),
        (set_to("preparation", "resize", value=20_000), "less than or equal to 1024"),
        (set_to("preparation", "ink", value=1e30), "preparation|ink"),
        (set_to("preparation", "subtract_mean", value=True), "subtracts a mean"),
        (set_to("architecture", "input", value=[1, 20_000, 20_000]), "less than or equal to 1024"),
        (set_to("architecture", "input", value=[4096, 1024, 1024]), "numbers or more"),
        (set_to("architecture", "layers", 0, "maps", value=4_000_000_000), "less than or equal to 4096"),
        (set_to("architecture", "layers", 0, "padding", value=500), "numbers or more|does not"),
        (lambda metadata: metadata.pop("card"), "lack 'card'"),
    ],
)  # fmt: skip
def test_a_model_that_could_not_answer_is_refused_when_it_is_read(path: Path, change: Change, said: str) -> None:
    found = tensors.read(path, 1_000_000)
    metadata = {key: json.loads(text) if key != "format" else text for key, text in found.metadata.items()}
    change(metadata)
    told = {key: json.dumps(value) if key != "format" else value for key, value in metadata.items()}
    path.write_bytes(safetensors.numpy.save(found.arrays, told))
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match=said) as refusal:
            model_file.read(path)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert "\n" not in str(refusal.value)


def test_weights_that_lead_beyond_float32_are_refused(path: Path) -> None:
    model = a_model()
    for name in ("C1.weight", "C3.weight", "F6.weight"):
        model.weights[name] *= np.float32(1e15)
    model_file.write(model, path)
    with pytest.raises(ModelError, match="can overflow float32"):
        model_file.read(path)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_types_of_numbers_that_are_not_read_are_named(tmp_path: Path, dtype: str) -> None:
    header = json.dumps({"a": {"dtype": dtype, "shape": [1], "data_offsets": [0, 1]}}).encode()
    (tmp_path / "f8.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0")
    with pytest.raises(ModelError, match=f"type {dtype}; supported types are"):
        model_file.read(tmp_path / "f8.safetensors")


def test_a_large_network_scores_few_images_at_a_time(path: Path) -> None:
    """Maps of 500x500: all 300 images at once take 500 MB, a chunk of them 180."""
    architecture = Architecture.model_validate(
        {
            "input": (1, 500, 500),
            "layers": (
                Convolution(name="C1", maps=1, kernel=1),
                AveragePool(name="S2", size=500),
                Flatten(),
                Dense(name="output", units=10),
            ),
        }
    )
    weights = first_weights(architecture, Pytorch(), 1)
    model = Model(architecture, Preparation(resize=500), weights, a_model().card)
    tracemalloc.start()
    scores = Predictor(model, engine="numpy").scores(np.zeros((300, 28, 28), np.uint8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6
    assert scores.shape == (300, 10)


def test_a_fault_in_the_metadata_is_told_in_our_words(path: Path) -> None:
    found = tensors.parse(path.read_bytes(), str(path))
    preparation = json.loads(found.metadata["preparation"]) | {"padding": 2, "resize": 32}
    with pytest.raises(ModelError, match=r"\(Preparation: padding and resize are mutually exclusive; keep one of"):
        model_file.model_of(found.metadata | {"preparation": json.dumps(preparation)}, found.arrays, str(path))
