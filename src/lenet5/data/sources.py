"""The data sets that lenet5 knows: what their files are called, how to know them, where they are.

SHA-256 digests and sizes of MNIST and Fashion-MNIST were computed from the original files; those of KMNIST
are the ones that TensorFlow Datasets and torchvision's Ruby port both record. For QMNIST the MD5 that
torchvision records is all there is.
"""

import difflib
from dataclasses import dataclass

from lenet5.data import ardis
from lenet5.errors import DataError
from lenet5.spec.digits import DIGITS, NOT_A_DIGIT, NOT_A_SIGN
from lenet5.spec.digits import SIGNS as SIGN_NAMES


@dataclass(frozen=True)
class File:
    """One file of a data set, as its publisher packed it.

    digest  "sha256:..." or "md5:..." of the packed file; "" where none is known
    item    the shape of one item in it: (28, 28) for images, () for labels
    bytes   its size, where it is known
    """

    name: str
    digest: str
    item: tuple[int, ...]
    bytes: int | None = None


@dataclass(frozen=True)
class Part:
    """One part of a data set: the names of its two files, and which of their items are meant."""

    name: str
    images: str = ""
    labels: str = ""
    first: int = 0
    end: int | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set: where it comes from, and what is in it.

    files    empty for a set that is inside a library
    mirrors  addresses that end in "/"; a file's name follows
    by_hand  files that a user puts into the set's folder, where lenet5 may not fetch them
    family   a further name that a folder of several such sets has
    transposed   the files hold rows for columns
    first_label  the label of the first class in the files
    """

    name: str
    title: str
    files: tuple[File, ...]
    mirrors: tuple[str, ...]
    licence: str
    citation: str
    class_names: tuple[str, ...]
    parts: tuple[Part, ...]
    by_hand: tuple[str, ...] = ()
    family: str = ""
    transposed: bool = False
    first_label: int = 0

    @property
    def keys(self) -> frozenset[str]:
        """The names that a folder of this set may have, in letters and digits alone."""
        return frozenset(name.replace("-", "") for name in (self.name, self.family) if name)

    def part(self, name: str) -> Part:
        """Return one part. Raises DataError for an unknown name."""
        for part in self.parts:
            if part.name == name:
                return part
        names = ", ".join(part.name for part in self.parts)
        raise DataError(f'{self.name} has no part "{name}"; its parts are {names}.')


def get(name: str) -> DataSet:
    """Return a data set by its name, in any case and with or without hyphens. Raises DataError for an unknown one."""
    if name in DATA_SETS:
        return DATA_SETS[name]
    written = {known.replace("-", ""): known for known in DATA_SETS}
    key = name.lower().replace("-", "").replace("_", "")
    if key in written:
        return DATA_SETS[written[key]]
    near = difflib.get_close_matches(key, written, n=1)
    meant = f'; did you mean "{written[near[0]]}"?' if near else "."
    raise DataError(
        f'no data set is called "{name}"{meant} There are {", ".join(DATA_SETS)}; '
        "or give the path of your own labelled images."
    )


# Three sets keep the names that MNIST gave its files.
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
TWO_PARTS = (Part("train", TRAIN_IMAGES, TRAIN_LABELS), Part("test", TEST_IMAGES, TEST_LABELS))
QMNIST_TEST = "qmnist-test-images-idx3-ubyte.gz", "qmnist-test-labels-idx2-int.gz"


def _images(name: str, sha256: str, size: int) -> File:
    return File(name, f"sha256:{sha256}", (28, 28), size)


def _labels(name: str, sha256: str, size: int) -> File:
    return File(name, f"sha256:{sha256}", (), size)


MNIST = DataSet(
    name="mnist",
    title="MNIST, handwritten digits",
    files=(
        _images(TRAIN_IMAGES, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
        _labels(TRAIN_LABELS, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
        _images(TEST_IMAGES, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
        _labels(TEST_LABELS, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    licence="CC BY-SA 3.0",
    citation="Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits (1998)",
    class_names=DIGITS,
    parts=TWO_PARTS,
)

FASHION_MNIST = DataSet(
    name="fashion-mnist",
    title="Fashion-MNIST, articles of clothing",
    files=(
        _images(TRAIN_IMAGES, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
        _labels(TRAIN_LABELS, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
        _images(TEST_IMAGES, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
        _labels(TEST_LABELS, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    licence="MIT",
    citation="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747 (2017)",
    class_names=(
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
    parts=TWO_PARTS,
)

KMNIST = DataSet(
    name="kmnist",
    title="Kuzushiji-MNIST, cursive Japanese characters",
    files=(
        _images(TRAIN_IMAGES, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", 18_165_135),
        _labels(TRAIN_LABELS, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", 29_497),
        _images(TEST_IMAGES, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", 3_041_136),
        _labels(TEST_LABELS, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", 5_120),
    ),
    mirrors=(
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
    licence="CC BY-SA 4.0",
    citation="T. Clanuwat et al.: Deep Learning for Classical Japanese Literature, arXiv:1812.01718 (2018)",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    parts=TWO_PARTS,
)

QMNIST = DataSet(
    name="qmnist",
    title="QMNIST, MNIST rebuilt from its source, with all 60,000 test images",
    files=(  # its labels are rows of eight numbers; the first is the class
        File("qmnist-train-images-idx3-ubyte.gz", "md5:ed72d4157d28c017586c42bc6afe6370", (28, 28)),
        File("qmnist-train-labels-idx2-int.gz", "md5:0058f8dd561b90ffdd0f734c6a30e5e4", (8,)),
        File("qmnist-test-images-idx3-ubyte.gz", "md5:1394631089c404de565df7b7aeaf9412", (28, 28)),
        File("qmnist-test-labels-idx2-int.gz", "md5:5b5b05890a5e13444e108efe57b788aa", (8,)),
    ),
    mirrors=(
        "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
        "https://github.com/facebookresearch/qmnist/raw/master/",
    ),
    licence="BSD 3-clause",
    citation="C. Yadav, L. Bottou: Cold Case: The Lost MNIST Digits, arXiv:1905.10498 (2019)",
    class_names=DIGITS,
    parts=(
        Part("train", "qmnist-train-images-idx3-ubyte.gz", "qmnist-train-labels-idx2-int.gz"),
        Part("test", *QMNIST_TEST),
        Part("test10k", *QMNIST_TEST, 0, 10_000),  # the images of MNIST's own test set
        Part("test50k", *QMNIST_TEST, 10_000, 60_000),  # those that were lost until 2019
    ),
)

# The names of classes are those of emnist-balanced-mapping.txt: letters whose two cases look alike are one class.
EMNIST_CLASSES = {
    "digits": DIGITS,
    "letters": tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "balanced": (*DIGITS, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"abdefghnqrt"),
}


def _emnist(kind: str) -> DataSet:
    parts = tuple(
        Part(part, f"emnist-{kind}-{part}-images-idx3-ubyte.gz", f"emnist-{kind}-{part}-labels-idx1-ubyte.gz")
        for part in ("train", "test")
    )
    return DataSet(
        name=f"emnist-{kind}",
        title=f"EMNIST {kind}, handwritten; gzip.zip of its publisher, put here by hand",
        files=tuple(file for part in parts for file in (File(part.images, "", (28, 28)), File(part.labels, "", ()))),
        mirrors=(),
        licence="not stated by its publisher, NIST",
        citation="G. Cohen et al.: EMNIST: an extension of MNIST to handwritten letters, arXiv:1702.05373 (2017)",
        class_names=EMNIST_CLASSES[kind],
        parts=parts,
        family="emnist",
        transposed=True,
        first_label=1 if kind == "letters" else 0,
    )


UCI_DIGITS = DataSet(
    name="uci-digits",
    title="Small digits of 8x8 pixels, inside scikit-learn; stretched to MNIST's form",
    files=(),
    mirrors=(),
    licence="CC BY 4.0",
    citation="E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI (1998)",
    class_names=DIGITS,
    parts=(Part("train"), Part("test")),
)

ROUGH_DIGITS = DataSet(
    name="rough-digits",
    title="Digits as photographs give them, and what is no digit; made from MNIST and pen strokes",
    files=(),
    mirrors=(),
    licence=f"{MNIST.licence}; pen strokes: CC BY 4.0",
    citation=f"{MNIST.citation}; E. Alpaydin, F. Alimoglu: Pen-Based Recognition of Handwritten Digits, UCI (1998)",
    class_names=(*DIGITS, NOT_A_DIGIT),
    parts=(Part("train"), Part("test"), Part("validation")),
)

DIGIT_NEIGHBOURS = DataSet(
    name="digit-neighbours",
    title="Windows of lines of digits: each with its neighbours, or between two; made from MNIST",
    files=(),
    mirrors=(),
    licence=MNIST.licence,
    citation=MNIST.citation,
    class_names=(*DIGITS, NOT_A_DIGIT),
    parts=(Part("train"), Part("test"), Part("validation")),
)

SIGNS = DataSet(
    name="signs",
    title="Plus, times, dollar and percent signs by pen and printed, and what is none; made, of MNIST among others",
    files=(),
    mirrors=(),
    licence=MNIST.licence,
    citation=MNIST.citation,
    class_names=(*SIGN_NAMES, NOT_A_SIGN),
    parts=(Part("train"), Part("test"), Part("validation")),
)

ARDIS = DataSet(
    name="ardis",
    title="ARDIS, digits of Swedish church records; its fourth set, put here by hand",
    files=(),
    mirrors=(),
    licence="research only, not to be redistributed",
    citation="H. Kusetogullari et al.: ARDIS, a Swedish historical handwritten digit dataset (2019)",
    class_names=DIGITS,
    parts=(Part("train"), Part("test")),
    by_hand=ardis.NAMES,
)


def _mnist_form(name: str, title: str) -> DataSet:
    parts = (Part("train"), Part("test"))
    return DataSet(name, title, (), (), MNIST.licence, MNIST.citation, DIGITS, parts)


MNIST_DESLANTED = _mnist_form("mnist-deslanted", "MNIST, deslanted and cut to the middle 20x20 pixels (1998 paper)")
MNIST_16X16 = _mnist_form("mnist-16x16", "MNIST, reduced to the middle 16x16 pixels (1998 paper)")

MADE = (ROUGH_DIGITS, DIGIT_NEIGHBOURS, SIGNS)
FORMS = (MNIST_DESLANTED, MNIST_16X16)
EMNIST = tuple(_emnist(kind) for kind in EMNIST_CLASSES)
DATA_SETS = {
    data_set.name: data_set
    for data_set in (MNIST, FASHION_MNIST, KMNIST, QMNIST, *EMNIST, UCI_DIGITS, *FORMS, *MADE, ARDIS)
}
AMBIGUOUS = (KMNIST,)  # has the file names of MNIST, and a look that is not recognised
