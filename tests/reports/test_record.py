"""The record that comes with the package: what goes in comes out, in few bytes."""

from math import nan
from pathlib import Path

import pytest

from lenet5.recipes import catalogue
from lenet5.reports import record
from lenet5.reports.claim_values import Outcome, settings
from lenet5.reports.record import Settings
from lenet5.reports.reproduction import merged, units_for, verdicts
from lenet5.training.history import EpochScores, StepRow

RECIPE = catalogue.load("archaeology")


def run(seed: int, epochs: int = 6) -> Outcome:
    rows = tuple(
        EpochScores(n, 1875 * n, 0.12345678 / n, 58_500, 60_000, nan, 9800 + n, 10_000, 2.0, 50_000_000)
        for n in range(1, epochs + 1)
    )
    return Outcome(seed, rows, (StepRow(100, 0.5), StepRow(200, 0.25)))


def kept(path: Path, runs: list[Outcome], monkeypatch: pytest.MonkeyPatch, *, epochs: int = 6) -> list[Outcome]:
    recipe = catalogue.load("archaeology", [f"epochs={epochs}"])
    key = settings(recipe)
    record.write(path / record.NAME, {key: runs}, {key: Settings("archaeology", recipe, frozenset({200}))})
    with monkeypatch.context() as patch:
        patch.setattr(record.resources, "files", lambda _: path)
        return record.read()[key]


def test_counts_come_back_exactly_and_losses_to_four_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = kept(tmp_path, [run(7)], monkeypatch)
    assert found.seed == 7
    assert [(row.test_correct, row.test_images) for row in found.epochs] == [(9800 + n, 10_000) for n in range(1, 7)]
    assert found.epochs[0].train_error_percent == 2.5
    assert found.epochs[0].train_loss == 0.1235
    assert [row.step for row in found.steps] == [200]
    assert str(found.epochs[0].test_loss) == "nan"


def test_the_same_runs_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, [run(1)], monkeypatch)
    first = (tmp_path / record.NAME).read_bytes()
    kept(tmp_path, [run(1)], monkeypatch)
    assert (tmp_path / record.NAME).read_bytes() == first


def test_long_runs_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = kept(tmp_path, [run(1, epochs=310)], monkeypatch, epochs=310)
    assert [row.epoch for row in found.epochs][-2:] == [300, 310]


def test_a_fresh_run_takes_the_place_of_the_recorded_one_of_its_seed() -> None:
    one, two, fresh, three = run(1), run(2), run(2, epochs=3), run(3)  # the same objects: nan equals nothing
    assert merged({"a": [one, two]}, {"a": [fresh], "b": [three]}) == {"a": [one, fresh], "b": [three]}


def test_one_run_serves_all_claims_of_its_settings() -> None:
    """The claims on 6 epochs with batches of 32 are read from the runs of 10 epochs."""
    units = units_for(["archaeology"], 2, "native")
    assert sorted((unit.recipe.batch_size, unit.recipe.epochs) for unit in units if unit.seed == 1) == [
        (32, 10), (64, 10), (1024, 10), (4096, 100),
    ]  # fmt: skip
    assert {verdict.word for verdict in verdicts("archaeology", {}) if verdict.runs} == set()


def test_short_runs_get_thirty_seeds_and_long_ones_ten() -> None:
    counts = {recipe: len(units_for([recipe], None, "native")) for recipe in ("sunnyhaze", "lab-report")}
    assert counts == {"sunnyhaze": 30, "lab-report": 10}
    assert units_for(["sigmoid-fashion"], None, "native") == []
