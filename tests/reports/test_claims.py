"""Which published figures belong to a run."""

from lenet5.recipes import catalogue
from lenet5.reports.claims import applicable, published_accuracy
from lenet5.training.history import EpochScores


def rows(*steps: int) -> list[EpochScores]:
    return [EpochScores(n, step, 0.1, 98, 100, 0.1, 98, 100, 1, 1) for n, step in enumerate(steps, start=1)]


def test_six_epochs_of_batch_32_have_three_published_figures() -> None:
    published = published_accuracy(catalogue.load("archaeology"), rows(*range(1875, 11251, 1875)))
    assert published == {1: 97.56, 3: 98.58, 6: 98.97}


def test_another_batch_size_has_its_own_figures() -> None:
    recipe = catalogue.load("archaeology", overrides=["batch_size=1024", "epochs=3"])
    assert published_accuracy(recipe, rows(59, 118, 177)) == {1: 17.92, 3: 88.54}


def test_another_learning_rate_or_data_set_has_none() -> None:
    for change in ("optimizer.lr=0.02", "data=fashion-mnist"):
        assert applicable(catalogue.load("archaeology", overrides=[change])) == []


def test_another_seed_keeps_the_figures() -> None:
    assert applicable(catalogue.load("archaeology", overrides=["seed=7"]))


def test_a_published_history_is_laid_beside_each_epoch() -> None:
    published = published_accuracy(catalogue.load("sunnyhaze"), rows(6000, 12000))
    assert published == {1: 94.19, 2: 96.23}


def test_a_figure_placed_by_its_step_is_found() -> None:
    steps = [*range(938, 20000, 938), 20000]
    assert published_accuracy(catalogue.load("scratch"), rows(*steps)) == {22: 98.61}


def test_the_figure_of_the_last_pass_is_not_laid_beside_an_earlier_one() -> None:
    recipe = catalogue.load("lecun-1998", overrides=["epochs=2"])
    assert published_accuracy(recipe, rows(60_000, 120_000)) == {1: 97.35, 2: 97.76}
