"""Reads the lines of a text file, and refuses files that are not text."""

import codecs
import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from users.formats import UnreadableFile
from users.formats.damage import DAMAGE, ENCODING_ADVICE, REPLACEMENT, damage_reason
from users.formats.other_formats import refuse_other_text
from users.formats.start_limit import count_bytes
from users.web.csv_text import BYTE_ORDER_MARK

# In characters. A file without line ends must not fill the memory.
LINE_MAX = 1_000_000
# Characters that are read ahead at most.
PEEKED_MAX = 100_000
# A file with more undecodable lines, and fewer others outside ASCII, has another encoding.
UNDECODABLE_MAX = 20


class TextLines(Iterator[str]):
    """Iterates over the lines of a file, with their line ends. Raises UnreadableFile if the file is
    not text.

    Characters that are invalid in the encoding become surrogates.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str):
        # UTF-16 has no invalid bytes, only halves of characters.
        is_utf_16 = codecs.lookup(encoding).name.startswith("utf-16")
        self.text = io.TextIOWrapper(
            file,  # type: ignore[arg-type]
            encoding,
            errors="surrogatepass" if is_utf_16 else "surrogateescape",
            newline="",
        )
        self.name = name
        self.encoding = encoding
        self.number = 0
        # The last line with a damaged character.
        self.damaged = 0
        # The number of lines outside ASCII, and how many of them are damaged.
        self.non_ascii = 0
        self.undecodable = 0
        # Lines that were read ahead.
        self.ahead: deque[str] = deque()
        self.error: UnreadableFile | None = None
        self.is_start = True

    def peek(self, number: int) -> list[str]:
        """Returns the next lines, at most `number`, without using them up."""
        size = sum(map(len, self.ahead))
        while len(self.ahead) < number and size < PEEKED_MAX:
            try:
                line = self.read_line()
            except UnreadableFile as error:
                # It is raised when the lines before it are used up.
                self.error = error
                break
            if not line:
                break
            size += len(line)
            self.ahead.append(line)
        return list(self.ahead)

    def __next__(self) -> str:
        if self.error and not self.ahead:
            raise self.error
        line = self.ahead.popleft() if self.ahead else self.read_line()
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
            reason = f"This can’t be read as {self.encoding} ({error}). {ENCODING_ADVICE}"
            raise UnreadableFile(self.name, self.number + len(self.ahead) + 1, reason) from error
        count_bytes(len(line))
        if self.is_start:
            self.is_start = False
            line = line.removeprefix(BYTE_ORDER_MARK)
        # Only the last line of a file has no line end.
        return line.rstrip("\x1a") if line.endswith("\x1a") else line

    def check_text(self, line: str) -> None:
        """Notes a damaged line. Raises UnreadableFile if the file cannot be text."""
        if len(line) >= LINE_MAX:
            refuse_other_text(line, self.name, self.number)
            raise self.problem(
                f"This line is longer than {LINE_MAX:,} characters, so this is not a table."
            )
        if "\x00" in line:
            self.damaged = self.number
        if not line.isascii():
            self.non_ascii += 1
            if found := DAMAGE.search(line):
                self.damaged = self.number
                if found[0] != REPLACEMENT:
                    self.count_undecodable(found[0])

    def count_undecodable(self, char: str) -> None:
        """Counts a damaged line. Raises UnreadableFile if there are so many that the encoding is
        another one.
        """
        self.undecodable += 1
        if self.undecodable > UNDECODABLE_MAX and self.undecodable * 2 > self.non_ascii:
            raise self.problem(
                f"{damage_reason(char, self.encoding)} Many lines before it are damaged too.",
                "--encoding cp1252",
            )

    def problem(self, reason: str, option: str = "") -> UnreadableFile:
        """Returns an exception about the current line."""
        return UnreadableFile(self.name, self.number, reason, option)


def refuse_wrong_encoding(content: bytes, name: str) -> None:
    """Raises UnreadableFile if most lines outside ASCII in the start of a file are not UTF-8."""
    # The last line may be cut off.
    lines = content.splitlines()
    foreign = [number for number, line in enumerate(lines[:-1], 1) if not line.isascii()]
    invalid = [number for number in foreign if not is_utf_8(lines[number - 1])]
    if len(invalid) < 2 or len(invalid) * 2 <= len(foreign):
        return
    first = lines[invalid[0] - 1].decode(errors="surrogateescape")
    found = DAMAGE.search(first)
    char = found[0] if found else ""
    reason = damage_reason(char, "utf-8")
    raise UnreadableFile(name, invalid[0], reason, "--encoding cp1252")


def is_utf_8(line: bytes) -> bool:
    """Returns whether bytes are valid UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
