"""Remembers which line of a file has which value, in constant memory."""

import sqlite3
from hashlib import blake2b
from secrets import token_bytes

DIGEST_BYTES = 16


class LineIndex:
    """The first line of each value. It is a temporary database, because ten million values would
    take a gigabyte of memory. It has digests, so that no personal data is on the disk.
    """

    def __init__(self) -> None:
        # SQLite deletes this file when it is closed. After a crash nobody needs it.
        self.database = sqlite3.connect("")
        self.database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        self.database.execute(
            "CREATE TABLE line (digest BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID"
        )
        self.secret = token_bytes(DIGEST_BYTES)

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    def find(self, kind: str, value: str) -> int:
        """Returns the line of a value, or 0. Values of different kinds are different."""
        query = "SELECT number FROM line WHERE digest = ?"
        found = self.database.execute(query, (self.digest(kind, value),)).fetchone()
        return found[0] if found else 0

    def add(self, kind: str, value: str, line: int) -> int:
        """Stores the line of a value unless it has one. Returns the value's line."""
        insertion = "INSERT OR IGNORE INTO line VALUES (?, ?)"
        added = self.database.execute(insertion, (self.digest(kind, value), line)).rowcount
        return line if added else self.find(kind, value)

    def digest(self, kind: str, value: str) -> bytes:
        """Returns a digest that cannot be computed without the secret of this index."""
        text = f"{kind}={value}".encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=DIGEST_BYTES, key=self.secret).digest()
