"""The texts of a workbook. Cells refer to them by number. They are read when they are needed first,
and kept in a temporary file: a million accounts have some four million texts.
"""

import os
import re
from array import array
from tempfile import TemporaryFile
from typing import BinaryIO

from users.formats.excel.xml_stream import BadXml, XmlFeed, local_name

# The limit of Excel, in characters.
CELL_MAX = 32_767
# Characters that XML cannot contain, such as _x0007_ (ECMA-376, ST_Xstring).
ESCAPED_CHARACTER = re.compile(r"_x([0-9A-Fa-f]{4})_")


class TextTarget:
    """Collects the texts of a shared string table in `texts`."""

    def __init__(self) -> None:
        self.events = 0
        self.is_finished = False
        self.texts: list[str] = []
        self.parts: list[str] = []
        self.size = 0
        self.is_text = False
        # Inside of a hint how to pronounce the text.
        self.is_phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events += 1
        name = local_name(tag)
        if name == "si":
            self.parts = []
            self.size = 0
        elif name == "rPh":
            self.is_phonetic = True
        elif name == "t":
            self.is_text = not self.is_phonetic

    def data(self, text: str) -> None:
        if self.is_text:
            self.size += len(text)
            require_cell_size(self.size)
            self.parts.append(text)

    def end(self, tag: str) -> None:
        self.events += 1
        name = local_name(tag)
        if name == "t":
            self.is_text = False
        elif name == "rPh":
            self.is_phonetic = False
        elif name == "si":
            self.texts.append(unescape_text("".join(self.parts)))


class SharedStrings:
    """The texts by their numbers."""

    def __init__(self, stream: BinaryIO):
        self.target = TextTarget()
        self.feed = XmlFeed(stream, self.target)
        self.file = TemporaryFile()  # noqa: SIM115 (open as long as this object)
        # Where each text begins in the file, and where the last one ends.
        self.offsets = array("Q", [0])

    def __getitem__(self, number: int) -> str:
        while number + 1 >= len(self.offsets):
            if not self.feed.advance():
                raise BadXml
            self.store(self.target.texts)
            self.target.texts.clear()
        start = self.offsets[number]
        length = self.offsets[number + 1] - start
        return os.pread(self.file.fileno(), length, start).decode("utf-8", "surrogatepass")

    def store(self, texts: list[str]) -> None:
        """Adds texts to the file."""
        end = self.offsets[-1]
        for text in texts:
            content = text.encode("utf-8", "surrogatepass")
            self.file.write(content)
            end += len(content)
            self.offsets.append(end)
        self.file.flush()


def require_cell_size(size: int) -> None:
    """Raises BadXml for a text that no cell can have."""
    if size > CELL_MAX:
        raise BadXml


def unescape_text(text: str) -> str:
    """Returns the text of a cell with the characters that are written as _xHHHH_."""
    if "_x" not in text:
        return text
    return ESCAPED_CHARACTER.sub(lambda found: chr(int(found[1], 16)), text)
