"""The account that a page is about, as its row says, with what stands around every tab: one query.

Its pinned notes, and who made it what it is, come as JSON in columns of their own; the second is
looked for among its newest events, and only where its state is one that somebody has brought about.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, router
from django.db.models import Exists, JSONField, OuterRef
from django.db.models.expressions import RawSQL

from users.database.cached_query import CachedQuery
from users.history.timeline import OWNER_CONDITIONS, aware_datetime
from users.models import State, User
from users.notes.changes import PINNED_MAX
from users.notes.models import Note
from users.privacy.models import Redaction

MAX_EVENTS = 200  # the newest events of the account
NOTE_COLUMNS = ("id", "account_id", "author_id", "author_text", "text", "created_at")
# By state, the event that tells who brought it about.
STATE_EVENTS = {
    "suspended": "account.suspended",
    "deleted": "account.deleted",
    "erased": "account.erased",
}
END_DATE_EVENT = "account.end_date_set"
JSON_OBJECT = {"postgresql": "jsonb_build_object", "sqlite": "json_object"}
JSON_ARRAY = {"postgresql": "jsonb_agg", "sqlite": "json_group_array"}


@dataclass(frozen=True)
class StateAuthor:
    """Who made an account what it is, and when."""

    id: int | None
    name: str
    at: datetime


def annotated_account(pk: int) -> Any:
    vendor = connections[router.db_for_read(User)].vendor
    return User.objects.filter(pk=pk).annotate(
        pinned_notes=RawSQL(pinned_notes_sql(vendor), (), JSONField()),  # noqa: S611  ours
        brought_by=RawSQL(state_author_sql(vendor), (), JSONField()),  # noqa: S611
        searching=Exists(Redaction.objects.filter(pk=OuterRef("pk"))),
    )


def pinned_notes_sql(vendor: str) -> str:
    pairs = ", ".join(f"'{name}', note.{name}" for name in NOTE_COLUMNS)
    names = ", ".join(NOTE_COLUMNS)
    pinned = f"""SELECT {names} FROM users_note
        WHERE users_note.account_id = users_user.id AND users_note.pinned
        ORDER BY users_note.id DESC LIMIT {PINNED_MAX}"""  # noqa: S608
    notes = f"{JSON_ARRAY[vendor]}({JSON_OBJECT[vendor]}({pairs}))"
    return f"(SELECT {notes} FROM ({pinned}) AS note)"  # noqa: S608


def state_author_sql(vendor: str) -> str:
    actions = " ".join(f"WHEN '{state}' THEN '{action}'" for state, action in STATE_EVENTS.items())
    one = OWNER_CONDITIONS[vendor].replace("%s", "users_user.id").format(owner="target_id")
    newest = f"""SELECT id, at, actor_id, actor_text, action FROM users_auditevent
        WHERE {one} ORDER BY target_id, id DESC LIMIT {MAX_EVENTS}"""  # noqa: S608
    states = "', '".join(STATE_EVENTS)
    return f"""(CASE WHEN users_user.status IN ('{states}')
        OR users_user.valid_until IS NOT NULL THEN
        (SELECT {JSON_OBJECT[vendor]}(
        'id', event.actor_id, 'name', event.actor_text, 'at', event.at) FROM ({newest}) AS event
        WHERE event.action = CASE users_user.status {actions} ELSE '{END_DATE_EVENT}' END
        ORDER BY event.id DESC LIMIT 1) END)"""  # noqa: S608


ACCOUNT_QUERY = CachedQuery(User, annotated_account)


def load_for_page(pk: int) -> User | None:
    """With `pinned`, a list of Note; `brought`, None where it is not known; and `searching`,
    whether what was written about others is still looked through for this person.
    """
    found: list[Any] = ACCOUNT_QUERY.objects(pk)
    if not found:
        return None
    account = found[0]
    notes = [
        Note(**row | {"created_at": aware_datetime(row["created_at"])}, pinned=True)
        for row in account.pinned_notes or []
    ]
    account.pinned = sorted(notes, key=lambda note: -note.pk)
    told = account.brought_by
    shown = told and account.state in (*STATE_EVENTS, State.ENDED)
    account.brought = (
        StateAuthor(told["id"], told["name"], aware_datetime(told["at"])) if shown else None
    )
    return account
