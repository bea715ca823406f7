"""Every row of Figures 9 to 12 of the 1998 paper: what was published, and what stands for it here.

A row is a recipe, where it is a network trained as a whole, or a classifier of this package. Costs are in thousands.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from lenet5.errors import RecipeError
from lenet5.methods.boosting import Boosted
from lenet5.methods.contract import Classifier
from lenet5.methods.linear import Linear, Pairwise
from lenet5.methods.memory import FeatureNeighbours, LocalLearning
from lenet5.methods.neighbours import NearestNeighbours
from lenet5.methods.quadratic import PrincipalQuadratic
from lenet5.methods.radial import Radial
from lenet5.methods.reduced_set import ReducedSet
from lenet5.methods.support import SupportVectors
from lenet5.methods.tangent import TangentDistance

REGULAR, DESLANTED, SMALL = "mnist", "mnist-deslanted", "mnist-16x16"
SIDES = {REGULAR: 28, DESLANTED: 20, SMALL: 16}  # pixels in the middle that a classifier sees


@dataclass(frozen=True)
class Row:
    """One method of the comparison.

    title          as the figures name it
    error          test error in percent (Figure 9), printed in steps of `step`
    rejected       percent of the test patterns to reject for 0.5 % error among the others (Figure 10)
    multiply_adds  thousands for one digit (Figure 11)
    memory         thousands of numbers (Figure 12)
    make           makes the classifier; None where the row is a recipe
    data           the set on which a classifier is fitted
    recipe         its name, where the row is a network

    Where the figures give one cost for a method on two sets, it stands beside the set that it belongs to: 4 thousand
    are the 401 x 10 weights of the linear classifier of 20x20 pixels.
    """

    title: str
    error: float
    step: float = 0.1
    rejected: float | None = None
    multiply_adds: float | None = None
    memory: float | None = None
    make: Callable[[], Classifier] | None = None
    data: str = REGULAR
    recipe: str | None = None


ROWS: dict[str, Row] = {
    "linear": Row("linear", 12.0, make=Linear),
    "linear-deslanted": Row("linear, deslanted", 8.4, make=Linear, data=DESLANTED, multiply_adds=4, memory=4),
    "pairwise": Row("pairwise linear", 7.6, multiply_adds=36, memory=35, make=Pairwise),
    "neighbours": Row("K-NN", 5.0, make=NearestNeighbours),
    "neighbours-deslanted": Row(
        "K-NN, deslanted",
        2.4,
        rejected=8.1,
        multiply_adds=24_000,
        memory=24_000,
        make=NearestNeighbours,
        data=DESLANTED,
    ),
    "quadratic": Row("40 PCA + quadratic", 3.3, multiply_adds=39, memory=40, make=PrincipalQuadratic),
    "radial": Row("1000 RBF + linear", 3.6, multiply_adds=794, memory=794, make=Radial),
    "svm-4": Row("SVM poly 4", 1.1, rejected=1.8, multiply_adds=14_000, memory=14_000, make=SupportVectors),
    "rs-svm-5": Row("RS-SVM poly 5", 1.0, multiply_adds=650, memory=650, make=ReducedSet),
    "v-svm-9": Row(
        "V-SVM poly 9, distorted",
        0.8,
        multiply_adds=28_000,
        memory=28_000,
        make=lambda: SupportVectors(degree=9, virtual=True),
    ),
    "tangent": Row(
        "tangent distance, 16x16",
        1.1,
        rejected=1.9,
        multiply_adds=20_000,
        memory=25_000,
        make=TangentDistance,
        data=SMALL,
    ),
    "mlp-300": Row("28x28-300-10", 4.7, recipe="mlp-300"),
    "mlp-300-distortions": Row("28x28-300-10, distorted", 3.6, recipe="mlp-300-distortions"),
    "mlp-300-deslanted": Row(
        "20x20-300-10, deslanted", 1.6, rejected=3.2, multiply_adds=123, memory=123, recipe="mlp-300-deslanted"
    ),
    "mlp-1000": Row("28x28-1000-10", 4.5, multiply_adds=795, memory=795, recipe="mlp-1000"),
    "mlp-1000-distortions": Row("28x28-1000-10, distorted", 3.8, recipe="mlp-1000-distortions"),
    "mlp-300-100": Row("28x28-300-100-10", 3.05, step=0.05, multiply_adds=267, memory=267, recipe="mlp-300-100"),
    "mlp-300-100-distortions": Row("28x28-300-100-10, distorted", 2.5, recipe="mlp-300-100-distortions"),
    "mlp-500-150": Row("28x28-500-150-10", 2.95, step=0.05, multiply_adds=469, memory=469, recipe="mlp-500-150"),
    "mlp-500-150-distortions": Row("28x28-500-150-10, distorted", 2.45, step=0.05, recipe="mlp-500-150-distortions"),
    "lenet-1": Row("LeNet-1, 16x16", 1.7, rejected=3.7, multiply_adds=100, memory=3, recipe="lenet-1"),
    "lenet-4": Row("LeNet-4", 1.1, rejected=1.8, multiply_adds=260, memory=17, recipe="lenet-4"),
    "lenet-4-local": Row(
        "LeNet-4 with local learning", 1.1, rejected=1.4, multiply_adds=20_000, memory=24_000, make=LocalLearning
    ),
    "lenet-4-neighbours": Row(
        "LeNet-4 with K-NN", 1.1, rejected=1.6, multiply_adds=10_000, memory=24_000, make=FeatureNeighbours
    ),
    "lecun-1998": Row("LeNet-5", 0.95, step=0.05, multiply_adds=401, memory=60, recipe="lecun-1998"),
    "lecun-1998-distortions": Row("LeNet-5, distorted", 0.8, recipe="lecun-1998-distortions"),
    "lenet-4-boosted": Row("boosted LeNet-4, distorted", 0.7, rejected=0.5, multiply_adds=460, memory=51, make=Boosted),
}


def get(name: str) -> Row:
    """Return a row by its name. Raises RecipeError for an unknown one."""
    if name in ROWS:
        return ROWS[name]
    near = difflib.get_close_matches(name, ROWS, n=1)
    meant = f'Did you mean "{near[0]}"? ' if near else ""
    raise RecipeError(f'there is no method "{name}". {meant}The methods are {", ".join(ROWS)}.')
