"""Models that cannot answer: refused at the start, or by a problem; never a number that JSON does not know."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from serving import Running

from lenet5.models import file
from lenet5.models.model import Model


def without_names(model: Model) -> Model:
    return replace(model, card=model.card.model_copy(update={"class_names": ()}))


def cold(model: Model) -> Model:
    assert model.card.calibration is not None
    calibration = model.card.calibration.model_copy(update={"temperature": 0.0})
    return replace(model, card=model.card.model_copy(update={"calibration": calibration}))


@pytest.mark.parametrize("change", [without_names, cold])
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


def test_scores_beyond_numbers_are_a_problem(
    serve: Callable[..., Running], overflowing: Path, images: NDArray[np.uint8]
) -> None:
    server = serve("--model", str(overflowing))

    def sent(image: NDArray[np.uint8]) -> bytes:
        return json.dumps({"images": [image.tolist()]}).encode()

    for path in ("/v1/predict", "/v1/explain"):
        answer = server.ask(path, sent(images[0]), "application/json")
        assert (answer.status, answer.problem) == (422, "no-answer")
        assert server.ask(path, sent(np.zeros((28, 28), np.uint8)), "application/json").status == 200
    photograph = np.kron(np.pad(255 - images[0], 20, constant_values=255), np.ones((4, 4), np.uint8))
    answer = server.ask("/v1/read", _png(photograph))
    assert answer.status in (200, 422)
    assert b"NaN" not in answer.content
    assert b"Infinity" not in answer.content


def _png(pixels: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
