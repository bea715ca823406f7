"""Distorted images: bytes that stay, values by hand, SciPy for the rest."""

import numpy as np
import pytest
from scipy import ndimage

from lenet5.data.distort import KINDS, REACH, affine, drawn, drawn_bends
from lenet5.data.warp import warp
from lenet5.spec.distortion import Distortion

EACH = Distortion(translation=3.0, scaling=0.2, squeezing=0.3, shearing=0.4, rotation=20.0)
AMPLITUDES = np.array([3.0, 3.0, 0.2, 0.3, 0.4, 20.0])


@pytest.fixture
def images(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (150, 28, 28), dtype=np.uint8)  # ink up to the edge; more than two chunks


@pytest.fixture
def square() -> np.ndarray:
    ink = np.zeros((28, 28), np.uint8)
    ink[9:19, 9:19] = 255
    return ink


def distorted(images: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    return warp(images, affine(parameters), None, REACH)


def distort(image: np.ndarray, **parameters: float) -> np.ndarray:
    return distorted(image[None], np.array([[parameters.get(kind, 0.0) for kind in KINDS]]))[0]


def width_and_height(image: np.ndarray) -> tuple[float, float]:
    return image[14].sum() / 255, image[:, 14].sum() / 255


def from_scipy(
    image: np.ndarray, right: float, down: float, scale: float, squeeze: float, shear: float, degrees: float
) -> np.ndarray:
    """Y, X = turn · shear · squeeze · scale · (y, x) + (down, right), seen from the middle, each as a matrix."""
    shears, squeezes = np.array([[1, 0], [-shear, 1]]), np.diag([1 / (1 + squeeze), 1 + squeeze])
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turns = np.array([[cosine, sine], [-sine, cosine]])
    inverse = np.linalg.inv(turns @ shears @ squeezes * (1 + scale))
    offset = 13.5 - inverse @ (13.5 + np.array([down, right]))
    # "grid-constant": around the image lies 0; with "constant", half a pixel outside it would be 0 at once
    return ndimage.affine_transform(image.astype(float), inverse, offset, order=1, mode="grid-constant")


def test_no_distortion_leaves_every_byte(images: np.ndarray) -> None:
    assert distorted(images, np.zeros((150, 6))).tobytes() == images.tobytes()


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, 2), (-4, 5), (1, -27)])
def test_whole_pixels_move_exactly_and_what_enters_is_background(images: np.ndarray, right: int, down: int) -> None:
    around = np.pad(images[0], 28)
    expected = around[28 - down : 56 - down, 28 - right : 56 - right]
    assert np.array_equal(distort(images[0], right=right, down=down), expected)


def test_ink_moved_by_a_part_of_a_pixel_is_shared_and_rounded_to_the_nearest() -> None:
    ink = np.zeros((28, 28), np.uint8)
    ink[10, 10] = 101
    assert distort(ink, right=0.25)[10, 9:13].tolist() == [0, 76, 25, 0]  # 75.75 and 25.25
    assert distort(ink, down=-0.25)[8:12, 10].tolist() == [0, 25, 76, 0]


def test_ink_at_the_edge_fades_into_the_background() -> None:
    full = np.full((28, 28), 200, np.uint8)
    assert distort(full, right=0.5)[14, [0, 1, 27]].tolist() == [100, 200, 200]
    assert distort(full, down=-0.5)[[0, 26, 27], 14].tolist() == [200, 200, 100]


@pytest.mark.parametrize("parameters", [{"right": 99.0}, {"right": -99.0}, {"down": 99.0}, {"down": -99.0}])
def test_what_moves_out_of_the_picture_is_gone(images: np.ndarray, parameters: dict[str, float]) -> None:
    assert not distort(images[0], **parameters).any()


@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_each_kind_agrees_with_scipy(images: np.ndarray, random: np.random.Generator, kind: str) -> None:
    parameters = drawn(EACH, 150, random)
    parameters[:, [kind not in (name, "all") for name in KINDS]] = 0
    ours = distorted(images, parameters)
    for image, row, mine in zip(images, parameters, ours, strict=True):
        assert np.abs(mine - from_scipy(image, *row)).max() < 2.6  # a 256th of a pixel either way, and half a level


def test_positive_scaling_enlarges(square: np.ndarray) -> None:
    assert width_and_height(distort(square, scaling=0.2)) == pytest.approx((12, 12), abs=0.01)
    assert width_and_height(distort(square, scaling=-0.2)) == pytest.approx((8, 8), abs=0.01)


def test_positive_squeezing_widens_and_flattens(square: np.ndarray) -> None:
    # a pixel samples a soft edge, it does not measure it: lengths between whole pixels come out 0.1 off
    assert width_and_height(distort(square, squeezing=0.25)) == pytest.approx((12.5, 8), abs=0.11)
    assert width_and_height(distort(square, squeezing=-0.2)) == pytest.approx((8, 12.5), abs=0.11)


def test_positive_shearing_leans_to_the_right_as_italics_do(square: np.ndarray) -> None:
    leaning = distort(square, shearing=0.5)
    left = [int(leaning[line].argmax()) for line in range(9, 19)]
    assert left == sorted(left, reverse=True)  # from the top down, each line begins further left
    assert left[0] - left[-1] in (4, 5)  # ten lines, nine steps of half a pixel
    assert leaning.sum() == pytest.approx(square.sum(), rel=0.001)


def test_an_image_is_distorted_alike_in_whatever_company(images: np.ndarray, random: np.random.Generator) -> None:
    parameters = drawn(EACH, 150, random)
    alone = [distorted(images[i : i + 1], parameters[i : i + 1])[0] for i in range(150)]
    assert np.array_equal(distorted(images, parameters), alone)


def test_no_images_stay_no_images() -> None:
    assert distorted(np.zeros((0, 28, 28), np.uint8), np.zeros((0, 6))).shape == (0, 28, 28)


def test_parameters_lie_evenly_within_their_amplitudes(random: np.random.Generator) -> None:
    parameters = drawn(EACH, 10_000, random)
    assert (np.abs(parameters) <= AMPLITUDES).all()
    for share in (-0.5, 0.0, 0.5):
        below = (parameters < share * AMPLITUDES).mean(axis=0)
        assert np.abs(below - (1 + share) / 2).max() < 0.025  # 5 standard deviations


def test_each_parameter_is_drawn_on_its_own(random: np.random.Generator) -> None:
    correlation = np.corrcoef(drawn(EACH, 10_000, random).T)
    assert np.abs(correlation - np.eye(6)).max() < 0.05  # 5 standard deviations


def test_what_has_no_amplitude_stays(random: np.random.Generator) -> None:
    assert np.abs(drawn(Distortion(scaling=0.1), 9, random)).max(axis=0).astype(bool).tolist() == [0, 0, 1, 0, 0, 0]


def test_positive_rotation_turns_clockwise() -> None:
    ink = np.zeros((28, 28), np.uint8)
    ink[4:8, 13:15] = 255  # above the middle
    turned = distort(ink, rotation=90)
    assert turned[13:15, 20:24].min() > 200  # to the right of it
    assert turned.sum() == pytest.approx(ink.sum(), rel=0.02)


def test_bends_move_nodes_evenly_up_to_their_amplitude(random: np.random.Generator) -> None:
    bends = drawn_bends(Distortion(bending=2.0), 2000, random)
    assert bends.shape == (2000, 2, 7, 7)
    assert bends.min() == -512
    assert bends.max() == 512
    assert abs(bends.mean()) < 5 * 296 / bends.size**0.5
    assert drawn_bends(Distortion(translation=1.0), 9, random) is None


def test_the_same_bend_at_all_nodes_moves_the_whole_image(images: np.ndarray) -> None:
    bends = np.zeros((1, 2, 7, 7), np.int32)
    bends[:, 0] = 3 * 256  # looks ink up three pixels further right: it moves to the left
    moved = warp(images[:1], affine(np.zeros((1, 6))), bends, REACH)[0].astype(int)
    expected = distort(images[0], right=-3).astype(int)
    assert np.abs(moved - expected).max() <= 3 * 255 // 128 + 1  # the reach sums to 255 or 256 of 256


def test_one_node_bends_its_neighbourhood_alone(images: np.ndarray) -> None:
    bends = np.zeros((1, 2, 7, 7), np.int32)
    bends[0, :, 1, 1] = 2 * 256  # at the upper left corner of the image
    bent = warp(images[:1], affine(np.zeros((1, 6))), bends, REACH)[0]
    assert not np.array_equal(bent[:7, :7], images[0, :7, :7])
    assert np.array_equal(bent[14:, :], images[0, 14:, :])
    assert np.array_equal(bent[:, 14:], images[0, :, 14:])
