"""Reads JSON Lines: one object a line. A line that is damaged is a misfit."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from users.formats import ImportRecord, ImportSource
from users.formats.damage import DAMAGE, REPLACEMENT, damage_reason, show_damaged
from users.formats.file_format import FileFormat
from users.formats.file_start import FileStart
from users.formats.options import ReadOptions
from users.formats.record_values import flat_values
from users.formats.system_format import build_source
from users.formats.text_lines import TextLines
from users.web.strict_json import RepeatedName, unique_members

# A private character, in place of a damaged one while its line is parsed.
MARK = "\ue0ff"


class JsonLinesFile(FileFormat):
    """JSON Lines, also called NDJSON."""

    name = "json-lines"
    label = "JSON Lines"
    extensions = (".jsonl", ".ndjson")

    def matches(self, start: FileStart) -> bool:
        return start.is_json_lines

    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        start = FileStart.read(file, name, options.encoding)
        lines = TextLines(file, name, start.detected_encoding)
        return build_source(name, 0, (), line_records(lines), Counter())


def line_records(lines: TextLines) -> Iterator[ImportRecord]:
    """Yields the objects of the lines that are not blank. Raises UnreadableFile."""
    for line in lines:
        if line.strip():
            yield line_record(line, lines.number, lines.encoding)


def line_record(line: str, number: int, encoding: str) -> ImportRecord:
    """Returns the object in a line, or a misfit."""
    if found := DAMAGE.search(line):
        start = max(0, found.start() - 20)
        shown = show_damaged(line[start : start + 40])
        misfit = f"“{shown}”: {damage_reason(found[0], encoding)}"
        repaired = line_record(DAMAGE.sub(MARK, line), number, encoding)
        values = {name: text.replace(MARK, REPLACEMENT) for name, text in repaired.values.items()}
        return ImportRecord(number, values, misfit)
    try:
        # Numbers as they are written.
        value = json.loads(
            line,
            object_pairs_hook=unique_members,
            parse_float=str,
            parse_int=str,
        )
    except json.JSONDecodeError as error:
        return ImportRecord(number, misfit=f"This is not valid JSON: {error}.")
    except RepeatedName as error:
        name = show_damaged(error.name[:40])
        return ImportRecord(number, misfit=f"This can’t be used: “{name}” occurs twice.")
    except (ValueError, RecursionError) as error:
        return ImportRecord(number, misfit=f"This can’t be used: {error}.")
    if not isinstance(value, dict):
        return ImportRecord(number, misfit="This is not a JSON object.")
    return ImportRecord(number, flat_values(value, ""))
