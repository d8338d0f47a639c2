"""Reads the lines of a text file, and refuses files that are not text."""

import io
from codecs import lookup
from collections.abc import Iterator
from typing import BinaryIO

from users.transfer.formats import UnreadableFile
from users.transfer.formats.other_formats import refuse_other_text
from users.web.csv_text import BYTE_ORDER_MARK

# In characters. A file without line ends must not fill the memory.
LINE_MAX = 1_000_000


class TextLines(Iterator[str]):
    """Iterates over the lines of a file, with their line ends. Raises UnreadableFile if the file is
    not text.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str):
        try:
            # Bytes that are invalid in this encoding become lone surrogates, so that the message
            # can name the line.
            self.text = io.TextIOWrapper(
                file,  # type: ignore[arg-type]
                encoding,
                errors="surrogateescape",
                newline="",
            )
            lookup(encoding)
        except LookupError as error:
            raise UnreadableFile(name, 0, f"There is no text encoding “{encoding}”.") from error
        self.name = name
        self.encoding = encoding
        self.number = 0
        # A line that was read ahead and will be returned again.
        self.unread_line = ""

    def unread(self, line: str) -> None:
        """Puts back the line that was read last."""
        self.unread_line = line
        self.number -= 1

    def __next__(self) -> str:
        line = self.unread_line or self.read_line()
        self.unread_line = ""
        if not line:
            raise StopIteration
        self.number += 1
        self.check_text(line)
        return line

    def read_line(self) -> str:
        """Returns the next line of the file, without a byte order mark at the beginning and the
        Ctrl-Z with which old programs end a file; "" after the last line.
        """
        try:
            line = self.text.readline(LINE_MAX)
        except UnicodeError as error:
            raise self.undecodable(self.number + 1, str(error)) from error
        if self.number == 0:
            line = line.removeprefix(BYTE_ORDER_MARK)
        # Only the last line of a file has no line end.
        return line.rstrip("\x1a") if line.endswith("\x1a") else line

    def check_text(self, line: str) -> None:
        """Raises UnreadableFile if the current line cannot be text."""
        if "\x00" in line:
            raise self.problem(
                "This line contains a NUL character, so the file is not text. "
                "If it is UTF-16, use --encoding utf-16."
            )
        if len(line) == LINE_MAX:
            refuse_other_text(line, self.name, self.number)
            raise self.problem(
                f"This line is longer than {LINE_MAX:,} characters, so this is not a CSV file."
            )
        if not line.isascii():
            lost = next((char for char in line if "\ud800" <= char <= "\udfff"), "")
            if lost:
                raise self.undecodable(self.number, f"byte 0x{ord(lost) & 0xFF:02X}")

    def problem(self, reason: str) -> UnreadableFile:
        """Returns an exception about the current line."""
        return UnreadableFile(self.name, self.number, reason)

    def undecodable(self, line: int, what: str) -> UnreadableFile:
        """Returns an exception about a line that is invalid in the encoding."""
        reason = (
            f"This can’t be read as {self.encoding} ({what}). "
            "Give the encoding, for example --encoding cp1252."
        )
        return UnreadableFile(self.name, line, reason)
