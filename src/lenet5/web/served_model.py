"""A served model, which computes one batch at a time. Its scores are finite: `models/range.py`."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from lenet5 import api, files, metrics
from lenet5.engines import registry
from lenet5.engines.contract import Float
from lenet5.inference.predictor import Predictor
from lenet5.models import file, shipped
from lenet5.spec.digits import knows_digits
from lenet5.web.batching import Batcher, Pixels
from lenet5.web.limits import Limits


class ServedModel:
    """One model.

    source  a shipped model's name, a model file or a run folder

    Raises ModelError, EngineError.
    """

    def __init__(self, source: str, limits: Limits, engine: str = registry.AUTO, device: str = registry.AUTO) -> None:
        self.source, self.name = source, Path(source).name.removesuffix(".safetensors")
        self.predictor: Predictor = api.load(source, engine=engine, device=device)
        self.digest = files.file_sha256(_file(Path(source)))
        self.limits = limits
        self.facts = self._facts()
        # The native kernels compute each image of a batch with the same order of additions. Matrix products of other
        # engines may depend on the batch size, so images are passed one by one.
        self._alone = registry.get(engine, device).name != "native"
        # One thread: the model computes one batch at a time while the event loop continues.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"model {self.name}")
        self.batcher = Batcher(
            self._scores, self._thread, queue_images=limits.queue_images, batch_images=limits.batch_images
        )

    async def answers(self, images: Pixels) -> list[dict[str, Any]]:
        """Return the predictions of /v1/predict for images (N, 28, 28). Raises Problem."""
        return self._said(await self.batcher.scores(images, self.limits.predict_seconds))

    async def explanation(self, image: Pixels) -> bytes:
        """Return the response of /v1/explain for one image (1, 28, 28), as JSON. Raises Problem."""
        answer = (await self.answers(image))[0]
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._explain, image, answer)

    def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False)

    def _scores(self, images: Pixels) -> Float:
        if self._alone:
            return np.concatenate([self.predictor.scores(image[None]) for image in images])
        return self.predictor.scores(images)

    def _said(self, scores: Float) -> list[dict[str, Any]]:
        names = self.predictor.class_names
        probabilities = metrics.softmax(scores / np.float32(self.predictor.temperature))
        rounded = np.round(probabilities.astype(np.float64), 6).tolist()
        best = scores.argmax(axis=1).tolist()
        margins = np.round(metrics.margin(scores).astype(np.float64), 4).tolist()
        return [
            {"text": names[index], "index": index, "probability": row[index], "margin": margin, "probabilities": row}
            for index, row, margin in zip(best, rounded, margins, strict=True)
        ]

    def _explain(self, image: Pixels, answer: dict[str, Any]) -> bytes:
        layers = [
            {
                "name": name,
                "shape": list(values.shape[1:]),
                "values": np.round(values[0].astype(np.float64), 5).tolist(),
            }
            for name, values in self.predictor.activations(image).items()
        ]
        content = {"model": self.name, "digest": self.digest, "answer": answer, "layers": layers}
        return json.dumps(content).encode()

    def _facts(self) -> dict[str, Any]:
        model = self.predictor.model
        names = model.card.class_names
        return {
            "name": self.name,
            "digest": self.digest,
            "parameters": sum(array.size for array in model.weights.values()),
            "class_names": list(names),
            "reads": knows_digits(names),
            "card": model.card.model_dump(mode="json"),
        }


def _file(source: Path) -> Path:
    """Return the file that `api.load` reads for this source."""
    if shipped.is_shipped(source):
        return file.WEIGHTS / f"{source}.safetensors"
    return source / "model.safetensors" if source.is_dir() else source
