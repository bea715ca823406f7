"""The rows of a history: counts are whole numbers, and the rows of earlier versions can be read."""

from pathlib import Path

import pytest

from lenet5.training import history
from lenet5.training.history import EpochRow, History

ROW = EpochRow(2, 100, 0.5, 58_501, 60_000, 0.4, 9861, 10_000, 1.5, 10**8, 0.01, 4e4, 0.3, 59_000, 60_000)
EARLIER = {
    "event": "epoch", "epoch": 2, "step": 100, "learning_rate": 0.01, "train_loss": 0.5,
    "train_accuracy_percent": 100 * 58_501 / 60_000, "test_loss": 0.4, "test_accuracy_percent": 98.61, "seconds": 1.5,
    "images_per_second": 4e4, "peak_memory_bytes": 10**8, "train_loss_after": None,
    "train_accuracy_after_percent": None,
}  # fmt: skip


def test_percentages_follow_from_counts() -> None:
    assert (ROW.test_accuracy_percent, ROW.test_error_percent, ROW.test_errors) == (98.61, 1.39, 139)
    assert ROW.train_accuracy_percent + ROW.train_error_percent == pytest.approx(100)
    assert ROW.train_accuracy_after_percent == pytest.approx(98 + 1 / 3)


def test_a_file_has_counts_with_percentages_beside_them(tmp_path: Path) -> None:
    own = History(tmp_path / "history.jsonl", [])
    own.add(ROW)
    assert history.read(tmp_path / "history.jsonl") == [ROW]
    values = history.to_values(ROW)
    assert set(EARLIER) <= set(values)
    assert (values["test_correct"], values["test_accuracy_percent"]) == (9861, 98.61)


def test_a_row_of_an_earlier_version_keeps_its_percentages_and_gets_its_counts_back() -> None:
    row = history.from_values(dict(EARLIER), "here")
    assert isinstance(row, EpochRow)
    assert row.test_accuracy_percent == EARLIER["test_accuracy_percent"]
    assert row.train_accuracy_percent == EARLIER["train_accuracy_percent"]
    assert row.train_accuracy_after_percent is None
    whole = history.resized(history.from_values(EARLIER | {"test_accuracy_percent": 98.5}, "here"), 10_000)
    assert isinstance(whole, EpochRow)
    assert (whole.test_correct, whole.test_images) == (9850, 10_000)
