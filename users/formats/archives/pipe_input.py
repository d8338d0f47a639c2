"""Reads a pipe, such as standard input, whose start has to be read twice: to recognise the format,
and then as a part of the file.
"""

import io
import shutil
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from users.formats.file_start import START_BYTES

# In bytes. A larger file from a pipe is copied to the disk.
MEMORY_MAX = 1024 * 1024


class PipeInput(io.RawIOBase):
    """A pipe that can go back to its beginning until more than its start was read."""

    def __init__(self, pipe: io.BufferedIOBase):
        self.pipe = pipe
        self.start = b""
        self.position = 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes back to the beginning. Raises UnsupportedOperation if that is lost."""
        if (offset, whence) != (0, io.SEEK_SET) or self.position > len(self.start):
            raise io.UnsupportedOperation("A pipe is read only once.")
        self.start = self.start or self.pipe.read(START_BYTES)
        self.position = 0
        return 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Reads bytes into `buffer` and returns how many there were, 0 at the end."""
        content = self.start[self.position : self.position + len(buffer)]
        if not content:
            self.start = b""
            # As much as there is: an import goes on while its input is being written.
            content = self.pipe.read1(len(buffer))
        self.position += len(content)
        buffer[: len(content)] = content
        return len(content)


def seekable_input(file: BinaryIO) -> BinaryIO:
    """Returns the file, or a temporary copy of it if it is a pipe."""
    if file.seekable():
        return file
    file.seek(0)
    copy = SpooledTemporaryFile(MEMORY_MAX)  # noqa: SIM115 (the caller reads it)
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return cast(BinaryIO, copy)
