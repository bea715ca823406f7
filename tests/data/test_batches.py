"""The order of an epoch, its batches, and what each batch holds."""

from pathlib import Path

import numpy as np
import pytest

from lenet5.data import idx
from lenet5.data.batches import Examples, batches, examples_for_epoch, order
from lenet5.data.prepare import prepare
from lenet5.spec.distortion import Distortion
from lenet5.spec.preparation import Preparation

FLIPPING = Preparation(flip="horizontal", padding=2)
THREE = Distortion(copies=3, translation=2.0, scaling=0.1, squeezing=0.1, shearing=0.1)


@pytest.fixture
def images(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (1000, 28, 28), dtype=np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    return np.arange(1000)


def test_a_shuffled_epoch_shows_each_image_once() -> None:
    shown = order(1000, seed=1, epoch=1, sampling="shuffled")
    assert shown.dtype == np.int64
    assert np.array_equal(np.sort(shown), np.arange(1000))


def test_independent_sampling_misses_about_a_third_of_the_images() -> None:
    shown = order(10_000, seed=1, epoch=1, sampling="independent")
    assert shown.dtype == np.int64
    assert shown.shape == (10_000,)
    assert abs(len(np.unique(shown)) / 10_000 - (1 - 1 / np.e)) < 0.015  # about 5 standard deviations


@pytest.mark.parametrize("sampling", ["shuffled", "independent"])
def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else(sampling: str) -> None:
    first, again, epoch_2, seed_2 = (
        order(50, seed, epoch, sampling).tolist() for seed, epoch in ((1, 1), (1, 1), (1, 2), (2, 1))
    )
    assert first == again
    assert first not in (epoch_2, seed_2)


def test_the_order_of_epoch_17_is_what_it_always_was() -> None:
    assert order(8, seed=1, epoch=17, sampling="shuffled").tolist() == [5, 7, 0, 6, 2, 1, 3, 4]


def test_a_constant_order_is_random_and_the_same_in_every_epoch() -> None:
    first, second, seed_2 = (order(1000, seed, epoch, "constant") for seed, epoch in ((1, 1), (1, 2), (2, 1)))
    assert np.array_equal(first, second)
    assert np.array_equal(np.sort(first), np.arange(1000))
    for other in (np.arange(1000), seed_2, order(1000, 1, 1, "shuffled")):
        assert not np.array_equal(first, other)


def test_batches_cut_the_order_and_the_last_may_be_smaller() -> None:
    assert [batch.tolist() for batch in batches(np.arange(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_batches_that_are_done_are_left_out() -> None:
    assert [batch.tolist() for batch in batches(np.arange(7), 3, start=1)] == [[3, 4, 5], [6]]
    assert batches(np.arange(7), 3, start=3) == []


def test_inputs_are_the_prepared_images(images: np.ndarray, labels: np.ndarray) -> None:
    chosen = np.array([7, 3, 3])
    examples = examples_for_epoch(Examples(images, labels, Preparation()), seed=1, epoch=1)
    assert examples.flips is None
    assert np.array_equal(examples.inputs(chosen), prepare(images[chosen], Preparation()))


def test_about_half_of_the_images_are_flipped_and_others_in_each_epoch(
    images: np.ndarray,
    labels: np.ndarray,
) -> None:
    first, second, again = (
        examples_for_epoch(Examples(images, labels, FLIPPING), 1, epoch).flips for epoch in (1, 2, 1)
    )
    assert first is not None
    assert 420 < first.sum() < 580  # 500, give or take 5 standard deviations
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_an_image_is_flipped_in_whatever_batch_it_comes(
    images: np.ndarray,
    labels: np.ndarray,
) -> None:
    flips = np.zeros(1000, bool)
    flips[3] = True
    inputs = Examples(images, labels, FLIPPING, flips).inputs(np.array([7, 3]))
    assert np.array_equal(inputs[0], prepare(images[7:8], FLIPPING)[0])
    assert np.array_equal(inputs[1], prepare(images[3:4, :, ::-1], FLIPPING)[0])


def test_images_on_the_disk_stay_there(tmp_path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    idx.write(tmp_path / "images", images)
    mapped = idx.read(tmp_path / "images")
    examples = examples_for_epoch(Examples(mapped, labels, FLIPPING), seed=1, epoch=1)
    assert examples.images is mapped
    assert examples.inputs(np.array([0, 999])).shape == (2, 1, 32, 32)


def shown(
    images: np.ndarray, labels: np.ndarray, epoch: int, seed: int = 1, distortion: Distortion = THREE
) -> Examples:
    return examples_for_epoch(Examples(images, labels, Preparation()), seed, epoch, distortion=distortion)


def test_each_image_and_each_of_its_copies_is_shown_once_in_copies_plus_1_epochs(
    images: np.ndarray,
    labels: np.ndarray,
) -> None:
    epochs = [shown(images, labels, epoch) for epoch in (1, 2, 3, 4)]
    pictures = {image.tobytes() for epoch in epochs for image in epoch.images}
    assert [epoch.images.shape for epoch in epochs] == [(1000, 28, 28)] * 4
    assert len(pictures) == 4000
    assert pictures >= {image.tobytes() for image in images}
    assert (np.bincount(np.concatenate([epoch.labels for epoch in epochs])) == 4).all()


def test_an_epoch_mixes_images_and_copies(images: np.ndarray, labels: np.ndarray) -> None:
    originals = {image.tobytes() for image in images}
    unchanged = sum(image.tobytes() in originals for image in shown(images, labels, 1).images)
    assert 180 < unchanged < 320  # 250, give or take 5 standard deviations


def test_after_copies_plus_1_epochs_the_same_pictures_come_again(images: np.ndarray, labels: np.ndarray) -> None:
    first, second, fifth = (shown(images, labels, epoch) for epoch in (1, 2, 5))
    assert fifth.images.tobytes() == first.images.tobytes()
    assert np.array_equal(fifth.labels, first.labels)
    assert second.images.tobytes() != first.images.tobytes()


def test_another_seed_shows_other_distortions(images: np.ndarray, labels: np.ndarray) -> None:
    first, second = (
        {image.tobytes() for epoch in (1, 2, 3, 4) for image in shown(images, labels, epoch, seed).images}
        for seed in (1, 2)
    )
    assert first & second == {image.tobytes() for image in images}


def test_the_distorted_epoch_3_is_what_it_always_was(labels: np.ndarray) -> None:
    ramps = np.zeros((4, 28, 28), np.uint8) + np.arange(0, 252, 9, dtype=np.uint8)
    epoch = shown(ramps, labels[:4], epoch=3)
    assert epoch.labels.tolist() == [3, 3, 1, 2]
    assert epoch.images[:, 14, 14].tolist() == [126, 120, 121, 126]


def test_labels_go_with_their_images() -> None:
    greys = np.arange(250)
    blocks = np.zeros((250, 28, 28), np.uint8)
    blocks[:, 8:20, 8:20] = greys[:, None, None]  # no distortion moves its edge to the middle
    for epoch in (1, 2, 3, 4):
        examples = shown(blocks, greys, epoch)
        assert np.array_equal(examples.images[:, 14, 14], examples.labels)


def test_distorted_images_are_flipped_as_others_are(images: np.ndarray, labels: np.ndarray) -> None:
    examples = Examples(images, labels, FLIPPING)
    plain, distorted = (examples_for_epoch(examples, 1, 2, distortion=distortion) for distortion in (None, THREE))
    assert np.array_equal(plain.flips, distorted.flips)
    assert np.array_equal(distorted.images, shown(images, labels, 2).images)


def test_the_examples_themselves_stay_as_they_were(images: np.ndarray, labels: np.ndarray) -> None:
    before = images.copy()
    shown(images, labels, 1)
    assert np.array_equal(images, before)
    assert np.array_equal(labels, np.arange(1000))
