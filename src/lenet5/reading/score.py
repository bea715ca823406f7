"""Evaluation of a reader on labelled pictures of numbers: correct strings, edit distance, rejections."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

from lenet5 import metrics
from lenet5.data.labelled import Labelled
from lenet5.reading.reader import Reader

NORMAL_95 = 1.959964  # standard deviations
REJECTED = "?"


@dataclass(frozen=True)
class Score:
    """What a reader did on n pictures, each with one number.

    exact       strings that are read as they are labelled
    rejected    strings with an unsure digit, and those in which none was found; never exact
    digits      in all labels
    edits       digits inserted, left out or changed to get from the labels to the answers; "?" is a changed one
    wrong       the pictures that are not exact, with what was read
    """

    n: int
    exact: int
    rejected: int
    digits: int
    edits: int
    edit_interval_percent: tuple[float, float]
    wrong: tuple[tuple[Labelled, str], ...]

    @property
    def exact_percent(self) -> float:
        """Strings read exactly, of all."""
        return 100 * self.exact / self.n

    @property
    def exact_interval_percent(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of the share of exact strings."""
        return metrics.wilson_interval_percent(self.exact, self.n)

    @property
    def rejected_percent(self) -> float:
        """Strings rejected, of all."""
        return 100 * self.rejected / self.n

    @property
    def edit_percent(self) -> float:
        """Digits to edit for a hundred digits of the labels."""
        return 100 * self.edits / self.digits


def score(reader: Reader, pictures: Iterable[Labelled], observer: Callable[[int], None] = lambda _: None) -> Score:
    """Read labelled pictures and count; spaces and new lines in what is read do not count.

    observer  is told after each picture how many are done

    Raises ReadingError where a picture cannot be opened.
    """
    wrong, lengths, edits, exact, rejected = [], [], [], 0, 0
    for done, picture in enumerate(pictures, 1):
        answer = "".join("".join(number.text for number in page.numbers) for page in reader.read_all(picture.path))
        lengths.append(len(picture.label))
        edits.append(edit_distance(picture.label, answer))
        exact += answer == picture.label
        rejected += not answer or REJECTED in answer
        if answer != picture.label:
            wrong.append((picture, answer))
        observer(done)
    interval = edit_interval_percent(edits, lengths)
    return Score(len(lengths), exact, rejected, sum(lengths), sum(edits), interval, tuple(wrong))


def edit_distance(label: str, answer: str) -> int:
    """Return how few characters must be inserted, left out or changed to make one string the other."""
    row = list(range(len(answer) + 1))
    for above, wanted in enumerate(label, 1):
        corner, row[0] = row[0], above
        for place, given in enumerate(answer, 1):
            corner, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, corner + (wanted != given))
    return row[-1]


def edit_interval_percent(edits: list[int], lengths: list[int]) -> tuple[float, float]:
    """Return the 95 % interval of the edits for a hundred digits, as a ratio of two means over strings.

    Edits of one string come together, so strings and not digits are what is drawn. One string has no interval: NaN.
    """
    n, total = len(edits), sum(lengths)
    if n < 2:
        return float("nan"), float("nan")
    rate = sum(edits) / total
    spread = sum((edit - rate * length) ** 2 for edit, length in zip(edits, lengths, strict=True))
    half = NORMAL_95 * sqrt(spread * n / (n - 1)) / total
    return 100 * max(0.0, rate - half), 100 * (rate + half)
