"""What a file of accounts has in its columns and rows."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Sum

from users.directory.columns import COLUMNS as SHOWN
from users.directory.columns import NAME
from users.models import User
from users.transfer import export_store
from users.transfer.models import Export
from users.web.csv_injection import harmless

FORMATS = {"csv": "CSV", "jsonl": "JSON Lines"}
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}


@dataclass(frozen=True)
class Column:
    """`heads`: what it is called in the file, where a name has two; `fields`: of the account that
    it is made of.
    """

    label: str
    heads: tuple[str, ...]
    fields: tuple[str, ...]
    values: Callable[[User], tuple[Any, ...]]


def plain(label: str, head: str, field: str = "") -> Column:
    field = field or head
    return Column(label, (head,), (field,), lambda account: (account.__dict__[field],))


def known(label: str, head: str, field: str) -> Column:
    """Whether there is anything."""
    return Column(label, (head,), (field,), lambda account: (account.__dict__[field] is not None,))


# The columns of the directory, under the names that an import takes.
COLUMNS = {
    "id": plain(SHOWN["id"].label, "id"),
    "username": plain(SHOWN["username"].label, "username"),
    "name": Column(
        NAME.label,
        ("first_name", "last_name"),
        ("first_name", "last_name"),
        lambda account: (account.first_name, account.last_name),
    ),
    "email": plain(SHOWN["email"].label, "email"),
    "verified": known(SHOWN["verified"].label, "email_verified", "email_verified_at"),
    "domain": plain(SHOWN["domain"].label, "domain", "email_domain"),
    "phone": plain(SHOWN["phone"].label, "phone"),
    "status": Column(
        SHOWN["status"].label,
        ("status",),
        ("status", "suspended_until", "valid_until"),
        lambda account: (account.state.value,),
    ),
    "joined": plain(SHOWN["joined"].label, "joined", "date_joined"),
    "seen": plain(SHOWN["seen"].label, "last_seen", "last_seen_at"),
    "source": plain(SHOWN["source"].label, "source"),
    "source_id": plain(SHOWN["source_id"].label, "source_id"),
    "mfa": plain(SHOWN["mfa"].label, "second_factor", "has_second_factor"),
    "must_change": plain(SHOWN["must_change"].label, "must_change_password"),
}


def chosen(names: Any) -> list[str]:
    """Of what a job has stored, the columns that there are, in the order of the file."""
    return [name for name in COLUMNS if name in names] if isinstance(names, list) else []


def heads(names: Iterable[str]) -> list[str]:
    return [head for name in names for head in COLUMNS[name].heads]


def fields(names: Iterable[str]) -> set[str]:
    return {"id", *(field for name in names for field in COLUMNS[name].fields)}


def account(values: dict[str, Any]) -> User:
    """To be read and not to be saved: with these fields alone. Made by Django they took a third of
    the time of an export.
    """
    bare = User.__new__(User)
    bare.__dict__.update(values)
    return bare


def rows(accounts: Iterable[User], names: list[str], form: str) -> Iterator[tuple[int, str]]:
    """Of each account its id and its row as text; as they are given, masked or not."""
    columns = [COLUMNS[name].values for name in names]
    line = csv_line if form == "csv" else json_line(heads(names))
    for account in accounts:
        yield account.pk, line([value for values in columns for value in values(account)])


class Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


WRITER = csv.writer(Echo())


def csv_line(values: list[Any]) -> str:
    """RFC 4180. Nothing in it begins as a formula of a spreadsheet does."""
    line: str = WRITER.writerow([as_text(value) for value in values])
    return line


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return as_moment(value)
    return "" if value is None else str(value)


def json_line(names: list[str]) -> Callable[[list[Any]], str]:
    def line(values: list[Any]) -> str:
        told = (as_moment(value) if isinstance(value, datetime) else value for value in values)
        return json.dumps(dict(zip(names, told, strict=True)), ensure_ascii=False) + "\n"

    return line


def as_moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def beginning(export: Export) -> bytes:
    """What stands above the first row."""
    names = chosen(export.job.parameters.get("columns"))
    form = export.job.parameters.get("format")
    return csv_line(list(heads(names))).encode() if form == "csv" else b""


def stream(export: Export) -> Iterator[bytes]:
    yield beginning(export)
    yield from export_store.read(export)


def measures(export: Export) -> tuple[int, int]:
    """Rows, and bytes with the beginning."""
    found = export.pieces.aggregate(rows=Sum("rows"), size=Sum("size"))
    return found["rows"] or 0, (found["size"] or 0) + len(beginning(export))
