"""Notebooks: cards, figures and progress of values; the README's Python; the lessons, executed."""

import re
from pathlib import Path

import numpy as np
import pytest

import lenet5
from lenet5.data.datasets import load
from lenet5.reading.page import Page
from lenet5.training.run import RunFolder

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def run(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lenet5.train("archaeology", epochs=2, overrides={"batch_size": 8}, data_folder=small_mnist,
                        runs_folder=tmp_path_factory.mktemp("runs"), progress=False)  # fmt: skip


def test_values_have_a_short_repr_and_a_card(run: RunFolder, small_mnist: Path) -> None:
    model = lenet5.load(run.path)
    outcome = lenet5.evaluate(model, data_folder=small_mnist)
    images = load("mnist", "test", small_mnist)
    page = lenet5.load("digits").read(np.pad(255 - images.images[0], 40, constant_values=255))
    for value in (run, model, model.model, outcome, images):
        assert len(repr(value)) < 200
        assert "<table>" in value._repr_html_()
        assert "data:image/png" in value._repr_html_()
    assert isinstance(page, Page)
    assert "<td>7</td>" in page._repr_html_()
    assert f"{outcome.accuracy_percent:.2f} %" in outcome._repr_html_()


def test_an_unfinished_run_has_a_card(run: RunFolder, tmp_path: Path) -> None:
    begun = RunFolder.create(tmp_path, run.recipe(), {"lenet5": "0"})
    assert "not finished" in begun._repr_html_()


def test_every_figure_is_drawn(run: RunFolder, small_mnist: Path) -> None:
    model, images = lenet5.load(run.path), load("mnist", "test", small_mnist)
    outcome = lenet5.evaluate(model, data_folder=small_mnist)
    figures = [
        lenet5.plot_curves(run),
        lenet5.plot_feature_maps(model, images.images[0]),
        lenet5.plot_kernels(model, "C3"),
        lenet5.plot_architecture("lecun-1998"),
        lenet5.plot_confusion(outcome),
        lenet5.plot_misclassified(outcome),
        lenet5.plot_calibration(outcome),
        lenet5.plot_images(images),
    ]
    for figure in figures:
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_wrong_layers_and_images_are_named(run: RunFolder, small_mnist: Path) -> None:
    model, images = lenet5.load(run.path), load("mnist", "test", small_mnist)
    with pytest.raises(lenet5.Lenet5Error, match="the convolutions are C1, C3"):
        lenet5.plot_kernels(model, "F6")
    with pytest.raises(lenet5.Lenet5Error, match="expected one, such as"):
        lenet5.plot_feature_maps(model, images.images[:2])
    with pytest.raises(lenet5.Lenet5Error, match='"F6" has no feature maps'):
        lenet5.plot_feature_maps(model, images.images[0], ["F6"])


def test_training_prints_a_line_an_epoch_unless_it_is_told_not_to(
    small_mnist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"epochs": 1, "overrides": {"images": 200}, "data_folder": small_mnist, "runs_folder": tmp_path}
    lenet5.train("archaeology", **options)
    assert "epoch   1" in capsys.readouterr().out
    lenet5.train("archaeology", **options, progress=False)
    assert capsys.readouterr() == ("", "")


def test_data_models_and_recipes_are_listed(mnist_folder: Path) -> None:
    assert lenet5.data("mnist", "test", folder=mnist_folder).images.shape == (10_000, 28, 28)
    assert "modern" in lenet5.models()
    assert "archaeology" in lenet5.recipes()
    from lenet5.data import idx  # the packages stay packages

    assert idx.read


def test_the_python_of_the_readme_runs_as_it_stands(
    mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LENET5_DATA", str(mnist_folder))
    digit = load("mnist", "test", mnist_folder).images[0]
    Image.fromarray(np.pad(255 - digit, 40, constant_values=255)).save("photo.jpg")
    assert SNIPPETS
    for snippet in SNIPPETS:
        exec(compile(snippet, "README.md", "exec"), {})


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lessons_run_from_the_first_cell_to_the_last(
    lesson: Path, mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("LENET5_DATA", str(mnist_folder))
    notebook = nbformat.read(lesson, 4)
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()


def test_there_are_six_lessons_and_their_outputs_are_stored() -> None:
    import nbformat

    assert len(LESSONS) == 6
    for lesson in LESSONS:
        cells = [cell for cell in nbformat.read(lesson, 4).cells if cell.cell_type == "code"]
        assert any(cell.outputs for cell in cells), lesson
        assert not any(output.output_type == "error" for cell in cells for output in cell.outputs), lesson
