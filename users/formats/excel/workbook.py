"""The parts of a workbook: its sheets, its texts, and which cell styles show dates."""

import posixpath
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple, cast
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import builtin_format_code, is_date_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from users.formats.excel.shared_strings import SharedStrings
from users.formats.excel.sheet_rows import read_sheet
from users.formats.excel.xml_stream import BadXml, local_name
from users.formats.table import TableRow

MANIFEST = "[Content_Types].xml"
WORKBOOK_TYPES = ("sheet.main+xml", "template.main+xml")
USUAL_WORKBOOK = "xl/workbook.xml"
# These parts are read as a whole: workbooks that have more are full of unused styles.
PART_MAX = 4 * 1024 * 1024  # bytes


class Sheet(NamedTuple):
    """A sheet of a workbook."""

    name: str
    # The path in the archive.
    path: str
    is_hidden: bool


class Workbook:
    """A workbook that is open for reading. Its methods raise KeyError, BadXml and the exceptions of
    the parser and the archive if it is damaged.
    """

    def __init__(self, archive: ZipFile):
        self.archive = archive
        path = self.workbook_path()
        root = self.read_part(path)
        folder, file_name = posixpath.split(path)
        links = self.read_part(f"{folder}/_rels/{file_name}.rels")
        self.folder = folder
        # The parts that the workbook refers to, by their IDs and by their kinds.
        self.links: dict[str, Any] = {}
        self.kinds: dict[str, Any] = {}
        for link in links:
            kind = link.get("Type", "")
            self.links[link.get("Id")] = link
            self.kinds[kind.rpartition("/")[2]] = link
        self.epoch = workbook_epoch(root)
        self.sheets = list(self.find_sheets(root))

    def read_part(self, path: str) -> Any:
        """Returns the root element of a small part."""
        if self.archive.getinfo(path).file_size > PART_MAX:
            raise BadXml
        return fromstring(self.archive.read(path))

    def workbook_path(self) -> str:
        """Returns the path of the part that lists the sheets."""
        for part in self.read_part(MANIFEST):
            kind = part.get("ContentType", "")
            if kind.endswith(WORKBOOK_TYPES):
                path = part.get("PartName", "")
                return str(path).lstrip("/")
        return USUAL_WORKBOOK

    def find_sheets(self, root: Any) -> Iterator[Sheet]:
        """Yields the sheets in their order, without charts."""
        for element in elements_named(root, "sheet"):
            link = self.links[link_id(element)]
            if not link.get("Type", "").endswith("/worksheet"):
                continue
            name = element.get("name", "")
            state = element.get("state", "visible")
            path = part_path(link, self.folder)
            yield Sheet(name, path, state != "visible")

    def rows(self, sheet: Sheet) -> Iterator[TableRow]:
        """Yields the rows of a sheet without blank ones."""
        with self.archive.open(sheet.path) as stream:
            yield from read_sheet(
                cast(BinaryIO, stream), self.strings(), self.date_styles(), self.epoch
            )

    def strings(self) -> SharedStrings | None:
        """Returns the shared texts, if the workbook has some."""
        if "sharedStrings" not in self.kinds:
            return None
        path = part_path(self.kinds["sharedStrings"], self.folder)
        return SharedStrings(cast(BinaryIO, self.archive.open(path)))

    def date_styles(self) -> set[int]:
        """Returns the numbers of the cell styles that show a number as a date."""
        if "styles" not in self.kinds:
            return set()
        path = part_path(self.kinds["styles"], self.folder)
        root = self.read_part(path)
        formats = {}
        for element in elements_named(root, "numFmt"):
            number = format_number(element)
            formats[number] = element.get("formatCode", "")
        found = set()
        styles = next(elements_named(root, "cellXfs"), ())
        for index, style in enumerate(styles):
            number = format_number(style)
            code = formats.get(number) or builtin_format_code(number)
            if is_date_format(code):
                found.add(index)
        return found


def format_number(element: Any) -> int:
    """Returns the number of the format that an element defines or refers to."""
    return int(element.get("numFmtId", 0))


def elements_named(root: Any, name: str) -> Iterator[Any]:
    """Yields the elements of this name in any namespace: Excel writes two of them."""
    return (element for element in root.iter() if local_name(element.tag) == name)


def link_id(element: Any) -> str:
    """Returns the ID of the part that an element refers to, in any namespace; "" without one."""
    for name, value in element.attrib.items():
        if name.endswith("}id"):
            return str(value)
    return ""


def part_path(link: Any, folder: str) -> str:
    """Returns the path in the archive that a relationship of the workbook points to."""
    target = str(link.get("Target", ""))
    path = posixpath.join("/", folder, target)
    return posixpath.normpath(path).lstrip("/")


def workbook_epoch(root: Any) -> datetime:
    """Returns the day from which a workbook counts dates."""
    for element in elements_named(root, "workbookPr"):
        if element.get("date1904") in ("1", "true"):
            return MAC_EPOCH
    return WINDOWS_EPOCH
