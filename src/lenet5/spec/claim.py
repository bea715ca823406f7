"""What a publication states, and where our recipe has to choose: data, never prose in a program."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from lenet5.spec.plan import Plan

# What starts with `original_` is said about the network of 1998, not about the recipe's own.
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


class Source(Plan):
    """Where a recipe comes from."""

    title: str
    author: str
    year: int | None = None
    address: str = ""
    language: str = ""
    sets_out_to: str = ""


class Claim(Plan):
    """One published number, or one published row of numbers.

    quantity   what is measured; the unit ends its name. `train_batches` are those of one epoch; `original_slowness`
               says how many times longer an epoch took in 1998; `alexnet_times_larger` compares parameters;
               `published_weights_accuracy_percent` is the test accuracy of weights that the source gives away;
               `counting_milliseconds` is the time to count the correct answers of a test that has been run
    value      the number; or, for `output_shape`, the shape; an epoch's number of 0 says "never"
    values     a number for each epoch, from the first
    rounding   the step in which the number was printed: 0.1 says that 97.4 stands for 97.35 to 97.45; 0: exact
    bound      "equal", or "at_least" / "at_most" where the source says "over" or "about ... at most"
    overrides  what differs from the recipe as it stands, such as {"batch_size": 1024}
    epoch, step, layer   where in the run, or in the network, the number is read; the last epoch if not given
    where      the place in the source
    contradicted   the source contradicts the number elsewhere; what it says of 1998, the paper contradicts.
                   The note says how
    note       what a reader must know to judge it
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


class Comparison(Plan):
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


class Difference(Plan):
    """One place where the source is silent, or contradicts itself, and what the recipe does there."""

    topic: str
    source: str
    ours: str
    effect: str = ""
