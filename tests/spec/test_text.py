"""Recipes as text: overrides, and one sentence for each mistake."""

import pytest

from lenet5.errors import RecipeError
from lenet5.recipes import catalogue
from lenet5.spec.optimizer import Adam, Sgd
from lenet5.spec.text import dump, parse

TEXT = """
name = "small"
title = "A small recipe"
epochs = 2
batch_size = 4
optimizer = { kind = "sgd", learning_rate = 0.1 }
architecture.input = [1, 28, 28]
architecture.layers = [{ kind = "flatten" }, { kind = "dense", name = "output", units = 10 }]
"""


def test_lr_is_read_and_learning_rate_is_written() -> None:
    recipe = parse(TEXT.replace("learning_rate", "lr"), where="small.toml")
    assert recipe == parse(TEXT, where="small.toml")
    assert "learning_rate = 0.1" in dump(recipe)


@pytest.mark.parametrize("key", ["lr", "learning_rate"])
def test_an_override_of_the_learning_rate_may_be_short(key: str) -> None:
    recipe = parse(TEXT, where="small.toml", overrides=[f"optimizer.{key}=0.5"])
    assert recipe.optimizer == Sgd(learning_rate=0.5)


def test_an_override_may_change_the_kind_of_optimizer() -> None:
    recipe = parse(TEXT, where="small.toml", overrides=["optimizer.kind=adam"])
    assert recipe.optimizer == Adam(learning_rate=0.1)


def test_a_later_override_wins() -> None:
    assert parse(TEXT, where="small.toml", overrides=["epochs=3", "epochs=4"]).epochs == 4


def test_steps_take_the_place_of_epochs_and_back() -> None:
    recipe = parse(TEXT, where="small.toml", overrides=["steps=7"])
    assert (recipe.epochs, recipe.steps) == (None, 7)
    recipe = parse(dump(recipe), where="small.toml", overrides=["epochs=3"])
    assert (recipe.epochs, recipe.steps) == (3, None)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("optimizer.momentm=1", 'there is no "optimizer.momentm". Did you mean "optimizer.momentum"?'),
        ("btach_size=8", 'there is no "btach_size". Did you mean "batch_size"?'),
        ("optimizer.lrr=1", 'there is no "optimizer.lrr". Did you mean "optimizer.lr"?'),
        ("preparation.pading=2", 'there is no "preparation.pading". Did you mean "preparation.padding"?'),
        ("batch_size=0", '"batch_size" is 0; input should be greater than 0.'),
        ("batch_size=1.5", '"batch_size" is 1.5; input should be a valid integer.'),
        ("batch_size=many", '"batch_size" is "many"; input should be a valid integer.'),
        ("optimizer.momentum=1", '"optimizer.momentum" is 1; input should be less than 1.'),
        ("optimizer.lr=-1", '"optimizer.learning_rate" is -1; input should be greater than 0.'),
        ("optimizer.lr=nan", '"optimizer.learning_rate" is NaN; input should be a finite number.'),
        ("data=3", '"data" is 3; input should be a valid string.'),
        ("schedule.kind=step", '"schedule.every_epochs" is missing.'),
    ],
)
def test_a_wrong_override_gets_one_sentence(override: str, sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(TEXT, where="small.toml", overrides=[override])
    assert str(caught.value).startswith("small.toml: ")
    assert sentence in str(caught.value)


def test_an_override_without_a_value_shows_how_to_write_one() -> None:
    with pytest.raises(RecipeError, match=r'"epochs" is not an override; write key=value, such as epochs=3\.'):
        parse(TEXT, where="small.toml", overrides=["epochs"])


def test_an_override_cannot_go_below_a_plain_value() -> None:
    with pytest.raises(RecipeError, match="epochs is not a table"):
        parse(TEXT, where="small.toml", overrides=["epochs.first=1"])


def test_text_that_is_not_toml_is_named_with_its_place() -> None:
    with pytest.raises(RecipeError, match=r"small\.toml: not valid TOML: .*line 1"):
        parse("name = \n", where="small.toml")


def test_a_date_is_not_a_value_of_a_recipe() -> None:
    with pytest.raises(RecipeError, match="a recipe has strings, numbers, booleans, arrays and tables"):
        parse(TEXT, where="small.toml", overrides=["title=1998-11-01"])


def test_a_layer_with_a_wrong_key_is_named_by_its_place() -> None:
    text = TEXT.replace("units", "unit")
    with pytest.raises(RecipeError, match=r'"architecture\.layers\.1\.units" is missing'):
        parse(text, where="small.toml")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "preparation.padding=2",
            r"gives inputs of shape \(1, 32, 32\), but the architecture needs \(1, 28, 28\)",
        ),
        ("frozen=['S2']", "`frozen` names S2; the layers with weights are C1, C3, C5, F6, output"),
    ],
)
def test_parts_that_do_not_fit_together_are_told(override: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        catalogue.load("archaeology", overrides=[override])


def test_a_recipe_has_either_epochs_or_steps() -> None:
    with pytest.raises(RecipeError, match="either `epochs` or `steps`"):
        parse(TEXT.replace("epochs = 2", "epochs = 2\nsteps = 9"), where="small.toml")


def test_an_override_may_reach_into_the_list_of_layers() -> None:
    recipe = parse(TEXT, where="small.toml", overrides=["architecture.layers.-1.units=7"])
    assert recipe.architecture.classes == 7
    with pytest.raises(RecipeError, match='"9" is not one of the 2 elements'):
        parse(TEXT, where="small.toml", overrides=["architecture.layers.9.units=7"])
    whole = 'architecture.layers.-1={kind="dense", name="scores", units=5}'
    assert parse(TEXT, where="small.toml", overrides=[whole]).architecture.placed[-1].name == "scores"
    with pytest.raises(RecipeError, match='"9" is not one of the 2 elements'):
        parse(TEXT, where="small.toml", overrides=["architecture.layers.9=7"])


@pytest.mark.parametrize(
    ("recipe", "override", "kind"),
    [
        ("lab-report", "schedule.kind=constant", "constant"),
        ("archaeology", "optimizer.kind=adam", "adam"),
        ("lecun-1998", "optimizer.kind=sgd", "sgd"),
        ("lecun-1998", "initial.kind=he", "he"),
        ("archaeology", "architecture.layers.0.kind=dense", None),
    ],
)
def test_a_changed_kind_drops_the_fields_that_only_the_old_kind_has(
    recipe: str, override: str, kind: str | None
) -> None:
    if kind is None:  # a dense layer needs `units`: the error names that, not what a convolution left behind
        with pytest.raises(RecipeError, match=r"units.* is missing"):
            catalogue.load(recipe, [override])
        return
    part = getattr(catalogue.load(recipe, [override]), override.split(".")[0])
    assert part.kind == kind


def test_a_kind_that_stays_keeps_its_fields() -> None:
    assert catalogue.load("lab-report", ["schedule.kind=step"]).schedule == catalogue.load("lab-report").schedule


def test_a_recipe_may_extend_one_that_extends_another() -> None:
    longer = catalogue.load("lecun-1998-15k-longer")
    assert (longer.images, longer.epochs, longer.batch_size) == (15_000, 80, 1)
    assert longer.architecture == catalogue.load("lecun-1998").architecture
