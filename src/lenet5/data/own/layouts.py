"""The layout that a path holds: found by what lies there, never by trying one reader after another."""

from pathlib import Path

from lenet5.data.own import arrays, columns, parquet, pictures
from lenet5.data.own.contents import Contents, part_in
from lenet5.errors import DataError, DataNotFoundError

PACKED = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar")
SHOWN = 8  # names in a message
EXPECTED = (
    "expected a folder for each class, or CSV, IDX, NPY, NPZ or Parquet files of images with their labels; "
    "the handbook's page on your own images shows each"
)


def read(path: Path) -> Contents:
    """Return what a file or folder holds. Raises DataNotFoundError, DataError, IdxError."""
    if path.is_file():
        return _file(path)
    if not path.is_dir():
        raise DataNotFoundError(f"{path}: no such file or folder; {EXPECTED}.")
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    if of_kind := [file for file in files if file.suffix == ".parquet"]:
        return parquet.read(of_kind)
    if of_kind := [file for file in _single(files) if arrays.is_idx(file)]:
        return arrays.read(of_kind, "IDX")
    if of_kind := [file for file in files if file.suffix in (".npy", ".npz")]:
        return arrays.read(of_kind, "NumPy")
    if of_kind := [file for file in files if file.suffix.lower() in (".csv", ".tsv") and columns.is_labels(file)]:
        return _tables(path, of_kind)
    if folders := pictures.class_folders(path):
        return pictures.read_folders(path, folders)
    there = ", ".join(entry.name for entry in sorted(path.iterdir())[:SHOWN])
    if not there:
        raise DataError(f"{path}: is an empty folder; {EXPECTED}.")
    raise DataError(f"{path}: holds no labelled images, but {there}; {EXPECTED}.")


def _file(path: Path) -> Contents:
    suffix = path.suffix.lower()
    if not path.stat().st_size:
        raise DataError(f"{path}: is an empty file.")
    if suffix in PACKED and not arrays.is_idx(path):
        raise DataError(f"{path}: is packed; unpack it, and name the folder.")
    if suffix == ".parquet":
        return parquet.read([path])
    if suffix in (".csv", ".tsv", ".txt"):
        return columns.read(path)
    if suffix == ".npz":
        return arrays.read([path], "NumPy")
    if suffix == ".npy" or arrays.is_idx(path):
        # One file of images: the labels, and the other part, lie beside it under names alike.
        alike = arrays.is_idx if suffix != ".npy" else lambda file: file.suffix == ".npy"
        beside = [file for file in _single(sorted(path.parent.iterdir())) if file.is_file() and alike(file)]
        same = [file for file in beside if arrays.stem(file.name) == arrays.stem(path.name)]
        return arrays.read(same, "NumPy" if suffix == ".npy" else "IDX")
    raise DataError(f"{path}: is no file of labelled images; {EXPECTED}.")


def _single(files: list[Path]) -> list[Path]:
    """Return the files without those that lie packed beside their unpacked selves, as torchvision leaves them."""
    there = {file.name for file in files}
    kept = {file.name: file for file in files if not (file.suffix == ".gz" and file.stem in there)}
    return list(kept.values())


def _tables(folder: Path, files: list[Path]) -> Contents:
    """Return the images of one table, or of several that name their parts, such as mnist_train.csv."""
    parts = [part_in(file.stem) for file in files]
    if len(files) > 1 and (not all(parts) or len(set(parts)) < len(parts)):
        raise DataError(f"{folder}: holds several tables ({', '.join(file.name for file in files[:SHOWN])}); name one.")
    whole = Contents("")
    for file, part in zip(files, parts, strict=True):
        contents = columns.read(file)
        whole.layout = contents.layout
        whole.unreadable += contents.unreadable
        for image, label, given in zip(contents.images, contents.labels, contents.parts, strict=True):
            whole.add(image, label, given or part)
    return whole
