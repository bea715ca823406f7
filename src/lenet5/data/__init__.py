"""Data sets: from a mirror or a folder to the inputs of a network.

    sources   which sets there are: files, digests, mirrors, licence
    fetch     find, verify and download the files
    idx       read and write the IDX format
    datasets  load("mnist", "test") -> images and labels
    prepare   images -> inputs, as a Preparation says
    augment   mirrored images
    distort   distorted copies of images
    batches   the order of an epoch, its batches, and the place to resume
    own       labelled images of a user's own
    made      sets that are computed: degraded digits, windows of lines, numbers

Nothing here knows of networks, engines or runs. Read `datasets.py` first. `lenet5.data("mnist")` returns a data set.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """The package, which can be called: `lenet5.data("mnist")` would otherwise need another name than the package."""

    def __call__(self, name: str, part: str = "train", *, folder: Path | str | None = None) -> Any:
        """Return one part of a data set, fetched where it is missing: images (N, 28, 28) uint8, and labels (N,).

        name    a data set's name, or the path of your own labelled images
        part    "train" or "test"; see `datasets.load`
        folder  the data folder; the user's own if not given

        Raises DataNotFoundError, DataError.
        """
        from lenet5.data import datasets, fetch, sources

        place = None if folder is None else Path(folder)
        if not datasets.is_own(str(name)):
            fetch.fetch(sources.get(str(name)), fetch.data_folder(place), progress=True)
        return datasets.load(str(name), part, place)


sys.modules[__name__].__class__ = _Package
