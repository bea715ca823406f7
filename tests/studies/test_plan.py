"""Plans: what they stand for, and one sentence for each mistake."""

from pathlib import Path

import pytest

from lenet5.errors import RecipeError, StudyError
from lenet5.studies.plan import read
from lenet5.studies.units import units

TEXT = """
name = "small"
recipe = "archaeology"
seeds = [1, 2, 3]
set = ["epochs=1"]

[[vary]]
name = "batch"
options = { "32" = [], "64" = ["batch_size=64"] }

[[vary]]
name = "momentum"
options = { none = ["optimizer.momentum=0.0"], "0.9" = [] }
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(TEXT)
    return tmp_path / "plan.toml"


def test_units_are_every_combination_with_every_seed(path: Path) -> None:
    made = units(read(path), "native")
    assert len({unit.digest for unit in made}) == 3 * 2 * 2
    one = next(unit for unit in made if unit.label == ("64", "none") and unit.seed == 2)
    assert (one.recipe.batch_size, one.recipe.epochs, one.recipe.seed) == (64, 1, 2)
    assert one.recipe.optimizer.model_dump()["momentum"] == 0


def test_units_that_compute_the_same_have_one_digest(path: Path) -> None:
    path.write_text(TEXT.replace('"64" = ["batch_size=64"]', '"also 32" = ["batch_size=32"]'))
    assert len({unit.digest for unit in units(read(path), "native")}) == 3 * 2


def test_the_engine_is_part_of_the_digest(path: Path) -> None:
    plan = read(path)
    assert units(plan, "native")[0].digest != units(plan, "numpy")[0].digest


def test_cumulative_options_are_one_change_after_another(path: Path) -> None:
    path.write_text(
        'name = "s"\nrecipe = "archaeology"\nseeds = 1\n[[vary]]\nname = "year"\ncumulative = true\n[vary.options]\n'
        'a = ["batch_size=64"]\nb = ["optimizer.momentum=0.5"]\nc = ["batch_size=16"]\n'
    )
    recipes = [unit.recipe for unit in units(read(path), "native")]
    assert [recipe.batch_size for recipe in recipes] == [64, 64, 16]
    assert [recipe.optimizer.model_dump()["momentum"] for recipe in recipes] == [0.9, 0.5, 0.5]


def test_a_number_of_seeds_means_from_1(path: Path) -> None:
    path.write_text(TEXT.replace("[1, 2, 3]", "4"))
    assert read(path).seed_list == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds", "seed", 'there is no key "seed". Did you mean "seeds"?'),
        ('name = "small"', 'name = "Two words"', '"name" is "Two words"; string should match'),
        ("[1, 2, 3]", '"x"', '"seeds" is "x"; input should be a valid integer'),
        ("[[vary]]", "[vary", "not valid TOML"),
        ('options = { none = ["optimizer.momentum=0.0"], "0.9" = [] }', "options = {}", "vary.1.options"),
    ],
)
def test_a_mistake_is_named(path: Path, old: str, new: str, said: str) -> None:
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(StudyError, match=r"plan\.toml") as caught:
        read(path)
    assert said in str(caught.value)


def test_an_option_that_breaks_the_recipe_is_found_before_anything_runs(path: Path) -> None:
    path.write_text(TEXT.replace("batch_size=64", "batch_sise=64"))
    with pytest.raises(RecipeError, match="batch_size"):
        units(read(path), "native")
