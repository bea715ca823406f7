"""The models that come with the package: they load by name, know digits, and are those of the recipes as they stand."""

from pathlib import Path

import numpy as np
import pytest

import lenet5
from lenet5.data.datasets import load
from lenet5.errors import ModelError
from lenet5.models import shipped
from lenet5.recipes import catalogue


@pytest.mark.parametrize("name", shipped.names())
def test_a_shipped_model_is_what_its_card_says(name: str, mnist_folder: Path) -> None:
    model = lenet5.load(name)
    card = model.model.card
    data = load(card.data, "test", mnist_folder)
    right = np.count_nonzero(model.predict(data.images) == data.labels)
    assert len(data.labels) == card.test_images
    # Instruction sets round differently.
    assert 100 * right / card.test_images == pytest.approx(card.test_accuracy_percent, abs=0.02)
    recipe = catalogue.load(name)
    length = [] if recipe.steps else [f"epochs={card.epochs}"]
    assert card.recipe_digest == catalogue.load(name, [f"seed={card.seed}", *length]).digest
    assert card.recipe == name


def test_they_are_there_and_small() -> None:
    assert {"modern", "lecun-1998", "archaeology"} <= set(shipped.names())
    for name in set(shipped.names()) - {"digits-large"}:
        model = lenet5.load(name)
        assert model.model.architecture.parameters <= 61_706 + 85 * max(model.classes - 10, 0)


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modern").mkdir()
    with pytest.raises(ModelError, match=r"contains no model\.safetensors"):
        lenet5.load("modern")


def test_a_mistyped_name_names_the_shipped_ones() -> None:
    with pytest.raises(ModelError, match="lecun-1998, modern"):
        lenet5.load("moderm")
