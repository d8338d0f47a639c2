"""An index of the values in a file and their lines, in the database. The chunks of a check may run
in different processes, and do not see each other's accounts.
"""

from hashlib import sha256

from django.conf import settings
from django.db import connection

from users.transfer.imports.line_index import LineIndex
from users.transfer.models import ImportClaim, ImportFile

# Without objects, which would take longer than the check of a row.
ON_CONFLICT = "ON CONFLICT (file_id, digest) DO UPDATE SET line = excluded.line"
WRITE_POSTGRESQL = f"""
    INSERT INTO users_importclaim (file_id, digest, line)
    SELECT %s, digest, line FROM unnest(%s::bigint[], %s::bigint[]) AS given (digest, line)
    {ON_CONFLICT}
"""  # noqa: S608  constants
WRITE_SQLITE = f"""
    INSERT INTO users_importclaim (file_id, digest, line) VALUES (%s, %s, %s) {ON_CONFLICT}
"""  # noqa: S608  constants


class StoredLineIndex(LineIndex):
    """The index of one file. It reads and writes within the transaction of a chunk."""

    def __init__(self, file: ImportFile):
        key = f"users.transfer.imports:{file.pk}:{settings.SECRET_KEY}"
        super().__init__(sha256(key.encode()).digest())
        self.file_id = file.pk

    def read(self, digests: list[int]) -> dict[int, int]:
        stored = ImportClaim.objects.filter(file_id=self.file_id, digest__in=digests)
        return dict(stored.values_list("digest", "line"))

    def write(self, lines: dict[int, int]) -> None:
        rows = sorted(lines.items())
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                digests, numbers = map(list, zip(*rows, strict=True))
                cursor.execute(WRITE_POSTGRESQL, [self.file_id, digests, numbers])
            else:
                cursor.executemany(WRITE_SQLITE, [(self.file_id, *row) for row in rows])
