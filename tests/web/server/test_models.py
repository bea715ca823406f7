"""Models that cannot answer: refused when the server starts."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lenet5.models import file
from lenet5.models.model import Model


def without_names(model: Model) -> Model:
    return replace(model, card=model.card.model_copy(update={"class_names": ()}))


def cold(model: Model) -> Model:
    assert model.card.calibration is not None
    calibration = model.card.calibration.model_copy(update={"temperature": 0.0})
    return replace(model, card=model.card.model_copy(update={"calibration": calibration}))


def overflowing(model: Model) -> Model:
    """Multiply each layer's weights until what they give is beyond float32."""
    return replace(model, weights={name: array * np.float32(1e20) for name, array in model.weights.items()})


@pytest.mark.parametrize("change", [without_names, cold, overflowing])
def test_a_model_that_cannot_answer_is_not_served(tmp_path: Path, change: Callable[[Model], Model]) -> None:
    path = tmp_path / "changed.safetensors"
    file.write(change(file.read(file.WEIGHTS / "modern.safetensors")), path)
    said = subprocess.run(
        [sys.executable, "-m", "lenet5", "serve", "--port", "0", "--model", str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.startswith("error: ")
    assert "Traceback" not in said.stderr
    assert "Warning" not in said.stderr
