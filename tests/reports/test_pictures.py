"""The pictures: they say what they should, in bytes that do not change."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lenet5.recipes import catalogue
from lenet5.reports.confusion import confusion_figure
from lenet5.reports.curves import curves, step_losses
from lenet5.reports.diagram import diagram
from lenet5.reports.gallery import gallery
from lenet5.reports.style import save
from lenet5.training.history import EpochRow, StepRow


def row(epoch: int, test: float = 98.0) -> EpochRow:
    return EpochRow(
        epoch, 100 * epoch, 0.3 / epoch, 950, 1000, 0.25 / epoch, round(100 * test), 10_000, 1.0, 10**8, 0.01, 1e4
    )


def words(figure: object, path: Path) -> str:
    """Return the texts of a figure, as they stand in its SVG's comments."""
    _, svg = save(figure, path)
    return " ".join(re.findall(r"<!-- (.*?) -->", svg.read_text(encoding="utf-8")))


@pytest.mark.parametrize("epochs", [1, 2, 6, 31, 300])
def test_curves_can_be_drawn_for_any_length(epochs: int, tmp_path: Path) -> None:
    rows = [row(epoch, test=99 - 5 / epoch) for epoch in range(1, epochs + 1)]
    png, svg = save(curves(rows, title="a run"), tmp_path / "curves")
    with Image.open(png) as picture:
        assert picture.width == 1500
    assert svg.read_bytes().startswith(b"<?xml")


def test_curves_write_the_values_at_the_points_of_a_short_run(tmp_path: Path) -> None:
    said = words(curves([row(1, 97.12), row(2, 98.34)], title="a run", published={1: 97.56}), tmp_path / "curves")
    for value in ("97.12", "98.34", "0.250", "0.125", "test, published"):
        assert value in said


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    first, second = (save(curves([row(1), row(2)], title="a run"), tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_confusion_counts_and_margins_are_written(tmp_path: Path) -> None:
    matrix = np.array([[9, 1], [3, 7]])
    said = words(confusion_figure(matrix, ("zero", "one"), "a model"), tmp_path / "confusion")
    for value in ("9", "1", "3", "7", "90.0", "70.0", "75.0", "87.5", "zero", "a model"):
        assert value in said


def test_gallery_says_how_many_are_left_out(tmp_path: Path) -> None:
    images, ones = np.zeros((70, 28, 28), np.uint8), np.ones(70, np.int64)
    said = words(gallery(images, ones, ones * 7, np.full(70, 0.93), tuple("0123456789"), "m"), tmp_path / "g")
    assert "misclassified: 60 / 70" in said
    assert "1 → 7  93%" in said


def test_gallery_of_a_model_without_errors(tmp_path: Path) -> None:
    none = np.zeros(0, np.int64)
    figure = gallery(np.zeros((0, 28, 28), np.uint8), none, none, np.zeros(0), tuple("0123456789"), "m")
    assert "no image is misclassified" in words(figure, tmp_path / "g")


@pytest.mark.parametrize("name", catalogue.names())
def test_diagram_names_every_layer_of_every_recipe(name: str, tmp_path: Path) -> None:
    architecture = catalogue.load(name).architecture
    said = words(diagram(architecture, name), tmp_path / "diagram")
    for layer in ("input", *(placed.name for placed in architecture.placed if placed.parameters), "output"):
        assert layer in said


def test_diagram_names_the_layers_of_1998(tmp_path: Path) -> None:
    said = words(diagram(catalogue.load("lecun-1998").architecture, "lecun-1998"), tmp_path / "diagram")
    assert said.count("subsampling 2x2") == 2
    assert said.count("RBF") == 1
    assert said.count("dense") == 1


def test_step_losses_are_drawn(tmp_path: Path) -> None:
    said = words(step_losses([StepRow(250, 0.5), StepRow(500, 0.1)], title="single batches"), tmp_path / "steps")
    assert "loss of one batch" in said
