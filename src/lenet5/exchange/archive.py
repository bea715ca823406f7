"""Zip files whose members are read within a budget of declared bytes."""

import io
import zipfile

from lenet5.budget import Budget
from lenet5.errors import ModelError

MOST_MEMBERS = 10_000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # for others, Python may decompress more than requested


class Archive:
    """The members of a zip file, by name."""

    def __init__(self, content: bytes, where: str, most_bytes: int) -> None:
        """Open an archive. Raises ModelError when the content is not a zip file."""
        self._where = where
        self._budget = Budget(where, most_bytes, "bytes", ModelError)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:  # a damaged or hostile file can raise anything in a reader
            raise self._damaged(error) from None
        self.members = {info.filename: info for info in self._zip.infolist()[:MOST_MEMBERS]}

    def read(self, name: str) -> bytes:
        """Return a member. Raises ModelError when it is missing, damaged, too large, or unusually compressed."""
        info = self.members.get(name)
        if info is None:
            raise ModelError(f"{self._where}: lacks its part {name}; it may be truncated.")
        if info.compress_type not in METHODS:
            raise ModelError(f"{self._where}: {name} uses an unsupported compression; save it again as usual.")
        self._budget.take(info.file_size, name)
        try:
            return self._zip.read(info)
        except Exception as error:  # as above
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> ModelError:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:100]
        return ModelError(f"{self._where}: its zip archive is damaged ({reason}); it may be truncated.")
