"""LeNet-5 as a scikit-learn estimator: in a pipeline, cross-validated, beside other classifiers.

    python examples/pipeline.py

Uses the 1,797 digits of 8 x 8 pixels that come with scikit-learn. Prints the mean accuracy of three folds for logistic
regression, nearest neighbours and LeNet-5.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import lenet5

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--images", type=int, default=1797)
parser.add_argument("--epochs", type=int, default=10)
given = parser.parse_args()


def brightened(pixels):
    """Return rows of pixels, 0 to 16, stretched so that the darkest ink of each image is 16."""
    return 16 * pixels / np.maximum(pixels.max(axis=1, keepdims=True), 1)


pixels, labels = load_digits(return_X_y=True)
pixels, labels = pixels[: given.images], labels[: given.images]
for classifier in (
    LogisticRegression(max_iter=2000),
    KNeighborsClassifier(3),
    lenet5.LeNet5Classifier(epochs=given.epochs, batch_size=8, random_state=0),
):
    model = make_pipeline(FunctionTransformer(brightened), classifier)
    accuracies = cross_val_score(model, pixels, labels, cv=3)
    print(f"{type(classifier).__name__}: {100 * accuracies.mean():.1f} %")
