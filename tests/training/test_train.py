"""The main job on a slice of real MNIST: it learns, it repeats, it records."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from lenet5.data.datasets import load
from lenet5.errors import DataError, DataNotFoundError, EngineError, RunError, TrainingError
from lenet5.files import file_sha256
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.spec.recipe import Recipe
from lenet5.training.history import History
from lenet5.training.train import train


def recipe(*overrides: str) -> Recipe:
    return catalogue.load("archaeology", overrides=["epochs=2", *overrides])


def test_a_run_leaves_model_history_and_result(small_mnist: Path, tmp_path: Path) -> None:
    run = train(recipe("batch_size=8"), data_folder=small_mnist, runs_folder=tmp_path)
    result = run.result()
    assert result is not None
    assert result["test_accuracy_percent"] > 75  # 500 steps on 2,000 images reach about 88
    assert [row.epoch for row in run.history().epochs] == [1, 2]
    card = model_file.read(run.model).card
    assert card.test_accuracy_percent == result["test_accuracy_percent"]
    assert card.data_fingerprint == load("mnist", "train", small_mnist).fingerprint


@pytest.mark.parametrize("engine", ["native", "numpy", "torch"])
def test_the_same_seed_gives_the_same_bytes(small_mnist: Path, tmp_path: Path, engine: str) -> None:
    first = train(recipe("epochs=1"), engine=engine, data_folder=small_mnist, runs_folder=tmp_path)
    second = train(recipe("epochs=1"), engine=engine, data_folder=small_mnist, runs_folder=tmp_path)
    assert first.path != second.path
    weights, again = model_file.read(first.model).weights, model_file.read(second.model).weights
    assert all(weights[name].tobytes() == again[name].tobytes() for name in weights)


def test_another_seed_gives_another_network(small_mnist: Path, tmp_path: Path) -> None:
    one = train(recipe("epochs=1", "seed=1"), data_folder=small_mnist, runs_folder=tmp_path)
    two = train(recipe("epochs=1", "seed=2"), data_folder=small_mnist, runs_folder=tmp_path)
    assert not np.array_equal(
        model_file.read(one.model).weights["C1.weight"], model_file.read(two.model).weights["C1.weight"]
    )


def test_frozen_convolutions_keep_their_first_weights(small_mnist: Path, tmp_path: Path) -> None:
    from lenet5.engines.initial import first_weights

    plan = catalogue.load("scratch-as-printed", overrides=["steps=30"])
    run = train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    first = first_weights(plan.architecture, plan.initial, plan.seed)
    last = model_file.read(run.model).weights
    np.testing.assert_array_equal(last["C1.weight"], first["C1.weight"])
    assert not np.array_equal(last["F6.weight"], first["F6.weight"])


def test_steps_may_end_inside_an_epoch(small_mnist: Path, tmp_path: Path) -> None:
    run = train(recipe("steps=80"), data_folder=small_mnist, runs_folder=tmp_path)  # 63 steps an epoch
    assert [(row.epoch, row.step) for row in run.history().epochs] == [(1, 63), (2, 80)]


def test_single_batch_losses_are_recorded_when_asked_for(small_mnist: Path, tmp_path: Path) -> None:
    run = train(recipe("steps=25", "report_every=10"), data_folder=small_mnist, runs_folder=tmp_path)
    assert [row.step for row in run.history().steps] == [10, 20]


def test_the_training_set_is_scored_after_the_epoch_when_asked_for(small_mnist: Path, tmp_path: Path) -> None:
    run = train(recipe("epochs=1"), data_folder=small_mnist, runs_folder=tmp_path, score_train=True)
    row = run.history().epochs[0]
    assert row.train_accuracy_after_percent is not None
    assert row.train_accuracy_after_percent > row.train_accuracy_percent  # the running mean includes the start


def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_good_checkpoint(
    small_mnist: Path, tmp_path: Path
) -> None:
    plan = recipe("optimizer.learning_rate=1e30")
    with pytest.raises(TrainingError, match=r"not a finite number at batch \d+ of epoch 1"):
        train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    incidents = History(tmp_path / "archaeology-seed1" / "history.jsonl").incidents
    assert incidents[-1].what == "stopped"
    assert "training images" in incidents[-1].text


def test_a_failed_start_is_diagnosed_and_begun_again_from_a_stream_of_its_own(
    small_mnist: Path, tmp_path: Path
) -> None:
    plan = recipe("epochs=1", "restarts=1", "optimizer.learning_rate=1e-7")
    with pytest.raises(TrainingError, match="seed 1 failed to start 2 times"):
        train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    incidents = History(tmp_path / "archaeology-seed1" / "history.jsonl").incidents
    assert [incident.what for incident in incidents] == ["failed start", "restart", "failed start"]
    assert "too small for so few" in incidents[0].text
    assert f"with seed {1 + 2**32}" in incidents[1].text


def test_a_collapse_is_noticed_at_any_epoch(small_mnist: Path, tmp_path: Path) -> None:
    plan = recipe(
        "epochs=3",
        "batch_size=8",
        "schedule.kind=listed",
        "schedule.from_epochs=[1, 3]",
        "schedule.multiply_by=[1.0, 20]",
    )
    run = train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    (collapse,) = (incident for incident in run.history().incidents if incident.what == "collapse")
    assert "epoch 3: test accuracy" in collapse.text
    result = run.result()
    assert result is not None
    assert (result["collapses"], result["failed_starts"], result["seed"]) == ([collapse.text], [], 1)


def test_unscaled_pixels_and_saturated_units_are_named(small_mnist: Path, tmp_path: Path) -> None:
    plan = catalogue.load("sigmoid-fashion", overrides=["data=mnist", "epochs=1", "preparation.ink=2550.0"])
    run = train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    text = run.history().incidents[0].text
    assert "the pixels are not scaled" in text


def test_an_unwritable_place_is_one_sentence(small_mnist: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(RunError, match="run folder cannot be made"):
        train(recipe(), data_folder=small_mnist, runs_folder=tmp_path / "runs")


def test_missing_data_and_engines_are_named_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="lenet5 data fetch mnist"):
        train(recipe(), data_folder=tmp_path / "none", runs_folder=tmp_path / "runs")
    with pytest.raises(EngineError, match="numpy, torch"):
        train(recipe(), engine="numpi", data_folder=tmp_path, runs_folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_environment_tells_what_is_needed_to_repeat_the_run(small_mnist: Path, tmp_path: Path) -> None:
    run = train(recipe("steps=1"), data_folder=small_mnist, runs_folder=tmp_path)
    environment = json.loads((run.path / "environment.json").read_text())
    assert {"lenet5", "python", "numpy", "engine", "threads", "data", "recipe_digest"} <= environment.keys()
    assert run.recipe() == recipe("steps=1")


def test_validation_images_are_kept_from_training_and_scored(small_mnist: Path, tmp_path: Path) -> None:
    """The test set is not even looked at: a folder without it is enough."""
    without_test = tmp_path / "data"
    (without_test / "mnist").mkdir(parents=True)
    for file in (small_mnist / "mnist").glob("train-*"):
        (without_test / "mnist" / file.name).symlink_to(file)
    run = train(recipe("validation=300", "images=900"), data_folder=without_test, runs_folder=tmp_path)
    result = run.result()
    assert result is not None
    assert (result["scored_on"], result["test_images"]) == ("validation", 300)
    assert run.history().epochs[-1].step == 2 * 29  # 900 images in batches of 32
    assert model_file.read(run.model).card.scored_on == "validation"
    train_set = load("mnist", "train", small_mnist)
    scored = Predictor(model_file.read(run.model)).predict(train_set.images[1700:])
    assert result["test_images_correct"] == np.count_nonzero(scored == train_set.labels[1700:])


def test_more_validation_than_images_is_one_sentence(small_mnist: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2,000 training images; 1,500 for validation leave 500"):
        train(recipe("validation=1500", "images=900"), data_folder=small_mnist, runs_folder=tmp_path)


def test_the_network_of_1998_learns_pattern_by_pattern(small_mnist: Path, tmp_path: Path) -> None:
    plan = catalogue.load("lecun-1998", overrides=["epochs=2"])
    run = train(plan, engine="native", data_folder=small_mnist, runs_folder=tmp_path)
    first, second = run.history().epochs
    assert second.test_accuracy_percent > 80  # of 500 images, after 4,000 steps
    assert second.train_loss < first.train_loss


def test_distorted_copies_change_the_run_and_repeat(small_mnist: Path, tmp_path: Path) -> None:
    plans = [
        recipe("epochs=1", *extra) for extra in ((), ("distortion.translation=2.0",), ("distortion.translation=2.0",))
    ]
    runs = [train(plan, data_folder=small_mnist, runs_folder=tmp_path) for plan in plans]
    plain, moved, again = (model_file.read(run.model).weights["C1.weight"].tobytes() for run in runs)
    assert plain != moved == again


def test_the_same_training_gives_the_same_model_file_at_any_time(small_mnist: Path, tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        run = train(recipe("epochs=1"), data_folder=small_mnist, runs_folder=tmp_path / name)
        digests.append(file_sha256(run.model))
        time.sleep(1.1 - time.time() % 1)  # into the next second
    assert digests[0] == digests[1]
