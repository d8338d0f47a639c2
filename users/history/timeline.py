"""Everything that happened around one account, newest first: changes, sign-ins, mail, notes, jobs.
One query for any page.

Each source is a range of its own index, in the order of its ids; the sources are merged by time. A
cursor holds, for each of them, the id that the next page begins below. So nothing is shown twice or
left out: not where two entries have one moment, and not when more arrive between two pages, since
those have higher ids.
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
MAX_CURSOR_LENGTH = 400  # characters of a cursor
NULL_ID = "CAST(NULL AS bigint)"


class Source(NamedTuple):
    """Where entries come from. `columns`: what an Entry has after `kind`, in SQL that both
    databases take; {ip} is the address as text. `left_out`: what another source tells better.
    """

    label: str
    table: str
    owner: str
    columns: str
    left_out: str = ""


SOURCES = {
    "changes": Source(
        "Changes",
        "users_auditevent",
        "target_id",
        "id, at, actor_id, actor_text, action, reason, CAST(before AS text), CAST(after AS text), "
        "{ip}, user_agent, job_id",
        "action <> 'note.added'",
    ),
    "sign-ins": Source(
        "Sign-ins",
        "users_signinevent",
        "account_id",
        f"id, at, {NULL_ID}, '', outcome, way, '', '', {{ip}}, user_agent, {NULL_ID}",
    ),
    "mail": Source(
        "Mail",
        "users_message",
        "account_id",
        f"""id, created_at, {NULL_ID}, '', kind, error, state, "to", """
        f"CAST(NULL AS text), '', {NULL_ID}",
    ),
    "notes": Source(
        "Notes",
        "users_note",
        "account_id",
        "id, created_at, author_id, author_text, '', text, '', '', "
        f"CAST(NULL AS text), '', {NULL_ID}",
    ),
    "jobs": Source(
        "Jobs",
        "users_job",
        "by_id",
        "id, created_at, by_id, by_text, kind, reason, state, words, CAST(NULL AS text), '', id",
    ),
}

# One account, said in two ways. With "=", PostgreSQL may read the whole table backwards by id, for
# an account that has much in it, and all of that long ago; from the account to itself, in an order
# said in full, it does not. SQLite seeks to an id within the account only with "=".
OWNER_CONDITIONS = {
    "postgresql": "{owner} BETWEEN %s AND %s",
    "sqlite": "{owner} = %s AND {owner} = %s",
}


@dataclass
class Entry:
    """One line. What `what`, `text`, `before` and `after` are is the source's affair (SOURCES)."""

    kind: str
    id: int
    at: datetime
    actor_id: int | None
    actor_text: str
    what: str
    text: str
    before: str
    after: str
    ip: str | None
    user_agent: str
    job_id: int | None

    def event(self) -> AuditEvent:
        before = json.loads(self.before)
        after = json.loads(self.after)
        return AuditEvent(
            id=self.id,
            at=self.at,
            actor_id=self.actor_id,
            actor_text=self.actor_text,
            action=self.what,
            reason=self.text,
            before=before,
            after=after,
            ip=self.ip,
            user_agent=self.user_agent,
            job_id=self.job_id,
        )


Bounds = dict[str, int]  # by source: only ids below; 0 where there is nothing more


@dataclass(frozen=True)
class TimelinePage:
    entries: list[Entry]
    older: str  # the cursor of the next page, "" on the last one


def timeline_page(
    account_id: int, kinds: Iterable[str], cursor: str = "", size: int = SIZE
) -> TimelinePage:
    """Raises BadParameter for a cursor that was not made here, or was made for other sources or
    another account.
    """
    kinds = tuple(kinds)
    bounds = (
        decode_bounds(cursor, account_id, kinds) if cursor else dict.fromkeys(kinds, LARGEST_ID)
    )
    found = read_entries(account_id, bounds, size + 1)
    shown = merge_entries(found, size)
    if sum(map(len, found.values())) <= size:
        return TimelinePage(shown, "")
    return TimelinePage(shown, encode_bounds(account_id, next_bounds(found, shown)))


def merge_entries(found: dict[str, list[Entry]], size: int) -> list[Entry]:
    """The first `size` of all. The next is always the newest of those that are first in their
    source: so each source keeps the order of its ids, also where a clock went back.
    """
    places = dict.fromkeys(found, 0)
    shown = list[Entry]()
    while len(shown) < size:
        heads = [
            entries[places[kind]] for kind, entries in found.items() if places[kind] < len(entries)
        ]
        if not heads:
            break
        head = max(heads, key=lambda entry: entry.at)
        places[head.kind] += 1
        shown.append(head)
    return shown


def next_bounds(found: dict[str, list[Entry]], shown: list[Entry]) -> Bounds:
    """Returns the bounds of the next page. Later entries have ids above them in every source."""
    bounds = {kind: entries[0].id + 1 if entries else 0 for kind, entries in found.items()}
    return bounds | {entry.kind: entry.id for entry in shown}


# --- the query ------------------------------------------------------------------------------------


def read_entries(
    account_id: int, bounds: Bounds, limit: int, sources: dict[str, Source] = SOURCES
) -> dict[str, list[Entry]]:
    """The first `limit` of each source, in the order of their ids."""
    connection = connections[router.db_for_read(AuditEvent)]
    open_bounds = {kind: bound for kind, bound in bounds.items() if bound}
    found: dict[str, list[Entry]] = {kind: [] for kind in bounds}
    if not open_bounds:
        return found
    statement = union_sql(
        {kind: sources[kind] for kind in open_bounds}, connection.vendor, many=len(bounds) > 1
    )
    params = [
        value for bound in open_bounds.values() for value in (account_id, account_id, bound, limit)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        for row in cursor.fetchall():
            entry = Entry(*row)
            entry.at = aware_datetime(entry.at)
            found[entry.kind].append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: -entry.id)  # as they come, but no standard promises it
    return found


def union_sql(sources: dict[str, Source], vendor: str, *, many: bool) -> str:
    """`many`: some sources tell better what others would tell too, and are not alone."""
    branches = (source_sql(kind, source, vendor, many) for kind, source in sources.items())
    return " UNION ALL ".join(
        f"SELECT * FROM ({part}) AS one{number}"  # noqa: S608
        for number, part in enumerate(branches)
    )


def source_sql(kind: str, source: Source, vendor: str, many: bool) -> str:
    columns = source.columns.replace("{ip}", "host(ip)" if vendor == "postgresql" else "ip")
    more = f" AND {source.left_out}" if source.left_out and many else ""
    where = OWNER_CONDITIONS[vendor].format(owner=source.owner)
    order = f"{source.owner}, id DESC"
    return (
        f"SELECT '{kind}' AS kind, {columns} FROM {source.table} "  # noqa: S608  ours alone
        f"WHERE {where} AND id < %s{more} ORDER BY {order} LIMIT %s"
    )


def aware_datetime(value: Any) -> datetime:
    """SQLite knows no zones: it gives UTC, as text or without saying so."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# --- the cursor -----------------------------------------------------------------------------------


def encode_bounds(account_id: int, bounds: Bounds) -> str:
    data = json.dumps([account_id, bounds], separators=(",", ":"))
    return urlsafe_b64encode(data.encode()).rstrip(b"=").decode()


def decode_bounds(cursor: str, account_id: int, kinds: tuple[str, ...]) -> Bounds:
    wrong = BadParameter("after", "This page link has expired. Start again from the first page.")
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise wrong
        owner, bounds = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        ids = [bounds[kind] for kind in kinds]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise wrong from error
    sound = all(type(bound) is int and 0 <= bound <= LARGEST_ID for bound in ids)
    if type(owner) is not int or owner != account_id or set(bounds) != set(kinds) or not sound:
        raise wrong
    return dict(zip(kinds, ids, strict=True))
