"""Class weights, weights of images, and early stopping."""

from pathlib import Path

import numpy as np
import pytest

from lenet5.data.batches import order
from lenet5.data.datasets import Images
from lenet5.errors import RecipeError
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.training.diagnosis import failed_start
from lenet5.training.run import RunFolder
from lenet5.training.train import train
from lenet5.training.weighting import image_weights


def test_an_image_that_counts_twice_is_shown_twice_as_often() -> None:
    weights = np.array([1.0, 2.0, 0.0, 1.0])
    for epoch in range(1, 20):
        assert np.bincount(order(4, 1, epoch, "shuffled", weights), minlength=4).tolist() == [1, 2, 0, 1]


def test_fractions_are_right_on_average_and_never_off_by_more_than_one() -> None:
    weights = np.array([0.3, 0.7, 2.0])
    counts = np.array([np.bincount(order(3, 1, epoch, "shuffled", weights), minlength=3) for epoch in range(4000)])
    assert (np.abs(counts - weights) < 1).all()
    np.testing.assert_allclose(counts.mean(axis=0), weights, atol=0.04)  # 4,000 draws, five standard errors


def test_independent_draws_follow_the_weights() -> None:
    counts = np.bincount(order(100_000, 1, 1, "independent", np.repeat([1.0, 3.0], 50_000)) // 50_000)
    assert counts[1] / counts.sum() == pytest.approx(0.75, abs=0.01)


def labelled(labels: list[int], weights: list[float] | None = None) -> Images:
    images = np.zeros((len(labels), 28, 28), np.uint8)
    return Images("mine", "train", images, np.array(labels), ("a", "b"), None if weights is None else np.array(weights))


def test_balanced_classes_count_alike() -> None:
    weights = image_weights("balanced", labelled([0, 0, 0, 1], [1, 1, 2, 1]))
    assert weights is not None
    assert weights[:3].sum() == pytest.approx(weights[3:].sum())
    assert weights[2] == pytest.approx(2 * weights[0])


def test_a_class_that_the_data_lack_is_named() -> None:
    with pytest.raises(RecipeError, match='class_weight names "c"; the classes of mine are a, b'):
        image_weights({"c": 2.0}, labelled([0, 1]))


def test_a_weight_for_a_class_raises_its_recall(small_mnist: Path, tmp_path: Path) -> None:
    def share_of_fours(run: RunFolder) -> float:
        from lenet5.data.datasets import load

        images = load("mnist", "test", small_mnist)
        answers = Predictor(model_file.read(run.model)).predict(images.images)
        return float((answers == 4).mean())

    short = ["epochs=1", "batch_size=8"]
    plain = train(catalogue.load("archaeology", short), data_folder=small_mnist, runs_folder=tmp_path)
    weighted = train(
        catalogue.load("archaeology", [*short, 'class_weight={"4"=20.0}']),
        data_folder=small_mnist,
        runs_folder=tmp_path,
    )
    assert share_of_fours(weighted) > 1.3 * share_of_fours(plain)


def test_training_stops_early_and_keeps_the_best_epoch(small_mnist: Path, tmp_path: Path) -> None:
    plan = catalogue.load(
        "archaeology", ["epochs=60", "batch_size=8", "images=200", "validation=300", "patience=3", "optimizer.lr=0.02"]
    )
    run = train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    rows, result = run.history().epochs, run.result()
    assert result is not None
    losses = [row.test_loss for row in rows]
    best = int(np.argmin(losses))
    assert len(rows) == best + 1 + 3 < 60
    assert result["test_accuracy_percent"] == rows[best].test_accuracy_percent
    assert result["epochs"] == best + 1
    assert run.history().incidents[-1].what == "stopped early"
    from lenet5.training.train import parts

    kept = parts(plan, small_mnist)[1]
    correct = (Predictor(model_file.read(run.model)).predict(kept.images) == kept.labels).sum()
    assert correct == result["test_images_correct"]


def test_patience_needs_validation_images() -> None:
    with pytest.raises(RecipeError, match="say with `validation` how many"):
        catalogue.load("archaeology", ["patience=3"])


def test_a_run_that_learns_nothing_says_so_at_its_end(small_mnist: Path, tmp_path: Path) -> None:
    plan = catalogue.load("archaeology", ["epochs=2", "optimizer.lr=1e-7", "images=200"])
    run = train(plan, data_folder=small_mnist, runs_folder=tmp_path)
    assert run.history().incidents[-1].what == "not learnt"


@pytest.mark.parametrize(
    ("accuracy", "classes", "majority", "failed"),
    [(19.9, 10, 0, True), (20.1, 10, 0, False), (52, 2, 0, True), (98, 2, 0, False), (90, 2, 90, True)],
)
def test_guessing_is_told_from_learning(accuracy: float, classes: int, majority: float, failed: bool) -> None:
    assert failed_start(accuracy, classes, majority) is failed
