"""Inputs made from pixels: values by hand, and PyTorch for the interpolation."""

import tracemalloc

import numpy as np
import pytest
import torch

from lenet5.data.prepare import mean_pixel, prepare, resized
from lenet5.errors import ShapeError
from lenet5.spec.preparation import Preparation

LECUN = Preparation(background=-0.1, ink=1.175, padding=2)


@pytest.fixture
def images(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (5, 28, 28), dtype=np.uint8)


def test_both_ends_of_the_scale_are_exact() -> None:
    ends = np.zeros((1, 28, 28), np.uint8)
    ends[0, 0, 0] = 255
    inputs = prepare(ends, LECUN)[0, 0, 2:-2, 2:-2]
    assert inputs[0, 0] == np.float32(1.175)
    assert inputs[0, 1] == np.float32(-0.1)


def test_pixel_51_is_a_fifth_of_the_way() -> None:
    fifth = np.full((1, 28, 28), 51, np.uint8)
    assert prepare(fifth, Preparation(background=-1.0, ink=1.0))[0, 0, 0, 0] == np.float32(-0.6)


def test_a_negative_padding_takes_lines_away(images: np.ndarray) -> None:
    whole = prepare(images, Preparation())
    assert (prepare(images, Preparation(padding=-4)) == whole[:, :, 4:-4, 4:-4]).all()


def test_padding_has_the_value_of_the_background(images: np.ndarray) -> None:
    inputs = prepare(images, LECUN)
    edge = np.ones((32, 32), bool)
    edge[2:-2, 2:-2] = False
    assert (inputs[:, 0, edge] == np.float32(-0.1)).all()


@pytest.mark.parametrize(
    "preparation", [Preparation(), LECUN, Preparation(resize=32)], ids=["plain", "padded", "resized"]
)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_inputs_are_contiguous_float32_of_the_right_shape(
    images: np.ndarray,
    preparation: Preparation,
    count: int,
) -> None:
    inputs = prepare(images[:count], preparation)
    assert inputs.shape == (count, 1, preparation.side(), preparation.side())
    assert inputs.dtype == np.float32
    assert inputs.flags.c_contiguous


@pytest.mark.parametrize("side", [14, 28, 32, 33, 64])
def test_resizing_agrees_with_pytorch(images: np.ndarray, side: int) -> None:
    ours = prepare(images, Preparation(resize=side))
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(images / 255)[:, None], size=(side, side), mode="bilinear", align_corners=False
    )
    assert np.abs(ours - theirs.numpy()).max() < 1e-6  # float32, values 0..1, sums of 4 terms


def test_resizing_two_pixels_to_four_gives_the_quarters_worked_by_hand() -> None:
    line = resized(np.array([[[0.0, 8.0], [0.0, 8.0]]]), 4)[0, 0]
    assert line.tolist() == [0.0, 2.0, 6.0, 8.0]


def test_one_pixel_is_stretched_to_itself_everywhere() -> None:
    assert (resized(np.full((1, 1, 1), 7.0), 3) == 7).all()


def test_a_mean_that_is_not_known_yet_is_an_error(images: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"mean that is not known yet; first use preparation.centred"):
        prepare(images, Preparation(subtract_mean=True))


def test_centred_inputs_have_mean_zero(images: np.ndarray) -> None:
    centred = Preparation(subtract_mean=True).centred(mean_pixel(images))
    assert abs(prepare(images, centred).mean(dtype=np.float64)) < 1e-7  # float32 pixels, rounded at random


@pytest.mark.parametrize("wrong", [np.zeros((2, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((1, 8, 8), np.uint8)])
def test_other_images_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"expected uint8 \(N, 28, 28\)"):
        prepare(wrong, Preparation())


def test_the_mean_is_exact_and_takes_no_copy() -> None:
    many = np.full((5000, 28, 28), 200, np.uint8)
    many[0, 0, 0] = 0
    tracemalloc.start()
    mean = mean_pixel(many)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert mean == 200 - 200 / many.size
    assert taken < many.nbytes / 10


def test_no_images_have_no_mean() -> None:
    with pytest.raises(ShapeError, match="no images"):
        mean_pixel(np.zeros((0, 28, 28), np.uint8))
