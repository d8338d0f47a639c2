"""The bytes of a file around its stored rows: header, separators, line ends and footer."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from users.transfer.exports.formatting import CsvWriter, separator_character
from users.transfer.exports.scim import RESOURCE_SEPARATOR
from users.web.csv_text import BYTE_ORDER_MARK, MARK, MARK_COLUMN

SCIM_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
WITHOUT_BOM = "no"


class FileLayout(NamedTuple):
    header: bytes = b""
    footer: bytes = b""
    # Precedes each row except the first one of the file.
    separator: bytes = b""
    # Replaces the line end of each row.
    row_end: bytes = b""


def csv_layout(headings: Iterable[str], parameters: dict[str, Any], *, marked: bool) -> FileLayout:
    """Returns the headings of a CSV file. A file with guarded cells gets one column more, which
    says so.
    """
    separator = separator_character(parameters)
    names = [*headings, MARK_COLUMN] if marked else list(headings)
    line = CsvWriter(separator).csv_line(names)
    start = "" if parameters.get("bom") == WITHOUT_BOM else BYTE_ORDER_MARK
    row_end = f"{separator}{MARK}\r\n".encode() if marked else b""
    return FileLayout(header=f"{start}{line}".encode(), row_end=row_end)


def scim_layout(rows: int) -> FileLayout:
    """Returns the list that holds the resources of a SCIM file (RFC 7644, 3.4.2)."""
    head = {
        "schemas": [SCIM_LIST],
        "totalResults": rows,
        "startIndex": 1,
        "itemsPerPage": rows,
    }
    start = json.dumps(head).removesuffix("}")
    return FileLayout(
        header=f'{start}, "Resources": [\n'.encode(),
        footer=b"\n]}\n",
        separator=RESOURCE_SEPARATOR.encode(),
    )
