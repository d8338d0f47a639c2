"""An index of the values in a file and their lines, in constant memory."""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from secrets import token_bytes

DIGEST_BYTES = 16
# Those that are kept: one column. Two of ten million values are equal once in 370,000 files.
KEPT_BYTES = 8
READ_AT_ONCE = 5000
# Lines that are kept until they are written together: sorted, they share the pages of the table.
WRITTEN_AT_ONCE = 50_000
# Pages of the temporary database that stay in memory, in KiB.
CACHE_KIB = 8000
# A kind of value and a value.
IndexKey = tuple[str, str]


class LineIndex:
    """The line of each value: the first one that has it, or the last one that has taken it as the
    name of an account. The line of a name that a row has given up is negative.

    New lines are kept in memory until `flush` writes them; `discard` forgets them instead. It has
    digests, so that no personal data is on the disk.
    """

    def __init__(self, secret: bytes = b""):
        self.secret = secret or token_bytes(DIGEST_BYTES)
        # Lines by digest: those that were read, and new ones. 0: no line is stored.
        self.known: dict[int, int] = {}
        self.new: dict[int, int] = {}

    def load(self, names: Iterable[IndexKey]) -> None:
        """Reads the lines of these names, for what follows until the next `flush`."""
        self.load_digests([self.digest(*name) for name in names])

    def load_digests(self, digests: list[int]) -> None:
        """Reads the lines of these digests."""
        unknown = [each for each in dict.fromkeys(digests) if each not in self.known]
        self.known |= dict.fromkeys(unknown, 0)
        for start in range(0, len(unknown), READ_AT_ONCE):
            self.known |= self.read(unknown[start : start + READ_AT_ONCE])

    def add_all(self, kind: str, values: list[tuple[str, int]]) -> list[int]:
        """Records the lines of values unless they have one, in this order. Returns their lines."""
        digests = [self.digest(kind, value) for value, _ in values]
        self.load_digests(digests)
        found = []
        for digest, (_, line) in zip(digests, values, strict=True):
            first = self.new.get(digest) or self.known[digest]
            if not first:
                first = self.new[digest] = line
            found.append(first)
        return found

    def find(self, kind: str, value: str) -> int:
        """Returns the line of a value, or 0. Values of different kinds are different."""
        digest = self.digest(kind, value)
        if digest in self.new:
            return self.new[digest]
        if digest not in self.known:
            self.known[digest] = self.read([digest]).get(digest, 0)
        return self.known[digest]

    def add(self, kind: str, value: str, line: int) -> int:
        """Records the line of a value unless it has one. Returns the value's line."""
        return self.add_all(kind, [(value, line)])[0]

    def put(self, kind: str, value: str, line: int) -> None:
        """Records the line of a value, in place of the one that it has."""
        self.new[self.digest(kind, value)] = line

    def flush(self) -> None:
        """Writes the new lines."""
        if self.new:
            self.write(self.new)
        self.discard()

    def discard(self) -> None:
        """Forgets the new lines."""
        self.known = {}
        self.new = {}

    def digest(self, kind: str, value: str) -> int:
        """Returns a digest that cannot be computed without the secret of this index, with a sign as
        databases store it.
        """
        text = f"{kind}={value}".encode("utf-8", "surrogatepass")
        digest = blake2b(text, digest_size=DIGEST_BYTES, key=self.secret).digest()
        return int.from_bytes(digest[:KEPT_BYTES], "big", signed=True)

    def read(self, digests: list[int]) -> dict[int, int]:
        """Returns the stored lines of these digests."""
        raise NotImplementedError

    def write(self, lines: dict[int, int]) -> None:
        """Stores lines by digest, in place of those that are stored."""
        raise NotImplementedError

    def close(self) -> None:
        """Frees what the index holds."""


class TemporaryLineIndex(LineIndex):
    """An index in a temporary database, because ten million values would take a gigabyte of
    memory.
    """

    def __init__(self) -> None:
        super().__init__()
        # SQLite deletes this file when it is closed. After a crash nobody needs it.
        self.database = sqlite3.connect("")
        self.database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            f"PRAGMA cache_size = -{CACHE_KIB};"
            "CREATE TABLE line (digest INTEGER PRIMARY KEY, number INTEGER)"
        )
        # New lines that the table does not have yet.
        self.unwritten: dict[int, int] = {}

    def read(self, digests: list[int]) -> dict[int, int]:
        marks = ", ".join("?" * len(digests))
        query = f"SELECT digest, number FROM line WHERE digest IN ({marks})"  # noqa: S608  marks
        stored = dict(self.database.execute(query, digests))
        found = self.unwritten.keys() & set(digests)
        return stored | {digest: self.unwritten[digest] for digest in found}

    def write(self, lines: dict[int, int]) -> None:
        self.unwritten |= lines
        if len(self.unwritten) < WRITTEN_AT_ONCE:
            return
        # In the order of the table, so that each of its pages is read once.
        rows = sorted(self.unwritten.items())
        self.database.executemany("INSERT OR REPLACE INTO line VALUES (?, ?)", rows)
        self.unwritten = {}

    def close(self) -> None:
        self.database.close()
