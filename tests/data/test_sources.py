"""What is written down of each data set hangs together, and fits the real files."""

import hashlib
import re
from pathlib import Path

import pytest

from lenet5.data import sources
from lenet5.data.sources import DATA_SETS, EMNIST, DataSet
from lenet5.errors import DataError

ALL = pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=list(DATA_SETS))


def test_fourteen_sets_are_known() -> None:
    emnist = ["emnist-digits", "emnist-letters", "emnist-balanced"]
    own = ["uci-digits", "mnist-deslanted", "mnist-16x16", "rough-digits", "digit-neighbours", "signs", "ardis"]
    assert list(DATA_SETS) == ["mnist", "fashion-mnist", "kmnist", "qmnist", *emnist, *own]


@ALL
def test_every_set_has_its_classes_and_a_train_and_a_test_part(data_set: DataSet) -> None:
    counts = {"emnist-letters": 26, "emnist-balanced": 47, "rough-digits": 11, "digit-neighbours": 11, "signs": 5}
    assert len(set(data_set.class_names)) == counts.get(data_set.name, 10)
    assert [part.name for part in data_set.parts][:2] == ["train", "test"]


@ALL
def test_every_part_names_files_of_its_set(data_set: DataSet) -> None:
    named = {name for part in data_set.parts for name in (part.images, part.labels) if name}
    assert named == {file.name for file in data_set.files}


@ALL
def test_every_digest_of_a_fetched_set_is_a_whole_sha256_or_md5(data_set: DataSet) -> None:
    for file in data_set.files if data_set.mirrors else ():
        assert re.fullmatch("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", file.digest)


@ALL
def test_every_set_with_files_has_two_mirrors_or_more_unless_it_is_put_here_by_hand(data_set: DataSet) -> None:
    assert len(data_set.mirrors) >= 2 or not data_set.files or data_set in EMNIST
    assert all(re.fullmatch("https?://.+/", mirror) for mirror in data_set.mirrors)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_digests_and_sizes_are_those_of_the_real_files(mnist_folder: Path, name: str) -> None:
    if not (mnist_folder / name).is_dir():
        pytest.skip(f"no {name} at hand")
    for file in sources.get(name).files:
        content = (mnist_folder / name / file.name).read_bytes()
        assert len(content) == file.bytes
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == file.digest


def test_an_unknown_set_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(DataError, match='no data set is called "fashion"; did you mean "fashion-mnist"'):
        sources.get("fashion")


def test_an_unknown_part_is_an_error_that_names_the_parts() -> None:
    with pytest.raises(DataError, match='kmnist has no part "validation"; its parts are train, test'):
        sources.KMNIST.part("validation")
