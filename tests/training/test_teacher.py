"""Distillation: teachers are trained first, once, on the pupil's own part of the training set."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lenet5 import api, metrics
from lenet5.data import idx
from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.errors import RecipeError, RunError
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.spec.teacher import Teacher
from lenet5.training.distillation import Distillation
from lenet5.training.identity import weights_digest

TINY = ["epochs=1", "images=400", "validation=100", "averaged_epochs=0"]


def pupil(tmp_path: Path, small_mnist: Path, *overrides: str) -> Path:
    recipe = catalogue.load("modern-distilled", [*TINY, "teacher.seeds=[7, 8]", 'teacher.set=["epochs=1"]', *overrides])
    return api.train(recipe, runs_folder=tmp_path, data_folder=small_mnist).path


def test_teachers_are_trained_beside_the_pupil_and_only_once(tmp_path: Path, small_mnist: Path) -> None:
    first = pupil(tmp_path, small_mnist)
    assert {path.name for path in tmp_path.iterdir()} == {first.name, "modern-seed7", "modern-seed8"}
    written = (tmp_path / "modern-seed7" / "model.safetensors").stat().st_mtime_ns
    teacher = json.loads((tmp_path / "modern-seed7" / "result.json").read_text())
    assert (teacher["scored_on"], teacher["steps"]) == ("validation", 7)  # 400 images in batches of 64
    pupil(tmp_path, small_mnist, "seed=2")
    assert (tmp_path / "modern-seed7" / "model.safetensors").stat().st_mtime_ns == written
    pupil(tmp_path, small_mnist, "images=300")  # other images: other teachers
    assert (tmp_path / "modern-seed7-2").is_dir()


def test_what_is_in_the_way_of_a_teacher_does_not_stop_the_pupil(tmp_path: Path, small_mnist: Path) -> None:
    (tmp_path / "modern-seed7").write_text("a file")
    (tmp_path / "modern-seed8" / "checkpoints").mkdir(parents=True)  # cut off in its making
    first = pupil(tmp_path, small_mnist)
    assert (first / "model.safetensors").exists()
    assert (tmp_path / "modern-seed8-2" / "model.safetensors").exists()


def test_a_teacher_of_other_data_is_not_reused(tmp_path: Path, small_mnist: Path) -> None:
    pupil(tmp_path, small_mnist)
    other = tmp_path / "other"
    shutil.copytree(small_mnist / "mnist", other / "mnist")
    images = idx.read(other / "mnist" / "train-images-idx3-ubyte").copy()
    images[0, 10:20, 10:20] ^= 255
    idx.write(other / "mnist" / "train-images-idx3-ubyte", images)
    second = pupil(tmp_path, other)
    assert (tmp_path / "modern-seed7-2").is_dir()
    with pytest.raises(RunError, match=r"data fingerprints\.train was"):
        api.resume(second, data_folder=small_mnist)


def test_a_damaged_teacher_is_made_whole_from_its_checkpoint(tmp_path: Path, small_mnist: Path) -> None:
    first = pupil(tmp_path, small_mnist)
    model = tmp_path / "modern-seed7" / "model.safetensors"
    content = bytearray(model.read_bytes())
    content[-9] ^= 1
    model.write_bytes(content)
    second = pupil(tmp_path, small_mnist)
    digests = [weights_digest(model_file.read(run / "model.safetensors").weights) for run in (first, second)]
    assert digests[0] == digests[1]


def test_the_targets_are_the_mean_of_the_teachers(tmp_path: Path, small_mnist: Path) -> None:
    pupil(tmp_path, small_mnist)
    models = [model_file.read(tmp_path / f"modern-seed{seed}" / "model.safetensors") for seed in (7, 8)]
    data = load("mnist", "test", small_mnist)
    examples = Examples(data.images, data.labels, models[0].preparation)
    teacher = Teacher(recipe="modern", seeds=(7, 8), temperature=2.0, share=0.75)
    targets = Distillation(teacher, models, registry.get("native")).with_targets(examples).targets
    scores = [api.load(tmp_path / f"modern-seed{seed}").scores(data.images) for seed in (7, 8)]
    expected = 0.75 * (metrics.softmax(scores[0] / 2) + metrics.softmax(scores[1] / 2)) / 2
    expected[np.arange(500), data.labels] += 0.25
    np.testing.assert_allclose(targets, expected, atol=1e-6)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)


def test_a_teacher_needs_a_loss_that_learns_probabilities() -> None:
    with pytest.raises(RecipeError, match="only the loss cross_entropy accepts"):
        catalogue.load("modern-distilled", ['objective.loss="mean_squared_error"'])
