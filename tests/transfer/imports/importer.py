"""Runs manage.py import_accounts on a text, and tells what it said."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command

from users.formats import ImportRecord, ImportSource
from users.transfer.imports.line_index import LineIndex, TemporaryLineIndex
from users.transfer.imports.outcomes import RowOutcome
from users.transfer.imports.rules import ImportRules, build_mapping
from users.transfer.imports.run import store_rows

FAKENAME = [
    "--source=fakename",
    "--set=source_id={TelephoneNumber|digits}",
    "--set=username={GivenName|slug}.{Surname|slug}.{TelephoneNumber|last4}",
    "--set=email={GivenName|slug}.{Surname|slug}.{TelephoneNumber|last4}@example.com",
    "--map=GivenName=first_name",
    "--map=Surname=last_name",
    "--set=phone=+1{TelephoneNumber|digits}",
    "--attributes=City,State,ZipCode,Birthday",
]


class Result(NamedTuple):
    code: int
    output: str
    errors: str

    @property
    def last(self) -> str:
        return self.output.splitlines()[-1]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """created, updated, unchanged, rejected; their sum is what was read."""
        pattern = (
            r"(\d+) read = (\d+) created \+ (\d+) updated \+ (\d+) unchanged \+ (\d+) rejected"
        )
        found = re.fullmatch(pattern, self.last)
        assert found, self.last
        read, *counts = map(int, found.groups())
        assert read == sum(counts)
        return tuple(counts)


def import_file(path: Path | str, *words: str) -> Result:
    output = StringIO()
    errors = StringIO()
    code = 0
    try:
        call_command("import_accounts", str(path), *words, stdout=output, stderr=errors)
    except SystemExit as end:
        code = end.code
    except CommandError as error:
        code = error.returncode
        errors.write(str(error))
    return Result(code, output.getvalue(), errors.getvalue())


def import_records(
    records: list[dict[str, str]],
    rules: ImportRules,
    by: Any,
    lines: LineIndex | None = None,
    *,
    first: int = 2,
    **options: Any,
) -> list[RowOutcome]:
    """Stores records, the first of which is line `first`, and returns their outcomes."""
    source = ImportSource("people", 1, list(records[0]), iter(()))
    mapping = build_mapping(source, rules)
    rows = [mapping.row(ImportRecord(line, each)) for line, each in enumerate(records, first)]
    return store_rows(rows, mapping, rules, by, lines or TemporaryLineIndex(), **options)


@pytest.fixture
def importing(tmp_path) -> Callable[..., Result]:
    """A function that imports a text (or bytes), as the file people.csv in this test's folder."""

    def run(content: str | bytes, *words: str) -> Result:
        path = tmp_path / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = import_file(path, *words)
        return result._replace(errors=result.errors.replace(str(path), "people.csv"))

    return run
