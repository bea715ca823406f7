"""The catalogue finds shipped recipes by name and others by file, and says what is wrong."""

import shutil
from importlib import resources
from pathlib import Path

import pytest

from lenet5.errors import RecipeError
from lenet5.recipes import catalogue

SHIPPED = (
    "archaeology",
    "digits",
    "digits-large",
    "lab-report",
    "lab-report-constant",
    "lab-report-tenfold",
    "lecun-1998",
    "lecun-1998-15k",
    "lecun-1998-15k-longer",
    "lecun-1998-30k",
    "lecun-1998-distortions",
    "lenet-1",
    "lenet-4",
    "mlp-1000",
    "mlp-1000-distortions",
    "mlp-300",
    "mlp-300-100",
    "mlp-300-100-distortions",
    "mlp-300-deslanted",
    "mlp-300-distortions",
    "mlp-500-150",
    "mlp-500-150-distortions",
    "modern",
    "modern-distilled",
    "modern-fashion",
    "modern-int4",
    "scratch",
    "scratch-as-printed",
    "scratch-xavier",
    "sigmoid-fashion",
    "signs",
    "space-displacement",
    "speedrun",
    "sunnyhaze",
)


def test_names_are_the_shipped_recipes_sorted() -> None:
    assert catalogue.names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_carries_the_name_of_its_file(name: str) -> None:
    assert catalogue.load(name).name == name


def test_a_path_that_ends_in_toml_is_read_as_a_file(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    with resources.as_file(resources.files("lenet5.recipes") / "scratch.toml") as original:
        shutil.copy(original, copy)
    assert catalogue.load(copy) == catalogue.load(str(copy)) == catalogue.load("scratch")


def test_overrides_reach_the_recipe() -> None:
    recipe = catalogue.load("archaeology", overrides=["batch_size=64", "optimizer.lr=0.5"])
    assert (recipe.batch_size, recipe.optimizer.learning_rate) == (64, 0.5)


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    with pytest.raises(
        RecipeError, match=r'no recipe "archeology".*mean "archaeology"\?.*lab-report-tenfold, lecun-1998,'
    ):
        catalogue.load("archeology")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.toml: cannot be read \(No such file or directory\)"):
        catalogue.load(tmp_path / "gone.toml")


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('title = "é"'.encode("latin-1"))
    with pytest.raises(RecipeError, match=r"latin\.toml: not UTF-8 text; save the recipe as UTF-8\."):
        catalogue.load(path)


def test_a_variation_has_all_of_its_base_but_the_claims() -> None:
    base, variation = catalogue.load("lecun-1998"), catalogue.load("lecun-1998-15k")
    assert variation.images == 15_000
    assert [claim.value for claim in variation.claims] == [1.68, 0.05]
    same = {"name": base.name, "title": base.title, "images": None, "claims": base.claims}
    assert variation.model_copy(update=same) == base


def test_a_file_of_your_own_may_vary_a_shipped_recipe(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "archaeology"\nname = "mine"\noptimizer.momentum = 0.5\n')
    recipe = catalogue.load(mine)
    assert (recipe.optimizer.learning_rate, recipe.optimizer.momentum) == (0.01, 0.5)  # type: ignore[union-attr]
    mine.write_text('extends = "archaeologie"\nname = "mine"\n')
    with pytest.raises(RecipeError, match='Did you mean "archaeology"'):
        catalogue.load(mine)


def test_a_recipe_of_ones_own_that_extends_another_has_its_own_name_and_no_source(tmp_path: Path) -> None:
    mine = tmp_path / "My digits 2.toml"
    mine.write_text('extends = "archaeology"\nbatch_size = 64\n')
    recipe = catalogue.load(mine)
    assert (recipe.name, recipe.title, recipe.batch_size) == ("my-digits-2", "archaeology, changed", 64)
    assert recipe.source is None
    assert recipe.claims == recipe.differences == ()
    mine.write_text('extends = "archaeology"\nname = "other"\ntitle = "Other"\n')
    assert (catalogue.load(mine).name, catalogue.load(mine).title) == ("other", "Other")
