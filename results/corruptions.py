"""Keep the accuracy of every shipped model of digits on the suite of corrupted images: results/corruptions.json.

LENET5_DATA=FOLDER python results/corruptions.py
"""

import json
from pathlib import Path

import lenet5
from lenet5.data.datasets import load
from lenet5.inference.corruptions import corrupted
from lenet5.inference.evaluation import evaluate
from lenet5.models import shipped
from lenet5.spec.digits import knows_digits

KEPT = Path(__file__).parent / "corruptions.json"


def main() -> None:
    """Measure all and keep it: corruption -> model -> accuracy in percent, on MNIST's 10,000 test images."""
    models = {name: lenet5.load(name) for name in shipped.names() if knows_digits(shipped.read(name).card.class_names)}
    kept = {
        name: {model: round(evaluate(predictor, images).accuracy_percent, 2) for model, predictor in models.items()}
        for name, images in corrupted(load("mnist", "test"))
    }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
