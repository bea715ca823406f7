"""Claims of a publication, and the choices that it leaves to our recipe, as data."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from lenet5.spec.specification import Specification

# Quantities that start with `original_` refer to the network of 1998, not to the recipe's own.
Quantity = Literal[
    "test_accuracy_percent",
    "train_accuracy_percent",
    "test_error_percent",
    "train_error_percent",
    "train_loss",
    "test_loss",
    "step_loss",
    "test_images_correct",
    "test_batches",
    "train_batches",
    "overfitting_onset_epoch",
    "lowest_test_loss_epoch",
    "loss_crossing_epoch",
    "parameters",
    "connections",
    "output_shape",
    "converged_by_step",
    "seconds_per_epoch",
    "total_seconds",
    "memory_megabytes",
    "train_images",
    "test_images",
    "kernel_size",
    "alexnet_times_larger",
    "card_teraflops",
    "published_weights_accuracy_percent",
    "test_seconds",
    "test_batches_per_second",
    "counting_milliseconds",
    "original_parameters",
    "original_connections",
    "original_units",
    "original_output_shape",
    "original_year",
    "original_accuracy_percent",
    "original_error_percent",
    "original_days_per_epoch",
    "original_total_days",
    "original_slowness",
]


class Source(Specification):
    """The publication that a recipe comes from."""

    title: str
    author: str
    year: int | None = None
    address: str = ""
    language: str = ""
    sets_out_to: str = ""


class Claim(Specification):
    """One published number, or one published row of numbers.

    quantity   the measured quantity; its name ends with the unit. `train_batches` counts the batches of one epoch;
               `original_slowness` is the ratio of the duration of an epoch in 1998 to ours; `alexnet_times_larger`
               compares parameters; `published_weights_accuracy_percent` is the test accuracy of weights that the
               source publishes; `counting_milliseconds` is the time to count the correct answers of a finished test
    value      the number; for `output_shape`, the shape; an epoch number of 0 means "never"
    values     a number for each epoch, from the first
    rounding   step to which the number was rounded: 0.1 means that 97.4 stands for 97.35 to 97.45; 0: exact
    bound      "equal", or "at_least" / "at_most" where the source says "over" or "about ... at most"
    overrides  overrides of the recipe that the claim is about, such as {"batch_size": 1024}
    epoch, step, layer   the point of the run or network to which the number belongs; by default the last epoch
    where      the location in the source
    contradicted   True when the source contradicts the number elsewhere, or the 1998 paper contradicts what the source
                   says of it; the note explains how
    note       remarks that a reader needs to judge the claim
    """

    quantity: Quantity
    value: float | tuple[int, ...] | None = None
    values: tuple[float, ...] = ()
    rounding: Annotated[float, Field(ge=0)] = 0.0
    bound: Literal["equal", "at_least", "at_most"] = "equal"
    overrides: dict[str, int | float | str] = Field(default_factory=dict)
    epoch: PositiveInt | None = None
    step: PositiveInt | None = None
    layer: str | None = None
    where: str
    contradicted: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.value is None) == (not self.values):
            raise ValueError("a claim has either `value` or `values`")
        return self


class Comparison(Specification):
    """One statement of a publication about two ways of training, judged on pairs of runs with the same seed.

    says      the statement, as close to the source's words as English allows
    quantity  what is compared: `test_error_percent` after the last step; `mean_train_loss` over the whole run, which is
              small where the loss falls fast; or `late_loss_deviation`, the standard deviation of the batch losses
              reported in the second half
    change    what differs in the second way of training, such as {"optimizer.momentum": 0.99}
    set       what differs from the recipe in both
    expected  whether the change makes the quantity "lower", or does not ("not lower"), by the statement
    where     the place in the source
    note      what a reader must know to judge it
    """

    says: str
    quantity: Literal["test_error_percent", "mean_train_loss", "late_loss_deviation"]
    change: dict[str, int | float | str]
    set: dict[str, int | float | str] = Field(default_factory=dict)
    expected: Literal["lower", "not lower"]
    where: str
    note: str = ""


class Difference(Specification):
    """A point on which the source is silent or contradicts itself, and what the recipe does instead."""

    topic: str
    source: str
    ours: str
    effect: str = ""
