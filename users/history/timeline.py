"""The timeline of an account, newest first: changes, sign-ins, mail, notes and jobs.

A page takes one query. Each source is read from its own index in the order of its ids, and the
sources are merged by time. A cursor holds the id in each source below which the next page starts.
So no entry is repeated or missed, even if entries have equal times or new ones arrive between two
pages, because new ones have higher ids.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connections, router

from users.audit.models import AuditEvent
from users.exceptions import BadParameter
from users.identifiers import LARGEST_ID

SIZE = 30
MAX_CURSOR_LENGTH = 400
NULL_ID = "CAST(NULL AS bigint)"


class Source(NamedTuple):
    """A table that entries are read from."""

    label: str
    table: str
    # The column with the id of the account.
    owner: str
    # The SQL of the fields of Entry after `kind`, for both databases. {ip} is the address as text.
    columns: str
    # The condition that excludes rows which another source shows better.
    condition: str = ""
    # The condition that excludes rows which no timeline shows.
    hidden: str = ""


SOURCES = {
    "changes": Source(
        label="Changes",
        table="users_auditevent",
        owner="target_id",
        columns=(
            "id, at, actor_id, actor_text, action, reason, CAST(before AS text),"
            " CAST(after AS text), {ip}, user_agent, job_id, ticket"
        ),
        condition="action <> 'note.added'",
        # The trail has them. Here they would bury what did happen.
        hidden="NOT (action = 'denied')",
    ),
    "sign-ins": Source(
        label="Sign-ins",
        table="users_signinevent",
        owner="account_id",
        columns=f"id, at, {NULL_ID}, '', outcome, way, '', '', {{ip}}, user_agent, {NULL_ID}, ''",
    ),
    "mail": Source(
        label="Emails",
        table="users_message",
        owner="account_id",
        columns=(
            f"""id, created_at, {NULL_ID}, '', kind, error, state, "to","""
            f" CAST(NULL AS text), '', {NULL_ID}, ''"
        ),
    ),
    "notes": Source(
        label="Notes",
        table="users_note",
        owner="account_id",
        columns=(
            "id, created_at, author_id, author_text, '', text, '', '',"
            f" CAST(NULL AS text), '', {NULL_ID}, ''"
        ),
    ),
    "jobs": Source(
        label="Jobs",
        table="users_job",
        owner="by_id",
        columns=(
            "id, created_at, by_id, by_text, kind, reason, state, words, CAST(NULL AS text), '',"
            " id, ticket"
        ),
    ),
}

# The condition for one account, with its id as both parameters. With "=", PostgreSQL may read the
# whole table backwards by id if the account has many old rows. With a range and the full ORDER BY
# it uses the index. SQLite seeks to an id within the account only with "=".
OWNER_CONDITIONS = {
    "postgresql": "{owner} BETWEEN %s AND %s",
    "sqlite": "{owner} = %s AND {owner} = %s",
}


@dataclass
class Entry:
    """One line. The meaning of `code`, `text`, `before` and `after` depends on the source."""

    kind: str
    id: int
    at: datetime
    actor_id: int | None
    actor_text: str
    code: str
    text: str
    before: str
    after: str
    ip: str | None
    user_agent: str
    job_id: int | None
    ticket: str

    def event(self) -> AuditEvent:
        """Returns the event of an entry of the source "changes"."""
        before = json.loads(self.before)
        after = json.loads(self.after)
        return AuditEvent(
            id=self.id,
            at=self.at,
            actor_id=self.actor_id,
            actor_text=self.actor_text,
            action=self.code,
            reason=self.text,
            before=before,
            after=after,
            ip=self.ip,
            user_agent=self.user_agent,
            job_id=self.job_id,
            ticket=self.ticket,
        )


# For each source, the id below which entries are read; 0 if there are no more.
Bounds = dict[str, int]


@dataclass(frozen=True)
class TimelinePage:
    """A page of entries. `older`: the cursor of the next page, "" on the last one."""

    entries: list[Entry]
    older: str


def timeline_page(
    account_id: int, kinds: Iterable[str], cursor: str = "", size: int = SIZE
) -> TimelinePage:
    """Returns the page of the sources `kinds` after `cursor`.

    Raises BadParameter for a malformed cursor, or one of other sources or another account.
    """
    kinds = tuple(kinds)
    bounds = dict.fromkeys(kinds, LARGEST_ID)
    if cursor:
        bounds = decode_bounds(cursor, account_id, kinds)
    found = read_entries(account_id, bounds, size + 1)
    shown = merge_entries(found, size)
    if sum(map(len, found.values())) <= size:
        return TimelinePage(shown, "")
    return TimelinePage(shown, encode_bounds(account_id, next_bounds(found, shown)))


def merge_entries(found: dict[str, list[Entry]], size: int) -> list[Entry]:
    """Returns the newest `size` entries of all sources.

    Only the first remaining entry of each source is compared, so each source keeps the order of its
    ids even if a clock was set back.
    """
    positions = dict.fromkeys(found, 0)
    shown = list[Entry]()
    while len(shown) < size:
        heads = [
            entries[positions[kind]]
            for kind, entries in found.items()
            if positions[kind] < len(entries)
        ]
        if not heads:
            break
        head = max(heads, key=lambda entry: entry.at)
        positions[head.kind] += 1
        shown.append(head)
    return shown


def next_bounds(found: dict[str, list[Entry]], shown: list[Entry]) -> Bounds:
    """Returns the bounds of the next page, which exclude all shown entries and all newer ones."""
    bounds: Bounds = dict.fromkeys(found, 0)
    for kind, entries in found.items():
        if entries:
            bounds[kind] = entries[0].id + 1
    return bounds | {entry.kind: entry.id for entry in shown}


# --- the query ------------------------------------------------------------------------------------


def read_entries(
    account_id: int, bounds: Bounds, limit: int, sources: dict[str, Source] = SOURCES
) -> dict[str, list[Entry]]:
    """Returns the newest `limit` entries of each source below its bound."""
    connection = connections[router.db_for_read(AuditEvent)]
    found: dict[str, list[Entry]] = {kind: [] for kind in bounds}
    open_sources = {kind: sources[kind] for kind, bound in bounds.items() if bound}
    if not open_sources:
        return found
    statement = union_sql(open_sources, connection.vendor, combined=len(bounds) > 1)
    params: list[int] = []
    for kind in open_sources:
        params += (account_id, account_id, bounds[kind], limit)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        for row in cursor.fetchall():
            entry = Entry(*row)
            entry.at = aware_datetime(entry.at)
            found[entry.kind].append(entry)
    for entries in found.values():
        # UNION ALL guarantees no order, although the rows arrive sorted.
        entries.sort(key=lambda entry: -entry.id)
    return found


def union_sql(sources: dict[str, Source], vendor: str, *, combined: bool) -> str:
    """Returns the SELECT of all sources. `combined`: the page shows more than one source."""
    branches = [
        source_sql(kind, source, vendor, combined=combined) for kind, source in sources.items()
    ]
    return " UNION ALL ".join(
        f"SELECT * FROM ({branch}) AS branch{number}"  # noqa: S608
        for number, branch in enumerate(branches)
    )


def source_sql(kind: str, source: Source, vendor: str, *, combined: bool) -> str:
    """Returns the SELECT of one source. Its condition applies only if sources are combined."""
    columns = source.columns.replace("{ip}", "host(ip)" if vendor == "postgresql" else "ip")
    where = OWNER_CONDITIONS[vendor].format(owner=source.owner)
    if combined and source.condition:
        where += f" AND {source.condition}"
    if source.hidden:
        where += f" AND {source.hidden}"
    order = f"{source.owner}, id DESC"
    return (
        f"SELECT '{kind}' AS kind, {columns} FROM {source.table} "  # noqa: S608  constants
        f"WHERE {where} AND id < %s ORDER BY {order} LIMIT %s"
    )


def aware_datetime(value: Any) -> datetime:
    """Returns an aware datetime. SQLite returns times in UTC, as text or without a zone."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# --- the cursor -----------------------------------------------------------------------------------


def encode_bounds(account_id: int, bounds: Bounds) -> str:
    data = json.dumps([account_id, bounds], separators=(",", ":"))
    return urlsafe_b64encode(data.encode()).rstrip(b"=").decode()


def decode_bounds(cursor: str, account_id: int, kinds: tuple[str, ...]) -> Bounds:
    error = BadParameter("after", "This page link has expired. Start again from the first page.")
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise error
        owner, bounds = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        ids = [bounds[kind] for kind in kinds]
    except (ValueError, TypeError, KeyError, RecursionError) as cause:
        raise error from cause
    are_valid = all(type(bound) is int and 0 <= bound <= LARGEST_ID for bound in ids)
    if type(owner) is not int or owner != account_id or set(bounds) != set(kinds) or not are_valid:
        raise error
    return dict(zip(kinds, ids, strict=True))
