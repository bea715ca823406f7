"""Reading by RapidOCR, an open text recognizer of today (PP-OCRv4 in ONNX): `pip install rapidocr-onnxruntime`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps


@dataclass(frozen=True)
class Answer:
    """What was read, with the names that `lenet5.reading.page.Page` has for it. RapidOCR voices no doubt."""

    text: str
    digits: int
    notes: tuple[str, ...] = ()


class RapidOcr:
    """Text detection and recognition; a picture in which no text is detected is recognized whole."""

    def __init__(self) -> None:
        """Load the networks, which come with the package."""
        from rapidocr_onnxruntime import RapidOCR

        self._engine = RapidOCR(intra_op_num_threads=1)

    def read(self, image: Any) -> Answer:
        """Read a picture file, or an array (H, W) or (H, W, 3) uint8."""
        opened = Image.open(image) if isinstance(image, str | Path) else Image.fromarray(image)
        picture = ImageOps.exif_transpose(opened)
        pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]
        found, _ = self._engine(pixels)
        if found:
            text = "\n".join(line[1] for line in found)
        else:
            found, _ = self._engine(pixels, use_det=False, use_cls=False)
            text = "\n".join(line[0] for line in found or [])
        return Answer(text, sum(letter.isdigit() for letter in text))
