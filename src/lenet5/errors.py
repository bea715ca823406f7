"""Exceptions for every error that a user can cause.

    Lenet5Error
    ├── DataError            a data set is missing, damaged or in the wrong format
    │   ├── DataNotFoundError    no local file, and no mirror answers
    │   └── IdxError             a file violates the IDX format
    ├── RecipeError          a recipe or a `--set` has an unknown key or a wrong value
    ├── ShapeError           an array has the wrong shape or type
    ├── EngineError          an engine is unknown or cannot run here
    ├── ModelError           a file is damaged, or is not a model file
    ├── ReadingError         a picture is missing, damaged, too large or in an unsupported format
    ├── RunError             a run folder cannot be written, read or resumed
    │   └── BusyError            another process has locked the folder
    ├── StudyError           a study's plan or folder is invalid, or an executor cannot be used
    ├── BulkError            a bulk job's input is missing or has changed, or shards fail
    ├── ServeError           the server cannot or must not do as asked
    ├── TrainingError        training cannot continue (the loss is NaN, every start fails)
    └── InterruptedRunError  a run was asked to stop, and has saved its position

Each message says what was found, what was expected and what to do, in one sentence each. The command line prints
the message and exits with 1; it never shows a traceback for these.
"""

import shlex


class Lenet5Error(Exception):
    """Base class of every exception that lenet5 raises deliberately."""


class DataError(Lenet5Error):
    """A data set is missing, damaged or in the wrong format."""


class DataNotFoundError(DataError):
    """A data set has no local file, and no mirror answers."""


class IdxError(DataError):
    """A file violates the IDX format."""


class RecipeError(Lenet5Error):
    """A recipe, or an override of one, has an unknown key or a wrong value."""


class ShapeError(Lenet5Error, ValueError):
    """An array has the wrong shape or type."""


class EngineError(Lenet5Error):
    """An engine is unknown or cannot run on this machine."""


class ModelError(Lenet5Error):
    """A file is damaged, or is not a model file."""


class ReadingError(Lenet5Error):
    """A picture is missing, damaged, too large or in an unsupported format."""


class RunError(Lenet5Error):
    """A run folder cannot be written, read or resumed."""


class BusyError(RunError):
    """Another process has locked the folder."""


class StudyError(Lenet5Error):
    """A study's plan or folder is invalid, or an executor cannot be used."""


class BulkError(Lenet5Error):
    """A bulk job's input is missing or has changed, or shards fail."""


class ServeError(Lenet5Error):
    """The server cannot or must not do as asked."""


class TrainingError(Lenet5Error):
    """Training cannot continue."""


class InterruptedRunError(Lenet5Error):
    """A run was stopped by a signal, and has saved its position in its folder."""

    def __init__(self, signal_number: int, run: str, text: str = "") -> None:
        super().__init__(text or f"stopped and saved; continue with: lenet5 train --resume {shlex.quote(run)}")
        self.signal_number = signal_number
