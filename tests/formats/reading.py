"""Reads a file through the registry of formats, as imports do."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from users.formats import ImportRecord
from users.formats.options import ReadOptions
from users.formats.registry import open_source
from users.passwords.hash_registry import HASHERS


class FileContent(NamedTuple):
    """What a file was read as."""

    format: str
    columns: list[str]
    records: list[ImportRecord]

    @property
    def rows(self) -> list[dict[str, str]]:
        """The values that are not empty, of the rows that fit."""
        fitting = [record for record in self.records if not record.misfit]
        return [{k: v for k, v in record.values.items() if v} for record in fitting]

    @property
    def misfits(self) -> dict[int, str]:
        return {record.line: record.misfit for record in self.records if record.misfit}


def read_content(content: Any, name: str = "people", **options: Any) -> FileContent:
    """Reads bytes, a text, a path, or anything else as JSON."""
    if isinstance(content, Path):
        content = content.read_bytes()
    elif isinstance(content, str):
        content = content.encode()
    elif not isinstance(content, bytes):
        content = json.dumps(content).encode()
    opened = open_source(BytesIO(content), name, ReadOptions(**options))
    return FileContent(opened.format.name, opened.source.columns, list(opened.source.records))


def is_password(password: str, encoded: str) -> bool:
    """Returns whether a password fits a hash. The hashers of the tests know only one kind."""
    return HASHERS[encoded.partition("$")[0]].verify(password, encoded)
