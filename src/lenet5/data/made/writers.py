"""Digits as real pen strokes: 16 writers of "Pen-Based Recognition of Handwritten Digits", in `pen-strokes.npz`.

E. Alpaydin and F. Alimoglu: Pen-Based Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
licensed under CC BY 4.0. The file holds the pen positions of about 4,000 digits; `results/strokes.py` made it of the
set's training part. The other 14 writers are left to measure on.
"""

from functools import cache
from importlib import resources

import numpy as np

from lenet5.data.made.pens import Paths, path


@cache
def paths() -> Paths:
    """Return every digit as a path of the pen."""
    with resources.files("lenet5.data.made").joinpath("pen-strokes.npz").open("rb") as file, np.load(file) as kept:
        labels, strokes, lengths = kept["labels"], kept["strokes"], kept["lengths"]
        points = np.cumsum(kept["steps"].astype(np.float64), axis=0)
    every = np.split(points, np.cumsum(lengths)[:-1])
    ends = np.cumsum(strokes)
    drawn = [path(every[end - count : end]) for end, count in zip(ends, strokes, strict=True)]
    return Paths(np.stack([each for each, _ in drawn]), np.stack([down for _, down in drawn]), labels.astype(np.int64))
