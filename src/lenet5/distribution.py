"""The distribution's name and version for pip. The import name is lenet5, which on PyPI is another project's name."""

NAME = "lenet5-reproduced"
VERSION = "0.2.0"  # also read by the build
DISTRIBUTIONS = {
    "multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
    "sklearn": "scikit-learn",
}


def install(extra: str) -> str:
    """Return the command that installs an extra, such as "bulk"."""
    return f'pip install "{NAME}[{extra}]"'


def missing(module: str, extra: str) -> str:
    """Return the error message for a missing module of an extra, with its distribution name and the install command."""
    top = module.partition(".")[0]
    return f"{DISTRIBUTIONS.get(top, top)} is not installed: {install(extra)}"
