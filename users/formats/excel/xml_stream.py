"""Feeds XML to a target in pieces, without a tree: memory does not grow with the file."""

from typing import BinaryIO, Protocol

from defusedxml.ElementTree import DefusedXMLParser

from users.formats.start_limit import count_bytes

FEED_BYTES = 64 * 1024
# A tag or comment of this length is no part of a workbook. The parser keeps it in memory.
TOKEN_MAX = 1024 * 1024
# Different names of tags and attributes in one file.
NAMES_MAX = 10_000


class BadXml(Exception):
    """The XML cannot be a part of a workbook."""


class XmlTarget(Protocol):
    """The receiver of the elements of an XML file, as xml.etree's XMLParser defines it."""

    # The number of elements and texts so far.
    events: int
    # Whether the rest of the file is not needed.
    is_finished: bool

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...
    def data(self, text: str) -> None: ...
    def end(self, tag: str) -> None: ...


class XmlFeed:
    """Feeds one stream to a target."""

    def __init__(self, stream: BinaryIO, target: XmlTarget):
        self.stream = stream
        self.target = target
        # It refuses entities, and everything that would read other files.
        self.parser = DefusedXMLParser(target=target)
        # The bytes since the last event.
        self.silent = 0

    def advance(self) -> bool:
        """Feeds the next piece. Returns whether there was one. Raises BadXml, and the exceptions of
        the parser and the archive.
        """
        chunk = b"" if self.target.is_finished else self.stream.read(FEED_BYTES)
        if not chunk:
            return False
        count_bytes(len(chunk))
        events = self.target.events
        self.parser.feed(chunk)
        self.silent = 0 if self.target.events > events else self.silent + len(chunk)
        # The parser keeps each name of a tag or an attribute.
        if self.silent > TOKEN_MAX or len(self.parser.parser.intern) > NAMES_MAX:
            raise BadXml
        return True


def local_name(tag: str) -> str:
    """Returns the name of a tag or an attribute without its namespace."""
    return tag.rpartition("}")[2]
