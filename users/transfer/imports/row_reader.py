"""Reads the records of an upload for the chunks of a check, forwards only.

A process keeps its reader from chunk to chunk. If another process has worked on the job meanwhile,
the reader skips to the next row, so that each process reads a file once at most.
"""

from collections import Counter, deque

from django.conf import settings
from django.db import connection

from users.formats import ImportRecord, UnreadableFile
from users.formats.options import ReadOptions
from users.formats.registry import open_source
from users.jobs.models import Job
from users.transfer.imports.storage import open_upload
from users.transfer.models import ImportFile

# Characters of the records that are read in advance, since rows can be long.
BUFFER_CHARS = 4_000_000
# After this many skipped rows a statement is sent, so that the transaction of this process is not
# idle for long.
SKIPPED_ROWS = 10_000
TOO_MANY_ROWS = "The file has more than {limit} rows. Split it into smaller files."


class RowReader:
    """The records of one upload after row `position`."""

    def __init__(self, file: ImportFile, job_id: int):
        self.file = file
        self.job_id = job_id
        self.upload = open_upload(file)
        self.position = 0
        self.buffer: deque[ImportRecord] = deque()
        self.chars = 0
        # Why the file can't be read to its end.
        self.problem = ""
        self.ended = False
        # Whether reading was interrupted at an unknown position, so that it can't be continued.
        self.broken = False
        self.columns: list[str] = []
        # What the records left out so far, such as service accounts, with the numbers.
        self.skipped: Counter[str] = Counter()
        try:
            options = ReadOptions.from_json(file.options)
            source = open_source(self.upload, file.name, options).source
            self.columns = source.columns
            self.skipped = source.skipped
            self.records = iter(source.records)
        except UnreadableFile as error:
            self.end(str(error))

    def may_continue(self, job: Job) -> bool:
        """Returns whether the reader can reach the cursor of a job."""
        return job.pk == self.job_id and self.position <= job.cursor and not self.broken

    def end(self, problem: str = "") -> None:
        self.ended = True
        self.problem = problem

    def advance(self, position: int) -> None:
        """Drops the records up to row `position`."""
        while self.position < position and self.fill(1):
            self.chars -= record_size(self.buffer.popleft())
            self.position += 1
            if self.position % SKIPPED_ROWS == 0:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")

    def peek(self, number: int) -> list[ImportRecord]:
        """Returns the next records, at most `number`, and fewer if they are long. They are returned
        again until `advance`.
        """
        self.fill(number)
        return [self.buffer[index] for index in range(min(number, len(self.buffer)))]

    def fill(self, number: int) -> bool:
        """Reads until the buffer has `number` records or is full, or the file ends. Returns whether
        it has any.
        """
        while len(self.buffer) < number and self.chars < BUFFER_CHARS and not self.ended:
            try:
                if self.position + len(self.buffer) >= settings.IMPORT_MAX_ROWS:
                    self.refuse_more_rows()
                    break
                record = next(self.records)
                self.buffer.append(record)
                self.chars += record_size(record)
            except StopIteration:
                self.end()
            except UnreadableFile as error:
                self.end(str(error))
            except BaseException:
                self.broken = True
                raise
        return bool(self.buffer)

    def refuse_more_rows(self) -> None:
        """Ends the reading, with a problem if there are more rows than a file may have."""
        more = next(self.records, None)
        limit = f"{settings.IMPORT_MAX_ROWS:,}"
        self.end(TOO_MANY_ROWS.format(limit=limit) if more else "")

    def rows_in_file(self) -> int | None:
        """Returns an estimate of the number of rows, from the bytes that were read so far; None if
        they say nothing, as those of an archive.
        """
        read = self.upload.tell()
        rows = self.position + len(self.buffer)
        if self.ended or not rows or read >= self.file.size:
            return None
        return max(int(rows * self.file.size / read), rows)

    def close(self) -> None:
        self.upload.close()


def record_size(record: ImportRecord) -> int:
    """Returns the number of characters in a record."""
    return sum(map(len, record.values.values()))
