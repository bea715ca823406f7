"""Put a trained model among those that come with the package.

python results/ship.py RUN [TWIN]

RUN is a finished run of a recipe, or its model file; the model goes to src/lenet5/models/weights/. One that was trained
on every training image has none left to be calibrated on: then TWIN is a run of the same recipe that kept some back
(lenet5 train NAME --set validation=10000), and its calibration is taken.
"""

import sys
from dataclasses import replace
from pathlib import Path

from lenet5.models import file


def main(run: Path, twin: Path | None) -> None:
    """Write the model file."""
    model = file.read(run / "model.safetensors" if run.is_dir() else run)
    if twin:
        calibration = file.read(twin / "model.safetensors").card.calibration
        if calibration is None:
            sys.exit(f"{twin}: kept no images back, so its model has no calibration")
        words = f"{calibration.images}, by a twin that did not see them"
        calibration = calibration.model_copy(update={"images": words})
        model = replace(model, card=model.card.model_copy(update={"calibration": calibration}))
    target = file.WEIGHTS / f"{model.card.recipe}.safetensors"
    file.write(model, target)
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
