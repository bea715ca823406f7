"""Every number of the five publications stands in a recipe as a claim."""

from collections import Counter

import pytest

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim, Quantity
from lenet5.training.diagnosis import loss_crossing, lowest_test_loss, overfitting_onset

# By batch size: MB, seconds an epoch, accuracy at epochs 1, 3 and 10, last train and test loss, onset.
BATCH_SIZES = {
    32: (240, 19.86, 97.56, 98.58, 98.89, 0.0167, 0.0434, 6),
    64: (306, 16.66, 96.14, 98.46, 98.82, 0.0193, 0.0362, 5),
    1024: (344, 14.33, 17.92, 88.54, 95.09, 0.1551, 0.1472, 0),
    4096: (700, 13.81, 10.28, 10.28, 74.70, 1.1473, 0.7630, 0),
}
AT_ONSET = {32: (0.0283, 0.0340, 98.97), 64: (0.0414, 0.0437, 98.66)}


def claims(recipe: str, quantity: Quantity, **place: int | str | None) -> list[Claim]:
    """Return the claims of one quantity whose fields or overrides are those of `place`."""
    return [
        claim
        for claim in catalogue.load(recipe).claims
        if claim.quantity == quantity
        and all(claim.overrides.get(key, getattr(claim, key, None)) == value for key, value in place.items())
    ]


def value(recipe: str, quantity: Quantity, **place: int | str | None) -> object:
    (claim,) = claims(recipe, quantity, **place)
    return claim.value


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_archaeology_has_the_whole_table_of_batch_sizes(batch_size: int) -> None:
    place = {"batch_size": batch_size, "epochs": 10}
    assert BATCH_SIZES[batch_size] == (
        value("archaeology", "memory_megabytes", **place),
        value("archaeology", "seconds_per_epoch", **place),
        *(value("archaeology", "test_accuracy_percent", epoch=epoch, **place) for epoch in (1, 3, 10)),
        value("archaeology", "train_loss", epoch=10, **place),
        value("archaeology", "test_loss", epoch=10, **place),
        value("archaeology", "loss_crossing_epoch" if batch_size == 64 else "lowest_test_loss_epoch", **place),
    )


@pytest.mark.parametrize("batch_size", AT_ONSET)
def test_archaeology_has_the_losses_where_overfitting_begins(batch_size: int) -> None:
    place = {"batch_size": batch_size, "epochs": 10, "epoch": BATCH_SIZES[batch_size][-1]}
    quantities: tuple[Quantity, ...] = ("train_loss", "test_loss", "test_accuracy_percent")
    assert tuple(value("archaeology", quantity, **place) for quantity in quantities) == AT_ONSET[batch_size]


def test_the_two_onset_rules_give_the_published_epochs_on_the_published_curves() -> None:
    curves = {}
    for batch_size in (32, 64):
        for quantity in ("train_loss", "test_loss"):
            (curve,) = (claim for claim in claims("archaeology", quantity, batch_size=batch_size) if claim.values)
            curves[batch_size, quantity] = curve.values
            for claim in claims("archaeology", quantity, batch_size=batch_size):
                assert claim.epoch is None or curve.values[claim.epoch - 1] == claim.value
    assert lowest_test_loss(curves[32, "test_loss"]) == 6
    assert loss_crossing(curves[64, "train_loss"], curves[64, "test_loss"]) == 5
    # The rule that the text states gives neither.
    assert [overfitting_onset(curves[size, "train_loss"], curves[size, "test_loss"]) for size in (32, 64)] == [4, 4]


def test_archaeology_has_the_run_of_100_epochs() -> None:
    place = {"batch_size": 4096, "epochs": 100, "epoch": 100}
    assert value("archaeology", "test_accuracy_percent", **place) == 97.69
    assert value("archaeology", "train_loss", **place) == 0.0591
    assert value("archaeology", "test_loss", **place) == 0.0704
    assert value("archaeology", "seconds_per_epoch", **place) == 13.64


def test_archaeology_contradicts_itself_on_its_best_run() -> None:
    best = [claim for claim in claims("archaeology", "test_accuracy_percent", epoch=6) if not claim.overrides]
    assert [claim.value for claim in best] == [98.97, 98.79]
    assert all("98.97" in claim.note for claim in best)


def test_archaeology_counts_12_batches_where_there_are_15() -> None:
    (claim,) = claims("archaeology", "train_batches")
    assert claim.value == 12
    assert catalogue.load("archaeology", overrides=["batch_size=4096"]).steps_per_epoch(60_000) == 15


def test_archaeology_has_so_many_claims_of_each_quantity() -> None:
    assert Counter(claim.quantity for claim in catalogue.load("archaeology").claims) == {
        "test_accuracy_percent": 4 * 3 + 2 + 1 + 2,  # batch sizes, onsets, 100 epochs, best run
        "train_loss": 7 + 2,  # two curves
        "test_loss": 7 + 2,
        "lowest_test_loss_epoch": 3 + 1,  # and after 100 epochs
        "loss_crossing_epoch": 1,
        "memory_megabytes": 4,
        "seconds_per_epoch": 6,
        "total_seconds": 1,
        "train_batches": 1,
        "train_images": 1,
        "test_images": 1,
        "card_teraflops": 2,
        "alexnet_times_larger": 1,
        "parameters": 13,
        "output_shape": 12,
        "original_accuracy_percent": 1,
        "original_days_per_epoch": 2,
        "original_total_days": 2,
        "original_slowness": 1,
    }


def test_lab_report_reaches_97_4_percent_in_79_batches() -> None:
    assert value("lab-report", "test_accuracy_percent") == 97.4
    assert value("lab-report", "test_batches") == 79
    assert -(-10_000 // catalogue.load("lab-report").batch_size) == 79


def test_sunnyhaze_has_31_epochs_of_history() -> None:
    train = claims("sunnyhaze", "train_accuracy_percent")[0].values
    test = claims("sunnyhaze", "test_accuracy_percent")[0].values
    assert (len(train), train[0], train[30], round(sum(train), 2)) == (31, 85.11, 99.30, 3035.23)
    assert (len(test), test[0], test[30], round(sum(test), 2)) == (31, 94.19, 98.05, 3021.32)


def test_sunnyhaze_is_over_98_percent_in_its_last_epoch_alone() -> None:
    history, over = claims("sunnyhaze", "test_accuracy_percent")
    assert (over.value, over.bound, over.epoch) == (98, "at_least", 31)
    assert [epoch for epoch, accuracy in enumerate(history.values, start=1) if accuracy >= 98] == [31]


def test_sunnyhaze_has_its_first_and_last_mean_loss() -> None:
    assert value("sunnyhaze", "train_loss", epoch=1) == 0.0294
    assert value("sunnyhaze", "train_loss", epoch=31) == 0.0021


@pytest.mark.parametrize("recipe", ["scratch", "scratch-as-printed"])
def test_scratch_has_the_numbers_of_its_run(recipe: str) -> None:
    assert value(recipe, "test_accuracy_percent") == 98.61
    assert value(recipe, "test_images_correct") == 9861
    assert [round(float(str(claim.value)), 4) for claim in claims(recipe, "step_loss")] == [
        0.0022,
        0.0012,
        0.0195,
    ]
    assert [claim.step for claim in claims(recipe, "step_loss")] == [19_250, 19_500, 19_750]
    assert (value(recipe, "total_seconds"), value(recipe, "converged_by_step")) == (1800, 10_000)


def test_scratch_counts_the_fixed_codes_of_1998_as_trainable() -> None:
    (claim,) = claims("scratch", "original_parameters", layer=None)
    assert (claim.value, "60,000 are" in claim.note) == (60_840, True)
    assert value("scratch", "original_connections", layer=None) == 340_908


def test_sigmoid_fashion_publishes_no_accuracy() -> None:
    quantities = {claim.quantity for claim in catalogue.load("sigmoid-fashion").claims}
    assert quantities == {"output_shape", "parameters", "kernel_size", "original_year"}
