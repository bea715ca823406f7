"""The package as pip knows it. It is imported and called as lenet5; on PyPI that name is another project's."""

NAME = "lenet5-reproduced"
VERSION = "0.2.0"  # read from here by the build, too
DISTRIBUTIONS = {
    "PIL": "pillow",
    "multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}


def install(extra: str) -> str:
    """Return the command that installs an extra, such as "read"."""
    return f'pip install "{NAME}[{extra}]"'


def missing(module: str, extra: str) -> str:
    """Return the sentence that says that a module of an extra is missing, by the name that pip knows it by."""
    top = module.partition(".")[0]
    return f"{DISTRIBUTIONS.get(top, top)} is not installed: {install(extra)}"
