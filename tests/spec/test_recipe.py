"""A recipe's digest, its lengths, and the small plans inside it."""

import pytest
from pydantic import ValidationError

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim
from lenet5.spec.optimizer import Constant, Cosine, Step
from lenet5.spec.preparation import Preparation


def test_digest_does_not_see_prose() -> None:
    recipe = catalogue.load("archaeology")
    silent = recipe.model_copy(update={"title": "", "source": None, "claims": (), "differences": ()})
    assert silent.digest == recipe.digest


@pytest.mark.parametrize("override", ["optimizer.lr=0.02", "seed=2", "epochs=7", "preparation.ink=0.9"])
def test_digest_changes_with_what_decides_the_run(override: str) -> None:
    assert catalogue.load("archaeology", [override]).digest != catalogue.load("archaeology").digest


def test_digests_of_all_recipes_differ() -> None:
    assert len({catalogue.load(name).digest for name in catalogue.names()}) == len(catalogue.names())


def test_an_epoch_keeps_its_last_smaller_batch() -> None:
    recipe = catalogue.load("archaeology", ["batch_size=1024"])
    assert (recipe.steps_per_epoch(60_000), recipe.total_steps(60_000)) == (59, 6 * 59)


def test_20000_steps_of_64_touch_22_epochs() -> None:
    recipe = catalogue.load("scratch")
    assert (recipe.total_steps(60_000), recipe.total_epochs(60_000)) == (20_000, 22)


def test_lab_report_halves_its_rate_after_each_20_epochs() -> None:
    schedule = catalogue.load("lab-report").schedule
    factors = [schedule.factor(epoch - 0.5, 300) for epoch in (1, 20, 21, 40, 41, 300)]
    assert factors == [1, 1, 0.5, 0.5, 0.25, 0.5**14]


def test_step_multiplies_after_every_so_many_epochs() -> None:
    assert [Step(every_epochs=1, multiply_by=3.0).factor(epoch - 0.5, 3) for epoch in (1, 2, 3)] == [1, 3, 9]


def test_constant_never_changes() -> None:
    assert {Constant().factor(epoch - 0.5, 399) for epoch in range(1, 400)} == {1.0}


def test_centred_folds_the_mean_into_the_scale() -> None:
    centred = Preparation(background=-1.0, ink=1.0, subtract_mean=True).centred(51.0)  # 51 = 255 / 5
    assert (centred.background, centred.ink, centred.subtract_mean) == pytest.approx((-0.4, 1.6, False))


def test_centred_images_have_mean_0() -> None:
    centred = Preparation(subtract_mean=True).centred(33.0)
    assert centred.background + 33.0 / 255 * (centred.ink - centred.background) == pytest.approx(0, abs=1e-15)


def test_centred_changes_nothing_that_keeps_its_mean() -> None:
    assert Preparation(ink=2.0).centred(51.0) == Preparation(ink=2.0)


def test_side_is_grown_by_padding_on_both_ends_or_set() -> None:
    assert [Preparation(padding=2).side(), Preparation(resize=32).side(), Preparation().side()] == [
        32,
        32,
        28,
    ]


def test_padding_and_resize_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="padding and resize are mutually exclusive; keep one of them"):
        Preparation(padding=2, resize=32)


@pytest.mark.parametrize("given", [{}, {"value": 1.0, "values": (1.0,)}])
def test_a_claim_has_a_value_or_values(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="a claim has either `value` or `values`"):
        Claim.model_validate({"quantity": "test_loss", "where": "p. 1", **given})


def test_claims_do_not_share_their_overrides() -> None:
    first, second = (Claim(quantity="test_loss", value=1.0, where="p. 1") for _ in range(2))
    first.overrides["epochs"] = 2
    assert second.overrides == {}


def test_cosine_rises_evenly_then_falls_to_nothing() -> None:
    schedule = Cosine(warm_up_epochs=2.0)
    factors = [schedule.factor(done, 12) for done in (0.5, 1, 2, 7, 12)]
    assert factors == pytest.approx([0.25, 0.5, 1, 0.5, 0])
    assert Cosine().factor(0, 10) == 1


def test_a_field_as_it_is_by_default_leaves_the_digest() -> None:
    recipe = catalogue.load("archaeology")
    for override in ("averaged_epochs=0", "objective.label_smoothing=0.0", 'initial={kind="pytorch"}'):
        assert catalogue.load("archaeology", [override]).digest == recipe.digest
    assert catalogue.load("archaeology", ['initial={kind="he"}']).digest != recipe.digest
