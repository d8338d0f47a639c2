"""Reads the objects of a JSON file one at a time, in constant memory."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import ijson

from users.formats import UnreadableFile
from users.formats.damage import show_damaged
from users.formats.file_start import FileStart
from users.formats.json_stream import JsonPathTracker, JsonStream

# In characters, values and brackets. The largest accounts have some 10,000.
RECORD_MAX = 500_000
DEPTH_MAX = 30
TOO_LARGE = "This record is too large for an account."
TOO_DEEP = "This record is nested too deeply for an account."
REPEATED_KEY = "“{key}” occurs twice in this record."
NO_OBJECT = "This is not a JSON object."
# Kinds of events of the parser.
TEXTS = ("string", "map_key")
STARTS = ("start_map", "start_array")
ENDS = ("end_map", "end_array")


@dataclass(frozen=True)
class RawRecord:
    """One record of a file before its values are converted."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    # The reason why the record cannot be read. It has no values then.
    misfit: str = ""


class RecordBuilder:
    """Builds one object from the events of the parser, unless it becomes too large."""

    def __init__(self) -> None:
        # The open containers, and the current key of each.
        self.containers: list[Any] = []
        self.keys: list[str] = []
        self.root: dict[str, Any] = {}
        self.depth = 0
        self.size = 0
        self.problem = ""

    def add(self, event: str, value: Any) -> bool:
        """Adds one event. Returns whether the object is complete."""
        self.size += 1
        if event in TEXTS:
            self.size += len(value)
        elif event in STARTS:
            self.depth += 1
        elif event in ENDS:
            self.depth -= 1
        if self.size > RECORD_MAX:
            self.problem = TOO_LARGE
        elif self.depth > DEPTH_MAX:
            self.problem = TOO_DEEP
        if not self.problem:
            self.store(event, value)
        return self.depth == 0

    def store(self, event: str, value: Any) -> None:
        """Stores the value of an event in the innermost container."""
        if event == "map_key":
            if value in self.containers[-1]:
                self.problem = REPEATED_KEY.format(key=show_damaged(value[:40]))
            self.keys[-1] = value
        elif event == "start_map":
            self.open({})
        elif event == "start_array":
            self.open([])
        elif event in ENDS:
            self.containers.pop()
            self.keys.pop()
        else:
            self.place(value)

    def open(self, container: Any) -> None:
        """Places a new container and makes it the innermost one."""
        if self.containers:
            self.place(container)
        else:
            self.root = container
        self.containers.append(container)
        self.keys.append("")

    def place(self, value: Any) -> None:
        """Puts a value into the innermost container."""
        container = self.containers[-1]
        if isinstance(container, dict):
            container[self.keys[-1]] = value
        else:
            container.append(value)

    def record(self, number: int) -> RawRecord:
        """Returns the complete object as a record."""
        if self.problem:
            return RawRecord(number, misfit=self.problem)
        return RawRecord(number, self.root)


def read_objects(file: BinaryIO, start: FileStart, path: str) -> Iterator[RawRecord]:
    """Yields the objects at `path` of a JSON file, such as "users.item"; at "" the file itself, or
    each of its objects if it has several. Raises UnreadableFile.
    """
    stream = JsonStream(utf8_stream(file, start))
    tracker = JsonPathTracker(path)
    number = 0
    builder: RecordBuilder | None = None
    try:
        # Without use_float, ijson 3.6 crashes the process on a number with 5,000 digits.
        events = ijson.basic_parse(stream, multiple_values=True, use_float=True)
        for event, value in events:
            stream.pending = 0
            if builder is None:
                if not tracker.follow(event, value):
                    continue
                number += 1
                if event != "start_map":
                    yield RawRecord(number, misfit=NO_OBJECT)
                    continue
                builder = RecordBuilder()
            if builder.add(event, value):
                yield builder.record(number)
                tracker.leave()
                builder = None
    except (ijson.JSONError, ValueError) as error:
        complete = number - 1 if builder else number
        reason = f"The JSON can’t be read after record {complete} ({error_summary(error)})."
        raise UnreadableFile(start.name, complete + 1, reason) from error


def error_summary(error: Exception) -> str:
    """Returns the first line of a message. The following ones quote the file, which may have
    secrets.
    """
    message = error.args[0] if len(error.args) == 1 else str(error)
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
    return text.partition("\n")[0].strip().removesuffix(".") or "incomplete"


def utf8_stream(file: BinaryIO, start: FileStart) -> BinaryIO:
    """Returns the content of a file in UTF-8, without a byte order mark."""
    encoding = codecs.lookup(start.detected_encoding).name
    has_mark = start.content.startswith(codecs.BOM_UTF8)
    file.seek(len(codecs.BOM_UTF8) if has_mark else 0)
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return file
    return cast(BinaryIO, codecs.EncodedFile(file, "utf-8", encoding))


def object_keys(start: FileStart, path: str) -> frozenset[str]:
    """Returns the keys of the objects at `path` in the start of a JSON file."""
    prefix = f"{path}." if path else ""
    inside = (key.removeprefix(prefix) for key in start.json_paths if key.startswith(prefix))
    return frozenset(key for key in inside if "." not in key)
