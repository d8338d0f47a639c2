"""Loads an account with everything that the shell of its page shows, in one query.

The pinned notes and the author of the current state are JSON columns of that query. The author is
searched among the newest events, and only for states that are set by someone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, router
from django.db.models import Exists, JSONField, OuterRef
from django.db.models.expressions import RawSQL

from users.audit.models import DENIED, AuditEvent
from users.database.cached_query import CachedQuery
from users.history.timeline import OWNER_CONDITIONS, aware_datetime
from users.models import State, User
from users.notes.changes import PINNED_MAX
from users.notes.models import Note
from users.privacy.models import Redaction

# Number of newest events among which the author of the state is searched.
MAX_EVENTS = 200
NOTE_COLUMNS = ("id", "account_id", "author_id", "author_text", "text", "created_at")
# The event that records who set each state.
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
    """Who set the current state of an account, and when."""

    id: int | None
    name: str
    at: datetime


def annotated_account(pk: int) -> Any:
    vendor = connections[router.db_for_read(User)].vendor
    roles = User.groups.through.objects.filter(user_id=OuterRef("pk"))
    own_permissions = User.user_permissions.through.objects.filter(user_id=OuterRef("pk"))
    return User.objects.filter(pk=pk).annotate(
        pinned_notes=RawSQL(pinned_notes_sql(vendor), (), JSONField()),  # noqa: S611  constants
        author_of_state=RawSQL(state_author_sql(vendor), (), JSONField()),  # noqa: S611
        redaction_pending=Exists(Redaction.objects.filter(pk=OuterRef("pk"))),
        has_refusals=Exists(AuditEvent.objects.filter(target_id=OuterRef("pk"), action=DENIED)),
        has_grants=Exists(roles) | Exists(own_permissions),
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
    own = OWNER_CONDITIONS[vendor].replace("%s", "users_user.id").format(owner="target_id")
    newest = f"""SELECT id, at, actor_id, actor_text, action FROM users_auditevent
        WHERE {own} ORDER BY target_id, id DESC LIMIT {MAX_EVENTS}"""  # noqa: S608
    states = "', '".join(STATE_EVENTS)
    return f"""(CASE WHEN users_user.status IN ('{states}')
        OR users_user.valid_until IS NOT NULL THEN
        (SELECT {JSON_OBJECT[vendor]}(
        'id', event.actor_id, 'name', event.actor_text, 'at', event.at) FROM ({newest}) AS event
        WHERE event.action = CASE users_user.status {actions} ELSE '{END_DATE_EVENT}' END
        ORDER BY event.id DESC LIMIT 1) END)"""  # noqa: S608


ACCOUNT_QUERY = CachedQuery(User, annotated_account)


def load_for_page(pk: int) -> User | None:
    """Returns the account with five more attributes; None if there is no such account.

    `pinned` is a list of Note, newest first. `state_author` is a StateAuthor, None if unknown.
    `redaction_pending`: whether mentions of the person in texts about others are still being
    removed. `has_refusals`: whether somebody was refused an attempt on the account. `has_grants`:
    whether it has roles or permissions, which few accounts have.
    """
    found: list[Any] = ACCOUNT_QUERY.objects(pk)
    if not found:
        return None
    account = found[0]
    notes = [pinned_note(values) for values in account.pinned_notes or []]
    account.pinned = sorted(notes, key=lambda note: -note.pk)
    author = account.author_of_state
    account.state_author = None
    if author and account.state in (*STATE_EVENTS, State.ENDED):
        at = aware_datetime(author["at"])
        account.state_author = StateAuthor(
            id=author["id"],
            name=author["name"],
            at=at,
        )
    return account


def pinned_note(values: dict[str, Any]) -> Note:
    """Returns a pinned note from its JSON."""
    created_at = aware_datetime(values["created_at"])
    return Note(**values | {"created_at": created_at}, pinned=True)
