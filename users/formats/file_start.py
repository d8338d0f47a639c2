"""The beginning of a file, from which its format is recognised."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import BinaryIO

import ijson

from users.formats.json_stream import mark_halves
from users.formats.text_encodings import detect_encoding
from users.web.csv_text import BYTE_ORDER_MARK

START_BYTES = 64 * 1024
# Bytes of JSON that are parsed at once: after an error, the events of its block are lost.
PARSED_BYTES = 1024
# Exports of systems have their accounts within this depth.
DEPTH_MAX = 20
# In the path of a key, where an object is an element of an array.
ELEMENT = ".item."


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
        """Whether the text has one JSON object a line. A single object with a list of objects is
        none of them.
        """
        first, second, *_ = [*self.lines, "", ""]
        if not has_object(first):
            return False
        if second:
            return second.lstrip().startswith("{")
        return not any(ELEMENT in path for path in self.json_paths)

    @cached_property
    def json_paths(self) -> frozenset[str]:
        """The dotted paths of the keys in the first JSON value, such as "realm" and
        "users.item.username"; "item" stands for the elements of an array.
        """
        return frozenset(json_key_paths(self.text.encode("utf-8", "replace")))


def json_key_paths(content: bytes) -> Iterator[str]:
    """Yields the dotted path of each key in a JSON value, which may be cut off or damaged."""
    path: list[str] = []
    try:
        stream = BytesIO(mark_halves(content))
        # Without use_float, ijson 3.6 crashes the process on a number with 5,000 digits.
        events = ijson.basic_parse(stream, buf_size=PARSED_BYTES, use_float=True)
        for event, value in events:
            if event == "start_map":
                path.append("")
            elif event == "start_array":
                path.append("item")
            elif event in ("end_map", "end_array"):
                path.pop()
            elif event == "map_key":
                path[-1] = value
                yield ".".join(path)
            if len(path) > DEPTH_MAX:
                return
    except (ijson.JSONError, ValueError):
        return


def has_object(line: str) -> bool:
    """Returns whether a line is one complete JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
