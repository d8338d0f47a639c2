"""Limits how much of a file is read for its first records: a request must not wait for a record of
500 MB, or for what an archive of a megabyte unpacks to.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from users.formats import UnreadableFile

# In bytes, unpacked. Fifty accounts have some kilobytes.
START_MAX = 64 * 1024 * 1024
SECONDS_MAX = 10.0
NO_RECORDS = (
    "No account was found in the first {size} MB. Remove whatever comes before the accounts."
)
NO_TIME = "The first accounts can’t be read in {seconds:.0f} seconds. Save the file as CSV."


class StartTooLong(UnreadableFile):
    """More would have to be read than a request may read."""


class StartLimit:
    """The bytes and the time that are left to read one file."""

    def __init__(self, name: str, size: int, seconds: float):
        self.name = name
        self.size = size
        self.left = size
        self.seconds = seconds
        self.end = time.monotonic() + seconds

    def spend(self, number: int) -> None:
        """Notes that bytes were read. Raises StartTooLong."""
        self.left -= number
        if self.left < 0:
            reason = NO_RECORDS.format(size=self.size >> 20)
            raise StartTooLong(self.name, 0, reason)
        if time.monotonic() > self.end:
            reason = NO_TIME.format(seconds=self.seconds)
            raise StartTooLong(self.name, 0, reason)


current_limit: ContextVar[StartLimit | None] = ContextVar("current_limit", default=None)


@contextmanager
def limit_start(name: str) -> Iterator[None]:
    """Limits what the readers of formats read in the `with` block."""
    token = current_limit.set(StartLimit(name, START_MAX, SECONDS_MAX))
    try:
        yield
    finally:
        current_limit.reset(token)


def count_bytes(number: int) -> None:
    """Notes that a reader has read bytes, or characters. Raises StartTooLong."""
    limit = current_limit.get()
    if limit is not None:
        limit.spend(number)
