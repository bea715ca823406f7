"""What holds for every shipped recipe, and the settings that make each what it is."""

import pytest

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim
from lenet5.spec.initial import Scratch
from lenet5.spec.optimizer import Adam, Sgd, Step
from lenet5.spec.preparation import Preparation
from lenet5.spec.recipe import Recipe
from lenet5.spec.text import dump, parse

OWN = (
    "digits",
    "digits-large",
    "modern",
    "modern-distilled",
    "modern-fashion",
    "modern-int4",
    "signs",
    "space-displacement",
    "speedrun",
)  # from no publication
PARAMETERS = {
    "archaeology": 44_426,
    "lab-report": 61_706,
    "lecun-1998": 60_000,
    "lecun-1998-15k": 60_000,
    "lecun-1998-30k": 60_000,
    "lecun-1998-distortions": 60_000,
    "modern": 61_706,
    "modern-distilled": 61_706,
    "modern-fashion": 61_706,
    "modern-int4": 61_706,
    "speedrun": 61_706,
    "digits": 61_791,
    "digits-large": 575_421,
    "signs": 9_157,
    "space-displacement": 44_511,
    "scratch": 44_426,
    "scratch-as-printed": 44_426,
    "sigmoid-fashion": 61_706,
    "sunnyhaze": 61_706,
    "lenet-1": 2_578,
    "lenet-4": 17_090,
    "mlp-300": 238_510,
    "mlp-300-distortions": 238_510,
    "mlp-300-deslanted": 123_310,
    "mlp-1000": 795_010,
    "mlp-1000-distortions": 795_010,
    "mlp-300-100": 266_610,
    "mlp-300-100-distortions": 266_610,
    "mlp-500-150": 469_160,
    "mlp-500-150-distortions": 469_160,
}
OTHER_NETWORKS = ("lenet-", "mlp-")  # those that the paper compares LeNet-5 with


@pytest.fixture(params=catalogue.names())
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return catalogue.load(request.param)


def test_a_recipe_survives_being_written_and_read(recipe: Recipe) -> None:
    assert parse(dump(recipe), where="copy") == recipe


def test_parameters_are_those_of_the_source(recipe: Recipe) -> None:
    assert recipe.architecture.parameters == PARAMETERS[recipe.explains or recipe.name]


def test_layers_have_the_names_of_the_paper(recipe: Recipe) -> None:
    if recipe.name.startswith(OTHER_NETWORKS) or recipe.data == "signs":
        return
    names = [placed.name for placed in recipe.architecture.placed if "." not in placed.name]
    assert [name for name in names if name != "flatten"] == ["C1", "S2", "C3", "S4", "C5", "F6", "output"]


def test_source_and_differences_are_told(recipe: Recipe) -> None:
    if recipe.name in OWN:
        assert recipe.source is None
        return
    assert recipe.source is not None
    assert recipe.source.sets_out_to
    if recipe.explains:  # what it changes; the other differences are those of the recipe that it explains
        assert recipe.differences
        return
    assert {"seed", "first weights and seed"} & {difference.topic for difference in recipe.differences}


def test_layers_of_claims_exist(recipe: Recipe) -> None:
    named = {claim.layer for claim in recipe.claims if claim.layer}
    assert named <= {placed.name for placed in recipe.architecture.placed}


def test_settings_of_claims_can_be_run(recipe: Recipe) -> None:
    for overrides in map(_as_overrides, recipe.claims):
        catalogue.load(recipe.name, overrides=overrides)


def test_claims_are_read_before_their_run_ends(recipe: Recipe) -> None:
    for claim in recipe.claims:
        run = catalogue.load(recipe.name, overrides=_as_overrides(claim))
        assert max(claim.epoch or 0, len(claim.values)) <= run.total_epochs(60_000)
        assert (claim.step or 0) <= run.total_steps(60_000)


def test_a_claim_of_parameters_or_shape_is_what_the_network_has(recipe: Recipe) -> None:
    placed = {placed.name: placed for placed in recipe.architecture.placed}
    for claim in recipe.claims:
        if claim.quantity == "output_shape":
            assert placed[claim.layer or "output"].output_shape == claim.value
        if claim.quantity == "parameters":
            part = placed[claim.layer] if claim.layer else recipe.architecture
            assert abs(part.parameters - claim.value) <= claim.rounding / 2


def test_archaeology_trains_as_its_code_does() -> None:
    recipe = catalogue.load("archaeology")
    assert recipe.preparation == Preparation(background=-1.0, ink=1.0)
    assert recipe.optimizer == Sgd(learning_rate=0.01, momentum=0.9)
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (6, 32, 1)


def test_lab_report_stretches_flips_and_halves() -> None:
    recipe = catalogue.load("lab-report")
    assert recipe.preparation == Preparation(resize=32, flip="horizontal")
    assert recipe.optimizer == Adam(learning_rate=1e-5)
    assert recipe.schedule == Step(every_epochs=20, multiply_by=0.5)
    assert (recipe.epochs, recipe.batch_size) == (300, 128)


def test_lab_report_squashes_after_pooling_too() -> None:
    names = [placed.name for placed in catalogue.load("lab-report").architecture.placed]
    assert [name.partition(".")[0] for name in names if name.endswith(".tanh")] == [
        "C1",
        "S2",
        "C3",
        "S4",
        "C5",
        "F6",
    ]


def test_sunnyhaze_takes_raw_pixels_and_tries_again() -> None:
    recipe = catalogue.load("sunnyhaze")
    assert recipe.preparation == Preparation(background=0.0, ink=255.0)
    assert recipe.optimizer == Sgd(learning_rate=0.005, momentum=0.9)
    assert (recipe.objective.loss, recipe.objective.reduction) == ("mean_squared_error", "mean")
    assert (recipe.epochs, recipe.batch_size, recipe.restarts) == (30, 10, 3)


def test_scratch_sums_the_gradient_of_independent_batches() -> None:
    recipe = catalogue.load("scratch")
    assert (recipe.objective.reduction, recipe.sampling, recipe.initial) == ("sum", "independent", Scratch())
    assert recipe.optimizer == Sgd(learning_rate=0.0001)
    assert (recipe.steps, recipe.batch_size, recipe.report_every) == (20_000, 64, 250)
    assert recipe.preparation == Preparation(subtract_mean=True)


def test_scratch_as_printed_is_scratch_with_frozen_convolutions() -> None:
    thawed = catalogue.load("scratch-as-printed", overrides=["frozen=[]", 'name="scratch"'])
    assert catalogue.load("scratch-as-printed").frozen == ("C1", "C3")
    assert thawed.digest == catalogue.load("scratch").digest


def test_sigmoid_fashion_learns_clothes_with_adam() -> None:
    recipe = catalogue.load("sigmoid-fashion")
    assert (recipe.data, recipe.epochs, recipe.batch_size, recipe.report_every) == (
        "fashion-mnist",
        120,
        256,
        100,
    )
    assert recipe.optimizer == Adam(learning_rate=1e-3)
    assert recipe.preparation == Preparation()


def _as_overrides(claim: Claim) -> list[str]:
    return [f"{key}={value}" for key, value in claim.overrides.items()]
