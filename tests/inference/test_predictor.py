"""A model at work: any form of image, any number of images, the same answers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lenet5.data.datasets import load
from lenet5.errors import DataError, ShapeError
from lenet5.inference.evaluation import evaluate
from lenet5.inference.mnist_form import mnist_form
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.training.train import train


@pytest.fixture(scope="module")
def model(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = catalogue.load("archaeology", overrides=["epochs=2", "batch_size=8"])
    return train(plan, data_folder=small_mnist, runs_folder=tmp_path_factory.mktemp("runs")).model


@pytest.fixture(scope="module")
def predictor(model: Path) -> Predictor:
    return Predictor(model_file.read(model))


def test_every_form_of_the_same_images_gets_the_same_answers(predictor: Predictor, small_mnist: Path) -> None:
    images = load("mnist", "test", small_mnist).images[:20]
    expected = predictor.predict(images)
    for form in (images[:, None], images[..., None], images.reshape(20, 784), images / 255, images.astype(int)):
        np.testing.assert_array_equal(predictor.predict(form), expected)
    assert predictor.predict(images[0]).shape == (1,)
    assert predictor.predict(images[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((3, 32, 32), np.uint8), "expected (28, 28)"),
        (np.full((28, 28), 300), "run from 300 to 300; expected 0..255"),
        (np.full((28, 28), 1.5), "expected 0..1"),
        (np.full((28, 28), np.nan), "expected 0..1"),
        (np.full((28, 28), "a"), "expected numbers"),
        (np.full((28, 28), -1), "run from -1"),
    ],
)
def test_other_images_are_refused_with_what_was_expected(images: np.ndarray, said: str) -> None:
    with pytest.raises(ShapeError) as refusal:
        mnist_form(images)
    assert said in str(refusal.value)


@pytest.mark.parametrize("other", ["native", "torch"])
def test_engines_answer_alike(model: Path, small_mnist: Path, other: str) -> None:
    images = load("mnist", "test", small_mnist).images
    ours, theirs = (Predictor(model_file.read(model), engine=engine).scores(images) for engine in ("numpy", other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)  # float32, sums of up to 256 terms


@pytest.mark.parametrize("other", ["native", "torch"])
def test_a_saved_network_of_1998_answers_alike_in_every_engine(small_mnist: Path, tmp_path: Path, other: str) -> None:
    plan = catalogue.load("lecun-1998", overrides=["steps=300"])
    saved = train(plan, data_folder=small_mnist, runs_folder=tmp_path).model
    images = load("mnist", "test", small_mnist).images
    ours, theirs = (Predictor(model_file.read(saved), engine=engine).scores(images) for engine in ("numpy", other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)  # float32, sums of 84 squares


def test_activations_name_every_layer(predictor: Predictor, small_mnist: Path) -> None:
    outputs = predictor.activations(load("mnist", "test", small_mnist).images[:3])
    assert list(outputs)[:3] == ["input", "C1", "C1.relu"]
    assert outputs["C3"].shape == (3, 16, 8, 8)
    assert outputs["output"].shape == (3, 10)


def test_an_evaluation_adds_up(predictor: Predictor, small_mnist: Path) -> None:
    outcome = evaluate(predictor, load("mnist", "test", small_mnist))
    assert outcome.correct + len(outcome.misclassified) == 500
    low, high = outcome.interval_percent
    assert low < outcome.accuracy_percent < high
    confidence = outcome.confidence[outcome.misclassified]
    assert (np.diff(confidence) <= 0).all()


def test_an_evaluation_repeats_the_figure_of_the_run(model: Path, small_mnist: Path) -> None:
    read = model_file.read(model)
    outcome = evaluate(Predictor(read), load("mnist", "test", small_mnist))
    assert outcome.accuracy_percent == read.card.test_accuracy_percent


def test_a_set_with_more_classes_is_refused(small_mnist: Path) -> None:
    from lenet5.engines.initial import first_weights
    from lenet5.models.model import Model
    from lenet5.spec.initial import Pytorch

    recipe = catalogue.load("archaeology")
    two = recipe.architecture.with_classes(2)
    weights = first_weights(two, Pytorch(), 1)
    with pytest.raises(DataError, match="10 classes; the model has 2"):
        evaluate(Predictor(Model(two, recipe.preparation, weights, None)), load("mnist", "test", small_mnist))


def test_scoring_sixty_thousand_images_adds_less_than_200_megabytes(model: Path, mnist_folder: Path) -> None:
    program = f"""
from pathlib import Path
from lenet5.data.datasets import load
from lenet5.inference.predictor import Predictor
from lenet5.models import file
from lenet5.training.peak_memory import process_peak_bytes
predictor = Predictor(file.read(Path({str(model)!r})))
data = load("mnist", "train", Path({str(mnist_folder)!r}))
predictor.predict(data.images[:10])
before = process_peak_bytes()
predictor.predict(data.images)
print(process_peak_bytes() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200e6
