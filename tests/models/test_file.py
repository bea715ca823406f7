"""Model files: what is written is read; what is damaged or foreign is refused in one sentence."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lenet5.engines.initial import first_weights
from lenet5.errors import ModelError, RunError
from lenet5.models import file as model_file
from lenet5.models.model import Card, Model
from lenet5.recipes import catalogue
from lenet5.spec.initial import Pytorch


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
