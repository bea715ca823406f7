"""The compared classifiers, on shapes whose right answers are known by hand, and on a few real digits."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import rotate
from sklearn.svm import SVC

from lenet5.data.datasets import load
from lenet5.errors import RecipeError
from lenet5.methods.catalogue import ROWS, SIDES, get
from lenet5.methods.linear import Linear, Pairwise, pair_votes
from lenet5.methods.memory import LocalLearning
from lenet5.methods.neighbours import NearestNeighbours, squared_distances, voted
from lenet5.methods.quadratic import PrincipalQuadratic, products
from lenet5.methods.radial import Radial
from lenet5.methods.reduced_set import ReducedSet, distance, fitted
from lenet5.methods.run import run
from lenet5.methods.support import Polynomial, SupportVectors, shifted, trained, unit_rows
from lenet5.methods.tangent import tangent_distances, tangents

LABELS = np.arange(100) % 10


@pytest.fixture
def marks(random: np.random.Generator) -> np.ndarray:
    """A bright pixel in a place of its own for each of ten classes, in faint noise: (100, 12, 12)."""
    images = random.integers(0, 60, (100, 12, 12), dtype=np.uint8)
    images[np.arange(100), 1 + LABELS, 1 + LABELS] = 255
    return images


@pytest.mark.parametrize(
    "classifier",
    [
        Linear(),
        Pairwise(),
        NearestNeighbours(k=3),
        PrincipalQuadratic(components=12),
        Radial(units=20),
        SupportVectors(degree=2),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_each_classifier_tells_ten_marks_apart(classifier: object, marks: np.ndarray) -> None:
    classifier.fit(marks, LABELS, 1)  # type: ignore[attr-defined]
    scores = classifier.scores(marks)  # type: ignore[attr-defined]
    assert scores.shape == (100, 10)
    assert (scores.argmax(axis=1) == LABELS).mean() > 0.9


def test_costs_are_those_of_the_figures() -> None:
    # 401 x 10; 785 x 45; 40 x 784 + 861 x 10; 1,000 x 784 + 1,001 x 10 (Figures 11 and 12, in thousands).
    pixels, classes = np.zeros((100, 28, 28), np.uint8), LABELS
    pixels[np.arange(100), classes, classes] = 255
    linear, pairwise, quadratic = Linear(), Pairwise(), PrincipalQuadratic()
    linear.fit(pixels[:, :20, :20], classes, 1)
    pairwise.fit(pixels, classes, 1)
    quadratic.fit(pixels, classes, 1)
    assert (linear.memory, pairwise.memory, quadratic.memory) == (4_010, 35_325, 39_970)
    assert Radial(centres=np.zeros((1000, 784)), weights=np.zeros((1001, 10))).memory == 794_010


def test_a_pair_votes_for_its_first_class_and_against_its_second() -> None:
    votes = pair_votes()
    assert votes.shape == (45, 10)
    assert votes[0].tolist() == [1, -1, *[0] * 8]
    assert (np.abs(votes).sum(axis=0) == 9).all()


def test_distances_are_those_of_euclid(random: np.random.Generator) -> None:
    a, b = random.random((4, 9)), random.random((6, 9))
    assert np.allclose(squared_distances(a, b), ((a[:, None] - b) ** 2).sum(axis=2))


def test_the_majority_of_three_neighbours_wins_and_the_nearest_breaks_ties() -> None:
    distances = np.array([[1.0, 2.0, 3.0, 9.0], [1.0, 2.0, 9.0, 3.0]])
    labels = np.array([4, 7, 7, 5])
    assert voted(distances, labels, 3).argmax(axis=1).tolist() == [7, 4]


def test_machines_trained_in_parts_are_those_trained_on_all_images_at_once(mnist_folder: Path) -> None:
    train = load("mnist", "train", mnist_folder).cut(0, 800, "train")
    points, kernel = unit_rows(train.images), Polynomial(3)
    machines, _ = trained(points, train.labels, kernel, 10.0, first=100)
    ours = machines.scores(points)
    for c in range(10):
        whole = SVC(C=10.0, kernel="precomputed").fit(kernel(points, points), train.labels == c)
        assert np.allclose(ours[:, c], whole.decision_function(kernel(points, points)), atol=0.05)


def test_few_fitted_vectors_decide_as_the_support_vectors_do(mnist_folder: Path) -> None:
    train, test = (load("mnist", part, mnist_folder).cut(0, 500, part) for part in ("train", "test"))
    whole, reduced = SupportVectors(degree=3), ReducedSet(degree=3, vectors=20, steps=30)
    for each in (whole, reduced):
        each.fit(train.images, train.labels, 1)
    assert whole.machines is not None
    assert reduced.memory == 10 * 20 * (784 + 1) < whole.memory
    assert (reduced.scores(test.images).argmax(1) == whole.scores(test.images).argmax(1)).mean() > 0.95


def test_the_fit_of_a_reduced_set_follows_the_gradient_of_its_distance(random: np.random.Generator) -> None:
    kernel, support, start = Polynomial(3), random.normal(size=(30, 6)), random.normal(size=(4, 6))
    coefficients = random.normal(size=30)
    before, _ = distance(kernel, support, coefficients, start)
    after, _ = distance(kernel, support, coefficients, fitted(kernel, support, coefficients, start, steps=50))
    assert after < before


def test_two_features_have_five_terms_of_the_second_degree() -> None:
    assert sorted(products(np.array([[2.0, 5.0]]))[0].tolist()) == [2.0, 4.0, 5.0, 10.0, 25.0]


def test_a_shift_moves_a_pixel_and_loses_what_leaves_the_image() -> None:
    image = np.zeros((1, 3, 3), np.uint8)
    image[0, 0, 2] = 9
    assert shifted(image, 1, 0)[0, 1, 2] == 9
    assert not shifted(image, 0, 1).any()


def test_a_turned_stroke_is_near_by_tangent_distance_only() -> None:
    stroke = np.zeros((16, 16))
    stroke[3:13, 7:9] = 1.0
    smooth = np.stack([rotate(stroke, angle, reshape=False, order=1) for angle in (0, 8)]).astype(np.float32)
    flat, planes = smooth.reshape(2, -1), tangents(smooth)
    (near,) = tangent_distances(flat[0], planes[0], flat[1:], planes[1:])
    assert near < 0.35 * squared_distances(flat[:1], flat[1:])[0, 0]


def test_tangents_are_orthonormal(random: np.random.Generator) -> None:
    basis = tangents(random.random((3, 16, 16)).astype(np.float32))
    assert np.allclose(basis @ basis.transpose(0, 2, 1), np.eye(7), atol=1e-5)


def test_local_learning_with_all_images_and_no_decay_is_the_global_classifier(random: np.random.Generator) -> None:
    features, labels = random.random((60, 120)).astype(np.float32), np.arange(60) % 10
    local = LocalLearning(prototypes=features, labels=labels, neighbours=60, ridge=1e6)
    local.whole = np.zeros((121, 10))
    assert np.abs(local._scores(features[:5])).max() < 0.01  # a strong decay keeps what all images said


def test_a_quick_fit_of_real_digits_beats_guessing(mnist_folder: Path) -> None:
    result = run(ROWS["linear-deslanted"], 1, mnist_folder, quick=True)
    assert (result.train_images, result.test_images) == (6000, 1000)
    assert 5 < result.error_percent < 25
    assert load("mnist-deslanted", "test", mnist_folder).images.shape[1] - 2 * 4 == SIDES["mnist-deslanted"]


def test_an_unknown_method_gets_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r'no method "linaer"\. Did you mean "linear"'):
        get("linaer")
