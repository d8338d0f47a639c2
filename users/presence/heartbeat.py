"""Records that someone views an account and reads who else does, in one statement."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q

from users.database.batch_deletes import delete_in_batches
from users.database.clock import current_time
from users.identifiers import LARGEST_ID
from users.models import User
from users.presence.models import Presence

PRESENCE_PERIOD = timedelta(minutes=1)
# A little more than two heartbeats, so that someone who has left the form soon stops editing.
EDITING_PERIOD = timedelta(seconds=40)

OTHERS_SQL = """
    SELECT {rows} FROM users_presence other JOIN users_user person ON person.id = other.viewer_id
    WHERE other.account_id = %(account)s AND other.viewer_id <> %(viewer)s AND other.at > %(since)s
"""
NAMES_SQL = (
    "person.first_name, person.last_name, person.username,"
    " coalesce(other.editing_at > %(editing_since)s, {no})"
)
ROWS_SQL = {
    "postgresql": (
        f"json_agg(json_build_array({NAMES_SQL.format(no='false')}) ORDER BY person.id)::text"
    ),
    "sqlite": f"json_group_array(json_array({NAMES_SQL.format(no='0')}))",
}
STILL_EDITING_SQL = "coalesce(excluded.editing_at, users_presence.editing_at)"
HEARTBEAT_SQL = """
    INSERT INTO users_presence (account_id, viewer_id, at, editing_at)
    SELECT id, %(viewer)s, %(now)s, {editing} FROM users_user WHERE id = %(account)s
    ON CONFLICT (account_id, viewer_id) DO UPDATE
    SET at = excluded.at, editing_at = {kept}
    RETURNING (SELECT version FROM users_user WHERE id = %(account)s), ({others})
"""


@dataclass(frozen=True)
class OtherViewer:
    """Another viewer of the account."""

    name: str
    editing: bool


def record_heartbeat(
    viewer: User, account_id: int, *, now: datetime, editing: bool, stopped: bool = False
) -> tuple[int, list[OtherViewer]] | None:
    """Records the viewer. Returns the account's version and the other viewers, sorted by name.

    `stopped`: the page had a form until now. Without it, a page that is no form leaves open whether
    the viewer has one elsewhere. Returns None if there is no such account.
    """
    if account_id > LARGEST_ID:
        return None
    times = {
        "now": now,
        "since": now - PRESENCE_PERIOD,
        "editing_since": now - EDITING_PERIOD,
    }
    params = {name: connection.ops.adapt_datetimefield_value(time) for name, time in times.items()}
    others = OTHERS_SQL.format(rows=ROWS_SQL[connection.vendor])
    edited_at = "%(now)s" if editing else "NULL"
    kept = "NULL" if stopped else STILL_EDITING_SQL
    statement = HEARTBEAT_SQL.format(
        others=others,
        editing=edited_at,
        kept=kept,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params | {"viewer": viewer.pk, "account": account_id})
        row = cursor.fetchone()
    if row is None:
        return None
    found = [other_viewer(*values) for values in json.loads(row[1] or "[]")]
    return row[0], sorted(found, key=lambda other: other.name)


def end_presence(viewer: User, account_id: int, *, at: datetime) -> None:
    """Deletes the viewer's presence on the account, unless a later heartbeat has renewed it or a
    form in another tab has sent one lately. `at`: the last heartbeat of the page that was left.
    """
    if account_id > LARGEST_ID:
        return
    rows = Presence.objects.filter(
        account_id=account_id,
        viewer_id=viewer.pk,
        at__lte=at,
    )
    no_other_form = Q(editing_at=None) | Q(editing_at__gte=F("at"))
    rows.filter(no_other_form | Q(editing_at__lt=at - EDITING_PERIOD)).delete()


def other_viewer(first: str, last: str, username: str, editing: Any) -> OtherViewer:
    """Returns a viewer from the JSON of the statement. SQLite has 0 and 1 for booleans."""
    person = User(
        first_name=first,
        last_name=last,
        username=username,
    )
    return OtherViewer(person.display_name, bool(editing))


def delete_expired() -> None:
    """Deletes rows that are too old to show."""
    delete_in_batches(Presence.objects.filter(at__lt=current_time() - PRESENCE_PERIOD))
