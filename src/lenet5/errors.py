"""Every error that a user can cause, in one place.

    Lenet5Error
    ├── DataError            a data set is missing, damaged or of the wrong form
    │   ├── DataNotFoundError    no file, and no mirror that answers
    │   └── IdxError             a file breaks the IDX format
    ├── RecipeError          a recipe or a `--set` has an unknown key or a wrong value
    ├── ShapeError           an array has another shape or type than a function needs
    ├── EngineError          an engine is unknown or cannot run here
    ├── ModelError           a model file is damaged or of another kind
    ├── ReadingError         a picture is missing, damaged, too large or of a kind that is not read
    ├── RunError             a run folder cannot be written, read or resumed
    │   └── BusyError            another process holds the folder
    ├── StudyError           a study's plan or folder is wrong, or an executor cannot be used
    ├── BulkError            a job of very many images has no input, another input, or shards that fail
    ├── ServeError           the server is asked for something that it cannot or should not do
    ├── TrainingError        training cannot go on (the loss is not a number, no start succeeds)
    └── InterruptedRunError  a run was asked to stop, and has saved its place

The text of each says what was found, what was expected and what to do, in one sentence each.
The command line prints that text and exits with 1; it never shows a traceback for these.
"""

import shlex


class Lenet5Error(Exception):
    """The root: catch this to catch everything that lenet5 raises on purpose."""


class DataError(Lenet5Error):
    """A data set is missing, damaged or of the wrong form."""


class DataNotFoundError(DataError):
    """No file of the data set is at hand and no mirror answers."""


class IdxError(DataError):
    """A file breaks the IDX format."""


class RecipeError(Lenet5Error):
    """A recipe, or an override of one, has an unknown key or a wrong value."""


class ShapeError(Lenet5Error, ValueError):
    """An array has another shape or type than a function needs."""


class EngineError(Lenet5Error):
    """An engine is unknown or cannot run on this machine."""


class ModelError(Lenet5Error):
    """A model file is damaged, or is not one of ours."""


class ReadingError(Lenet5Error):
    """A picture is missing, damaged, too large or of a kind that is not read."""


class RunError(Lenet5Error):
    """A run folder cannot be written, read or resumed."""


class BusyError(RunError):
    """Another process holds the folder."""


class StudyError(Lenet5Error):
    """A study's plan or folder is wrong, or an executor cannot be used."""


class BulkError(Lenet5Error):
    """A job of very many images has no input, another input than before, or shards that fail."""


class ServeError(Lenet5Error):
    """The server is asked for something that it cannot or should not do."""


class TrainingError(Lenet5Error):
    """Training cannot go on."""


class InterruptedRunError(Lenet5Error):
    """A run was asked to stop by a signal, and has saved its place in its folder."""

    def __init__(self, signal_number: int, run: str, text: str = "") -> None:
        super().__init__(text or f"stopped and saved; go on with: lenet5 train --resume {shlex.quote(run)}")
        self.signal_number = signal_number
