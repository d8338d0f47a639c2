"""The beginning of a file, from which its format is recognised."""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import BinaryIO

import ijson

from users.transfer.formats.text_encodings import detect_encoding
from users.web.csv_text import BYTE_ORDER_MARK

START_BYTES = 64 * 1024


@dataclass(frozen=True)
class FileStart:
    """The first START_BYTES of a file that is unpacked already."""

    # The name of the file, or of the member of an archive.
    name: str
    content: bytes
    # The encoding that a person chose, or "".
    encoding: str = ""

    @classmethod
    def read(cls, file: BinaryIO, name: str, encoding: str = "") -> "FileStart":
        """Returns the start of a seekable file, whose position is 0 afterwards."""
        file.seek(0)
        content = file.read(START_BYTES)
        file.seek(0)
        return cls(name, content, encoding)

    @cached_property
    def detected_encoding(self) -> str:
        """The chosen encoding, or the one that the content shows. Raises UnreadableFile."""
        return self.encoding or detect_encoding(self.content, self.name)

    @cached_property
    def text(self) -> str:
        """The text, without a byte order mark; undecodable bytes become U+FFFD. Raises
        UnreadableFile for an encoding that is not supported.
        """
        text = self.content.decode(self.detected_encoding, "replace")
        return text.removeprefix(BYTE_ORDER_MARK)

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, without line ends. The last one may be cut off."""
        return [line for line in self.text.splitlines() if line.strip()]

    @cached_property
    def first_line(self) -> str:
        """The first line that is not blank; "" if there is none."""
        return self.lines[0] if self.lines else ""

    @property
    def is_json(self) -> bool:
        """Whether the text begins like a JSON array or object that has at least one key."""
        return self.first_line.lstrip().startswith(("{", "[")) and bool(self.json_paths)

    @cached_property
    def is_json_lines(self) -> bool:
        """Whether the first value of the text is an object that stands on a line of its own, with
        another one after it or nothing.
        """
        if not self.first_line.lstrip().startswith("{"):
            return False
        return has_object(self.first_line) and not has_rest(self.lines[1:])

    @cached_property
    def json_paths(self) -> frozenset[str]:
        """The dotted paths of the keys in the first JSON value, such as "realm" and
        "users.item.username"; "item" stands for the elements of an array.
        """
        paths = set()
        try:
            for path, event, value in ijson.parse(BytesIO(self.text.encode("utf-8", "replace"))):
                if event == "map_key":
                    paths.add(f"{path}.{value}" if path else value)
        except ijson.JSONError:
            # The start ends in the middle of a value, or the file is no JSON.
            pass
        return frozenset(paths)


def has_object(line: str) -> bool:
    """Returns whether a line is one complete JSON object."""
    try:
        return isinstance(next(ijson.items(line, ""), None), dict)
    except ijson.JSONError:
        return False


def has_rest(lines: list[str]) -> bool:
    """Returns whether lines go on with something else than an object."""
    return bool(lines) and not lines[0].lstrip().startswith("{")
