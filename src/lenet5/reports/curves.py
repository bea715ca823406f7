"""Loss and accuracy against the epoch, with the values written at the points."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lenet5.reports import style
from lenet5.training.history import EpochRow, StepRow

LABELLED = 10  # epochs; a longer curve has no values written at its points


def curves(
    rows: Sequence[EpochRow], *, title: str, subtitle: str = "", published: Mapping[int, float] | None = None
) -> Figure:
    """Return two panels: loss, and accuracy in percent, for training and test set.

    published  test accuracy in percent by epoch, drawn as hollow marks
    """
    with style.styled():
        drawn = style.figure(10, 4.3)
        drawn.suptitle(f"{title}\n{subtitle}" if subtitle else title, x=0.01, ha="left", fontsize=12)
        loss, accuracy = drawn.subplots(1, 2)
        epochs = [row.epoch for row in rows]
        _loss_panel(loss, epochs, rows)
        _accuracy_panel(accuracy, epochs, rows, published or {})
        for axes in (loss, accuracy):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.margins(x=0.08)
            axes.legend(loc="best")
        return drawn


def step_losses(rows: Sequence[StepRow], *, title: str) -> Figure:
    """Return the losses of single batches against the step, on a logarithmic scale."""
    with style.styled():
        drawn = style.figure(8, 3.6)
        axes = drawn.subplots()
        axes.semilogy([row.step for row in rows], [row.loss for row in rows], color=style.TRAIN, lw=1)
        axes.set_title(title, loc="left")
        axes.set_xlabel("step")
        axes.set_ylabel("loss of one batch")
        return drawn


def _loss_panel(axes: Axes, epochs: list[int], rows: Sequence[EpochRow]) -> None:
    train, test = [row.train_loss for row in rows], [row.test_loss for row in rows]
    axes.plot(epochs, train, "o-", ms=3.5, color=style.TRAIN, label="train, mean over the epoch")
    after = [(row.epoch, row.train_loss_after) for row in rows if row.train_loss_after is not None]
    if after:
        axes.plot(*zip(*after, strict=True), ":", color=style.TRAIN, label="train, after the epoch")
    axes.plot(epochs, test, "o-", ms=3.5, color=style.TEST, label="test, after the epoch")
    axes.set_title("loss", loc="left")
    axes.margins(y=0.16)
    for index in _labelled(test):
        above_is_train = train[index] >= test[index]
        _write(axes, epochs[index], train[index], f"{train[index]:.3f}", style.TRAIN_TEXT, above=above_is_train)
        _write(axes, epochs[index], test[index], f"{test[index]:.3f}", style.TEST, above=not above_is_train)


def _accuracy_panel(axes: Axes, epochs: list[int], rows: Sequence[EpochRow], published: Mapping[int, float]) -> None:
    train, test = [row.train_accuracy_percent for row in rows], [row.test_accuracy_percent for row in rows]
    axes.plot(epochs, train, "o-", ms=3.5, color=style.TRAIN, label="train, mean over the epoch")
    axes.plot(epochs, test, "o-", ms=3.5, color=style.TEST, label="test, after the epoch")
    if published:
        epochs_published, percent = list(published), list(published.values())
        axes.plot(epochs_published, percent, "D", ms=7, mfc="none", mec=style.PUBLISHED, label="test, published")
    axes.set_title("accuracy, %", loc="left")
    # The test set sets the scale: the first epoch's running training mean would squeeze all else together.
    seen = [*test, *published.values()]
    room = 0.25 * (max(seen) - min(seen)) + 0.1
    axes.set_ylim(min(seen) - room, min(max([*seen, *train]) + room, 100 + room))
    for index in _labelled([-value for value in test]):
        mark = published.get(epochs[index])
        above = test[index] >= mark if mark is not None else test[index] >= train[index]
        _write(axes, epochs[index], test[index], f"{test[index]:.2f}", style.TEST, above=above)


def _labelled(values: Sequence[float]) -> list[int]:
    """Return which points get their value written: all of a short run; of a long one first, lowest and last."""
    if len(values) <= LABELLED:
        return list(range(len(values)))
    lowest = min(range(len(values)), key=values.__getitem__)
    apart = len(values) // 8  # labels closer than this would run into each other
    chosen = [0, len(values) - 1]
    return sorted([*chosen, lowest] if all(abs(lowest - other) > apart for other in chosen) else chosen)


def _write(axes: Axes, x: float, y: float, text: str, colour: str, *, above: bool) -> None:
    offset, anchor = (8, "bottom") if above else (-8, "top")
    axes.annotate(
        text, (x, y), (0, offset), textcoords="offset points", ha="center", va=anchor, fontsize=8, color=colour
    )
