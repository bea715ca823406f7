"""A user's own labelled images: every layout, any size, fixed splits, and what is said of them."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lenet5.data import datasets, idx
from lenet5.data.own import dataset as own
from lenet5.errors import DataError, IdxError, ShapeError
from lenet5.recipes import catalogue

Bytes = NDArray[np.uint8]


def bars(count: int, side: int = 28) -> tuple[Bytes, NDArray[np.int64]]:
    """Images of two classes, alternating: a bar that stands (0), a bar that lies (1)."""
    images = np.zeros((count, side, side), np.uint8)
    middle = slice(side // 2 - side // 8, side // 2 + side // 8)
    images[0::2, 4:-4, middle] = 255
    images[1::2, middle, 4:-4] = 255
    return images, np.arange(count) % 2


def is_bar(image: Bytes, label: int) -> bool:
    """Whether a 28x28 image still shows its bar, bright on dark."""
    stands = image.max(axis=0).astype(int)
    lies = image.max(axis=1).astype(int)
    narrow, long = (stands, lies) if label == 0 else (lies, stands)
    return image[0, 0] < 32 and (narrow > 128).sum() < 12 and (long > 128).sum() > 12


def assert_bars(data: own.OwnData, count: int) -> None:
    assert len(data.labels) == count
    assert data.images.shape == (count, 28, 28)
    assert data.images.dtype == np.uint8
    assert all(is_bar(image, label) for image, label in zip(data.images, data.labels, strict=True))


def png(image: Bytes, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind)
    return content.getvalue()


def write_folders(folder: Path, images: Bytes, labels: NDArray[np.int64], suffix: str = "png") -> None:
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        kind = {"png": "PNG", "jpg": "JPEG"}[suffix]
        (folder / str(label) / f"{index}.{suffix}").write_bytes(png(image, kind))


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("side", [16, 28, 32, 64, 120])
def test_a_folder_for_each_class(tmp_path: Path, suffix: str, side: int) -> None:
    write_folders(tmp_path, *bars(10, side), suffix)
    data = own.load(tmp_path)
    assert data.class_names == ("0", "1")
    assert_bars(data, 10)


def test_given_parts_of_folders_are_kept(tmp_path: Path) -> None:
    images, labels = bars(10)
    write_folders(tmp_path / "train", images[:6], labels[:6])
    write_folders(tmp_path / "val", images[6:8], labels[6:8])
    write_folders(tmp_path / "test", images[8:], labels[8:])
    data = own.load(tmp_path)
    assert {part: len(indices) for part, indices in data.parts.items()} == {
        "train": 6, "validation": 2, "test": 2, "all": 10,
    }  # fmt: skip
    assert data.given


def test_ink_on_paper_is_inverted_and_said(tmp_path: Path) -> None:
    images, labels = bars(10)
    write_folders(tmp_path, 255 - images, labels)
    data = own.load(tmp_path)
    assert_bars(data, 10)
    assert "inverted" in "\n".join(data.description())


def test_transparent_pictures_stand_on_white(tmp_path: Path) -> None:
    for label in (0, 1):
        (tmp_path / str(label)).mkdir()
        for index in range(3):
            picture = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
            picture.paste((0, 0, 0, 255), (12, 4, 16, 24) if label == 0 else (4, 12, 24, 16))
            picture.save(tmp_path / str(label) / f"{index}.png")
    assert_bars(own.load(tmp_path), 6)


def test_pictures_that_are_not_square_keep_their_proportions(tmp_path: Path) -> None:
    images, labels = bars(10, 40)
    write_folders(tmp_path, images[:, 2:-2, :], labels)
    assert_bars(own.load(tmp_path), 10)


def test_files_that_cannot_be_read_are_listed_with_their_reasons(tmp_path: Path) -> None:
    write_folders(tmp_path, *bars(10))
    (tmp_path / "0" / "cut.png").write_bytes(png(bars(1)[0][0])[:40])
    (tmp_path / "0" / "phone.HEIC").write_bytes(b"heic")
    (tmp_path / "1" / "photograph.png").write_bytes(png(np.zeros((600, 800), np.uint8)))
    (tmp_path / "1" / ".DS_Store").write_bytes(b"")
    data = own.load(tmp_path)
    assert len(data.labels) == 10
    told = "\n".join(data.unreadable)
    assert len(data.unreadable) == 3
    assert "cut.png" in told
    assert "HEIC" in told
    assert "800x600" in told


@pytest.mark.parametrize("labels_last", [False, True])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv_of_labels_and_pixels(tmp_path: Path, header: bool, labels_last: bool, delimiter: str) -> None:
    images, labels = bars(10)
    columns = [f"pixel{index}" for index in range(784)]
    lines = [delimiter.join([*columns, "label"] if labels_last else ["label", *columns])] if header else []
    for image, label in zip(images.reshape(10, -1), labels, strict=True):
        pixels = list(map(str, image))
        lines.append(delimiter.join([*pixels, str(label)] if labels_last else [str(label), *pixels]))
    (tmp_path / "digits.csv").write_text("\n".join(lines) + "\n")
    assert_bars(own.load(tmp_path), 10)
    assert_bars(own.load(tmp_path / "digits.csv"), 10)


def test_a_broken_row_is_listed_and_costs_itself_alone(tmp_path: Path) -> None:
    images, labels = bars(10)
    lines = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(images, labels, strict=True)]
    lines.insert(3, "1,2,oops")
    (tmp_path / "digits.csv").write_text("\n".join(lines))
    data = own.load(tmp_path)
    assert_bars(data, 10)
    assert "row 4" in data.unreadable[0]


def test_csv_of_labels_and_files_with_given_parts(tmp_path: Path) -> None:
    images, labels = bars(10)
    (tmp_path / "pictures").mkdir()
    lines = ["filename,label,split"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (tmp_path / "pictures" / f"{index}.png").write_bytes(png(image))
        lines.append(f"pictures/{index}.png,{'stands' if label == 0 else 'lies'},{'train' if index < 6 else 'test'}")
    lines.append("pictures/none.png,lies,train")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    data = own.load(tmp_path)
    assert data.class_names == ("lies", "stands")
    assert len(data.parts["test"]) == 4
    assert "none.png" in data.unreadable[0]


def idx_pair(folder: Path, part: str, images: Bytes, labels: NDArray[np.generic], suffix: str = "") -> None:
    folder.mkdir(exist_ok=True, parents=True)
    idx.write(folder / f"{part}-images-idx3-ubyte{suffix}", images)
    idx.write(folder / f"{part}-labels-idx{labels.ndim}-ubyte{suffix}", labels.astype(np.uint8))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_pairs(tmp_path: Path, suffix: str) -> None:
    images, labels = bars(10)
    idx_pair(tmp_path / "MNIST/raw", "train", images[:6], labels[:6], suffix)
    idx_pair(tmp_path / "MNIST/raw", "t10k", images[6:], labels[6:], suffix)
    data = own.load(tmp_path)
    assert_bars(data, 10)
    assert len(data.parts["test"]) == 4


def test_idx_with_one_hot_labels_and_a_side_of_32(tmp_path: Path) -> None:
    images, labels = bars(10)
    idx_pair(tmp_path, "train", np.pad(images, ((0, 0), (2, 2), (2, 2))), np.eye(2, dtype=np.uint8)[labels])
    data = own.load(tmp_path)
    assert (data.images == images).all()  # LeNet-5's padding is taken off, to the pixel
    assert data.labels.tolist() == labels.tolist()


def test_several_sets_in_one_folder_are_told_apart_by_the_file_named(tmp_path: Path) -> None:
    images, labels = bars(10)
    for name in ("emnist-digits", "emnist-letters"):
        idx_pair(tmp_path, f"{name}-train", images[:6], labels[:6])
        idx_pair(tmp_path, f"{name}-test", images[6:], labels[6:])
    with pytest.raises(DataError, match="several"):
        own.load(tmp_path)
    data = own.load(tmp_path / "emnist-letters-train-images-idx3-ubyte")
    assert len(data.labels) == 10


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_npz_with_parts(tmp_path: Path, names: tuple[str, ...]) -> None:
    images, labels = bars(10)
    arrays = dict(zip(names, (images[:6], labels[:6], images[6:], labels[6:]), strict=True))
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    data = own.load(tmp_path / "set.npz")
    assert_bars(data, 10)
    assert len(data.parts["test"]) == 4


@pytest.mark.parametrize("kind", ["float 0..1", "0..16", "standardized", "rgb", "channels first", "rows", "bool"])
def test_npy_of_any_type(tmp_path: Path, kind: str) -> None:
    images, labels = bars(10)
    arrays = {
        "float 0..1": images / 255,
        "0..16": images // 16 + images // 255,
        "standardized": (images / 255 - 0.13) / 0.31,
        "rgb": np.repeat(images[..., None], 3, axis=3),
        "channels first": images[:, None],
        "rows": images.reshape(10, -1),
        "bool": images > 0,
    }
    np.save(tmp_path / "X.npy", arrays[kind])
    np.save(tmp_path / "y.npy", np.array(["stands", "lies"])[labels])
    data = own.load(tmp_path)
    assert data.images.max() == 255
    assert data.class_names == ("lies", "stands")
    assert all(is_bar(i, 1 - label) for i, label in zip(data.images, data.labels, strict=True))


def test_parquet_as_hugging_face_writes_it(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    images, labels = bars(10)
    (tmp_path / "data").mkdir()
    features = {"image": {"_type": "Image"}, "label": {"names": ["stands", "lies"], "_type": "ClassLabel"}}
    for part, chosen in (("train", slice(0, 6)), ("test", slice(6, 10))):
        pictures = [{"bytes": png(image), "path": None} for image in images[chosen]]
        table = pyarrow.table({"image": pictures, "label": labels[chosen]})
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        parquet.write_table(table, tmp_path / "data" / f"{part}-00000-of-00001.parquet")
    data = own.load(tmp_path)
    assert data.class_names == ("lies", "stands")
    assert {part: len(indices) for part, indices in data.parts.items()} == {"train": 6, "test": 4, "all": 10}


def test_the_split_is_stratified_and_always_the_same(tmp_path: Path) -> None:
    images, _ = bars(100)
    labels = np.repeat([0, 1, 2], [60, 30, 10])  # class by class, as folders come
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    data = own.load(tmp_path / "set.npz")
    assert np.bincount(data.labels[data.parts["test"]]).tolist() == [12, 6, 2]
    assert np.bincount(data.labels[data.parts["train"][-20:]]).tolist() == [12, 6, 2]  # kept for validation
    own._load.cache_clear()
    again = own.load(tmp_path / "set.npz")
    assert (again.parts["train"] == data.parts["train"]).all()


def test_a_folder_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    write_folders(tmp_path, *bars(10))
    assert len(own.load(tmp_path).labels) == 10
    (tmp_path / "0" / "more.png").write_bytes(png(bars(1)[0][0]))
    assert len(own.load(tmp_path).labels) == 11


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        datasets.load(str(tmp_path / "none"), "train")
    with pytest.raises(DataError, match="is an empty folder; expected a folder for each class"):
        own.load(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"but notes\.txt"):
        own.load(tmp_path)
    write_folders(tmp_path, bars(4)[0], np.zeros(4, int))
    with pytest.raises(DataError, match="all 4 images are of one class, 0; expected 2 to 100"):
        own.load(tmp_path)
    np.savez(tmp_path / "many.npz", images=bars(202)[0], labels=np.arange(202) // 2)
    with pytest.raises(DataError, match="101 classes"):
        own.load(tmp_path / "many.npz")
    np.savez(tmp_path / "short.npz", images=bars(5)[0], labels=np.arange(4))
    with pytest.raises(DataError, match="5 images; expected one array of as many labels"):
        own.load(tmp_path / "short.npz")
    np.savez(tmp_path / "nan.npz", images=np.full((4, 28, 28), np.nan), labels=np.arange(4))
    with pytest.raises(DataError, match="not finite"):
        own.load(tmp_path / "nan.npz")
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(IdxError, match="NPZ"):
        own.load(tmp_path / "damaged.npz")
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x03")[:-4])
    with pytest.raises(IdxError, match="cut short"):
        own.load(tmp_path / "t10k-images-idx3-ubyte.gz")


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.npz", "a.parquet", "train-images-idx3-ubyte"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=f"{name}: is an empty file"):
        own.load(tmp_path / name)


def test_a_table_of_a_header_alone_and_a_packed_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("label," + ",".join(f"pixel{number}" for number in range(784)))
    with pytest.raises(DataError, match=r"header\.csv: holds no rows"):
        own.load(tmp_path / "header.csv")
    (tmp_path / "digits.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"digits\.zip: is packed; unpack it"):
        own.load(tmp_path / "digits.zip")


def test_pictures_outside_the_folders_of_classes_and_empty_folders_are_listed(tmp_path: Path) -> None:
    write_folders(tmp_path, *bars(10))
    (tmp_path / "loose.png").write_bytes(png(bars(1)[0][0]))
    (tmp_path / "ten").mkdir()
    (tmp_path / "README.txt").write_text("Ten bars.")
    data = own.load(tmp_path)
    assert len(data.labels) == 10
    assert data.unreadable == (
        f"{tmp_path / 'loose.png'}: lies in no class's folder.", f"{tmp_path / 'ten'}: holds no pictures.",
    )  # fmt: skip


def test_an_archive_is_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.array([{"a": 1}] * 4, dtype=object), allow_pickle=True)
    with pytest.raises(IdxError, match="holds Python objects, which would run as code"):
        own.load(tmp_path)


def test_a_recipe_has_as_many_outputs_as_the_data_have_classes(tmp_path: Path) -> None:
    images, _ = bars(30)
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(30) % 3)
    recipe = catalogue.load("archaeology", [f"data='{tmp_path / 'set.npz'}'"])
    assert datasets.fitted(recipe).architecture.classes == 3
    with pytest.raises(ShapeError, match="choose a recipe"):
        datasets.fitted(catalogue.load("lecun-1998", [f"data='{tmp_path / 'set.npz'}'"]))
    assert datasets.fitted(catalogue.load("archaeology")) == catalogue.load("archaeology")
