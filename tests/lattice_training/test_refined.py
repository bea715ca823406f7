from pathlib import Path

import pytest

from lenet5.cli.refine import refine
from lenet5.engines import registry
from lenet5.errors import ModelError, RunError
from lenet5.lattice_training.refined import refined, with_new_card
from lenet5.lattice_training.train import Schedule
from lenet5.models import shipped


def test_a_model_without_the_class_not_a_digit_is_refused_before_any_work() -> None:
    with pytest.raises(ModelError, match='ten digits and "not a digit"'):
        refined(shipped.read("modern"), registry.get("numpy", "cpu"), Schedule())


def test_a_target_without_a_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        refine(tmp_path / "none" / "model.safetensors")


@pytest.mark.slow  # makes 22,500 rough digits
def test_the_shipped_model_measured_again_has_its_card(mnist_folder: Path) -> None:
    shown = shipped.read("digits").card
    again = with_new_card(shipped.read("digits"), registry.get("native", "cpu"), mnist_folder).card
    assert shown.calibration
    assert again.calibration
    assert again.test_accuracy_percent == pytest.approx(shown.test_accuracy_percent, abs=0.02)  # 3 of 15,000: rounding
    assert again.calibration.temperature == pytest.approx(shown.calibration.temperature, abs=1e-3)
