"""Files that are uploaded, checked and imported in this process."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

from tests.bulk.running import work
from users.formats.options import ReadOptions
from users.jobs.models import Job
from users.transfer.imports.check_job import start_check
from users.transfer.imports.import_job import start_import
from users.transfer.imports.inspection import inspect_upload
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.storage import store_upload
from users.transfer.models import ImportFile

PEOPLE = "username,email\nann,ann@example.com\nbob,bob@example.com\neve,eve@example.com\n"


def upload(content: str | bytes, by: Any, name: str = "people.csv") -> ImportFile:
    """A stored file whose beginning was read."""
    data = content if isinstance(content, bytes) else content.encode()
    file = store_upload(iter([data]), name, by)
    inspect_upload(file, ReadOptions())
    return file


def check(file: ImportFile, by: Any, **changes: Any) -> Job:
    """The check of a file with the suggested rules, and with `changes` of them."""
    rules = ImportRules.from_json(file.suggested | changes)
    job = work(start_check(file, rules, by=by))
    file.refresh_from_db()
    return job


def run_import(content: str | bytes, by: Any, **changes: Any) -> ImportFile:
    """The file after its import."""
    file = upload(content, by)
    assert check(file, by, **changes).state == "done"
    job = work(start_import(file, by=by, reason="A test"))
    assert job.state == "done", job.note
    file.refresh_from_db()
    return file


def counts(file: ImportFile) -> tuple[int, ...]:
    """read, created, updated, unchanged, rejected."""
    names = ("read", "created", "updated", "unchanged", "rejected")
    return tuple(file.totals[name] for name in names)


def numbered_people(number: int) -> str:
    """A CSV file with this many rows."""
    text = StringIO("username,email\n")
    text.seek(0, 2)
    for each in range(number):
        text.write(f"imported{each},imported{each}@example.org\n")
    return text.getvalue()


def in_blocks(data: bytes, size: int) -> Iterator[bytes]:
    """The bytes as a stream of blocks."""
    return (data[start : start + size] for start in range(0, len(data), size))
