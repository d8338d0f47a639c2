"""Records changes of accounts made outside Rollcall on SQLite, when the next transaction of
Rollcall begins. On PostgreSQL triggers do so at their commit (users/database/outside_record.py).

Triggers of both databases store changed rows in UnrecordedChange. A change whose transaction has an
event about the account is one of Rollcall.
"""

import json
import logging
from collections import Counter, defaultdict
from datetime import UTC
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models
from django.db.models import F
from django.utils.dateparse import parse_datetime
from django.utils.timezone import make_aware

from users.audit.models import DENIED, AuditEvent, UnrecordedChange
from users.audit.record import json_values
from users.database.clock import current_time, database_now
from users.database.outside_record import (
    DERIVED_COLUMNS,
    DERIVED_FROM,
    HIDDEN_COLUMNS,
    OUTSIDE_ACTION,
)
from users.database.outside_triggers import UNRECORDED_COLUMNS
from users.models import User

logger = logging.getLogger(__name__)
Kind = UnrecordedChange.Kind
Values = dict[str, Any]
Changes = list[UnrecordedChange]
# Who made them is not known.
FILE_ACTOR = "access to the database file"
COLUMNS_WITHOUT_VALUES = {*UNRECORDED_COLUMNS, *HIDDEN_COLUMNS, *DERIVED_COLUMNS}
# By field: the rows of accounts, the column and the objects, with the column of their names.
MEMBERSHIP_FIELDS: dict[str, tuple[Any, str, Any, str]] = {
    "groups": (
        User.groups.through,
        "group_id",
        Group,
        "name",
    ),
    "user_permissions": (
        User.user_permissions.through,
        "permission_id",
        Permission,
        "codename",
    ),
}
MEMBERSHIP_KINDS = {
    "groups": (Kind.ROLE_ADDED, Kind.ROLE_REMOVED),
    "user_permissions": (Kind.PERMISSION_ADDED, Kind.PERMISSION_REMOVED),
}


def record_outside_changes(after: int = 0) -> None:
    """Records the stored changes of accounts without an event whose id is above `after`. The caller
    has begun a transaction; this must not begin another.
    """
    changes: dict[int, Changes] = defaultdict(list)
    for change in UnrecordedChange.objects.order_by("pk"):
        changes[change.account_id].append(change)
    events = AuditEvent.objects.filter(pk__gt=after).exclude(action__in=[DENIED, OUTSIDE_ACTION])
    declared = set(events.values_list("target_id", flat=True))
    for account_id in sorted(changes.keys() - declared):
        try:
            record_account_change(account_id, changes[account_id])
        except DatabaseError:
            raise
        except Exception:
            # Another program can store what Django can't read. Nobody could write from then on.
            logger.exception("Account %s can't be read", account_id)
            record_unreadable_change(account_id, changes[account_id])
    UnrecordedChange.objects.all()._raw_delete(DEFAULT_DB_ALIAS)


def record_account_change(account_id: int, changes: Changes) -> None:
    """Records the difference between an account at the beginning of a transaction and now."""
    account = User._base_manager.filter(pk=account_id).first()
    was, before, after = row_difference(account, changes)
    for field in MEMBERSHIP_FIELDS:
        names = membership_difference(field, account_id, changes)
        if names:
            before[field], after[field] = names
    if not before and not after:
        return
    if account is not None:
        raise_version(account)
    username = account.username if account else was.get("username", "")
    AuditEvent(
        at=database_now(),
        actor_text=FILE_ACTOR,
        action=OUTSIDE_ACTION,
        target_id=account_id,
        target_text=username,
        target_version=account.version if account else None,
        before=json_values(before),
        after=json_values(after),
    ).save(force_insert=True)


def record_unreadable_change(account_id: int, changes: Changes) -> None:
    """Records which columns of an account another program has changed, without their values."""
    was = next((change.old_row for change in changes if change.item_id is None), None) or {}
    now = raw_row(account_id)
    names = [name for name in column_fields() if name not in UNRECORDED_COLUMNS]
    changed = [name for name in names if was.get(name) != now.get(name)]
    versions = {"version": F("version") + 1, "updated_at": current_time()}
    User._base_manager.filter(pk=account_id).update(**versions)
    AuditEvent(
        at=database_now(),
        actor_text=FILE_ACTOR,
        action=OUTSIDE_ACTION,
        target_id=account_id,
        target_text=str(now.get("username") or was.get("username") or ""),
        after=dict.fromkeys(changed or ["account"], "changed"),
    ).save(force_insert=True)


def raw_row(account_id: int) -> Values:
    """Returns the values of an account by column, as the file has them."""
    pairs = ", ".join(f"'{name}', {name}" for name in column_fields())
    query = f"SELECT json_object({pairs}) FROM users_user WHERE id = %s"  # noqa: S608  columns
    with connection.cursor() as cursor:
        cursor.execute(query, [account_id])
        found = cursor.fetchone()
    return json.loads(found[0]) if found else {}


def raise_version(account: User) -> None:
    account.version += 1
    values = {"version": account.version, "updated_at": current_time()}
    User._base_manager.filter(pk=account.pk).update(**values)


def row_difference(account: User | None, changes: Changes) -> tuple[Values, Values, Values]:
    """Returns the old values of a row, and those that differ, before and after."""
    of_row = [change for change in changes if change.item_id is None]
    if not of_row:
        return {}, {}, {}
    was = trigger_values(of_row[0].old_row)
    now = vars(account) if account else {}
    names = [name for name in column_fields() if name not in COLUMNS_WITHOUT_VALUES]
    if not was or not now:
        before = {name: was[name] for name in names if was.get(name)}
        after = {name: now[name] for name in names if now.get(name)}
        return was, before, after
    changed = [name for name in names if was[name] != now[name]]
    before = {name: was[name] for name in changed}
    after = {name: now[name] for name in changed}
    hidden = [name for name in hidden_columns(changed) if was[name] != now[name]]
    return was, before, after | dict.fromkeys(hidden, "changed")


def hidden_columns(changed: list[str]) -> tuple[str, ...]:
    """Returns the columns of which only the change is recorded. Derived ones are left out if one of
    their sources is among the changed columns.
    """
    if set(changed) & set(DERIVED_FROM):
        return HIDDEN_COLUMNS
    return (*HIDDEN_COLUMNS, *DERIVED_COLUMNS)


def membership_difference(
    field: str, account_id: int, changes: Changes
) -> tuple[list[str], list[str]] | None:
    """Returns the names of an account's roles or permissions before and after; None if they are the
    same.
    """
    added_kind, removed_kind = MEMBERSHIP_KINDS[field]
    counts: Counter[int | None] = Counter()
    for change in changes:
        counts[change.item_id] += (change.kind == added_kind) - (change.kind == removed_kind)
    added = {item for item, number in counts.items() if number > 0}
    removed = {item for item, number in counts.items() if number < 0}
    if not added and not removed:
        return None
    through, column, model, label = MEMBERSHIP_FIELDS[field]
    now = set(through.objects.filter(user_id=account_id).values_list(column, flat=True))
    was = (now - added) | removed
    # The name of a role that has been deleted too was noted before.
    removals = [change for change in changes if change.kind == removed_kind]
    names: dict[Any, Any] = {change.item_id: change.old_row for change in removals}
    names |= dict(model.objects.filter(pk__in=was | now).values_list("pk", label))
    before = sorted(names[item] for item in was & names.keys())
    return before, sorted(names[item] for item in now)


def column_fields() -> dict[str, Any]:
    return {str(field.column): field for field in User._meta.concrete_fields}


def trigger_values(old: Values | None) -> Values:
    """Returns the values of a row that SQLite's trigger stored, by column, as Django reads them."""
    fields = column_fields()
    return {name: read_value(fields[name], raw) for name, raw in (old or {}).items()}


def read_value(field: Any, raw: Any) -> Any:
    if raw is None:
        return None
    if isinstance(field, models.BooleanField):
        return bool(raw)
    if isinstance(field, models.JSONField):
        return json.loads(raw)
    if isinstance(field, models.DateTimeField):
        moment = parse_datetime(raw)
        return make_aware(moment, UTC) if moment else raw
    return raw
