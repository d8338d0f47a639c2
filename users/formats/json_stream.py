"""JSON as a stream of bytes and events, with limits: a small file must not fill the memory."""

import re
from typing import Any, BinaryIO

from users.formats.start_limit import count_bytes

# In bytes: between two values, so that one value cannot fill the memory.
VALUE_MAX = 4_000_000
# The parser has a name for each level.
NESTED_MAX = 200
CONTAINER_ENDS = ("end_map", "end_array")
# The length of an escaped character that consists of two surrogates, such as \\ud83d\\ude42.
PAIR_BYTES = 12
# Each escape as a whole. Of surrogates it has two, or a lone one.
ESCAPE = re.compile(
    rb"""\\(?:
        u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?
        | u[dD][c-fC-F][0-9a-fA-F]{2}
        | .
    )""",
    re.DOTALL | re.VERBOSE,
)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Replaces a lone surrogate: U+FFFF, which no text contains (see damage.py).
HALF_MARK = b"\\uffff"


class JsonStream:
    """The bytes of a JSON file, with marks for lone surrogates, which the parser would replace by
    question marks. It refuses a value of more than VALUE_MAX bytes.
    """

    def __init__(self, file: BinaryIO):
        self.file = file
        # The bytes that were read since the last value.
        self.pending = 0
        # Bytes that may belong to an escape that goes on.
        self.rest = b""

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes. Raises ValueError if a value is too long."""
        content = b""
        while not content:
            more = self.file.read(size)
            content = self.rest + more
            length = safe_length(content) if more else len(content)
            self.rest = content[length:]
            content = content[:length]
            if not more:
                break
        count_bytes(len(content))
        self.pending += len(content)
        if self.pending > VALUE_MAX:
            raise ValueError(f"a value has more than {VALUE_MAX:,} bytes")
        return mark_halves(content)


class JsonPathTracker:
    """Compares the path of the parser's current event with one such as "users.item"."""

    def __init__(self, path: str):
        self.path = path.split(".") if path else []
        # The key or "item" for each open container.
        self.names: list[str] = []

    def follow(self, event: str, value: Any) -> bool:
        """Follows an event. Returns whether a value at the path begins with it. Raises ValueError
        for deep nesting.
        """
        if event == "map_key":
            self.names[-1] = value
            return False
        if event in CONTAINER_ENDS:
            self.names.pop()
            return False
        is_found = self.names == self.path
        if event == "start_map":
            self.names.append("")
        elif event == "start_array":
            self.names.append("item")
        if len(self.names) > NESTED_MAX:
            raise ValueError("it is nested too deeply")
        return is_found

    def leave(self) -> None:
        """Leaves a container whose other events were not followed."""
        self.names.pop()


def safe_length(content: bytes) -> int:
    """Returns the length of the content without an escape at its end that may go on."""
    edge = len(content) - PAIR_BYTES
    if b"\\" not in content[max(0, edge) :]:
        return len(content)
    end = 0
    for found in ESCAPE.finditer(content):
        if found.start() >= edge:
            return found.start()
        end = found.end()
    # A backslash after the last whole escape is the last byte.
    return len(content) - content.count(b"\\", end)


def mark_halves(content: bytes) -> bytes:
    """Returns the content with HALF_MARK for escapes of lone surrogates."""
    if not SURROGATE.search(content):
        return content
    return ESCAPE.sub(mark_half, content)


def mark_half(escape: re.Match[bytes]) -> bytes:
    """Returns an escape, or HALF_MARK for a lone surrogate."""
    is_half = len(escape[0]) == PAIR_BYTES // 2
    return HALF_MARK if is_half else escape[0]
