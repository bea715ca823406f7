"""The progress of a run on the command line."""

from lenet5.cli.console import err, out
from lenet5.progress import Bar


def watcher() -> Bar:
    """Return an observer that writes to standard output; with --quiet, incidents alone, to standard error."""
    return Bar(out, err if out.quiet else None)
