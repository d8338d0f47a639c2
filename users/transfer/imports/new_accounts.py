"""Stores new accounts of an import, with their events, roles and notes.

No model instances are created: the columns are written by COPY on PostgreSQL
(users/database/row_writes.py). Derived columns are computed as in User.save, and the triggers are
the same for every statement. Events are written first: the triggers recognise a change by its
event, and record any other one as made outside Rollcall.
"""

from collections.abc import Iterable, Iterator
from secrets import token_hex
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from users.audit.new_events import NewEvent, insert_events
from users.database.clock import current_time
from users.database.row_writes import insert_values, reserve_ids
from users.formats.access_fields import RowPassword
from users.formats.import_fields import IMPORT_FIELDS
from users.models import User
from users.notes.models import Note
from users.passwords.foreign_hashes import hash_plain
from users.search_keys import derived_columns
from users.transfer.imports.imported_roles import store_memberships
from users.transfer.imports.row_plans import RowPlan
from users.transfer.imports.storage_context import StorageContext

# Columns with a value of their own in each row.
PLAIN_COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "phone",
    "locale",
    "time_zone",
    "source",
    "source_id",
    "status_reason",
)
DERIVED = ("search_key", "name_key", "email_domain", "lookalike")
OTHER_COLUMNS = (
    "accepts_announcements",
    "status",
    "attributes",
    "valid_until",
    "email_verified_at",
    "password",
)
NEW_COLUMNS = ("id", *PLAIN_COLUMNS, *OTHER_COLUMNS, *DERIVED)
# Columns that only archives have values for. The others of a chunk are constants.
ARCHIVED_COLUMNS = (
    "suspended_until",
    "must_change_password",
    "date_joined",
    "last_login",
    "last_seen_at",
    "email_bounced_at",
)
# The values that an event has, in this order.
EVENT_FIELDS = (
    *IMPORT_FIELDS,
    "status",
    "status_reason",
    "valid_until",
    "email_verified_at",
    "attributes",
    *ARCHIVED_COLUMNS,
)
UNUSABLE_BYTES = 20


def store_creations(plans: list[RowPlan], context: StorageContext) -> None:
    """Stores new accounts, and sets the ids of their plans."""
    for plan, pk in zip(plans, reserve_ids(User, len(plans)), strict=True):
        plan.account_id = pk
    insert_events(
        "account.imported",
        created_events(plans, context),
        actor=context.by,
        job_id=context.job_id,
    )
    store_accounts(plans)
    store_memberships(plans, context)
    store_notes(plans, context)


def store_accounts(plans: list[RowPlan]) -> None:
    """Stores the rows of new accounts."""
    constants = constant_columns()
    given = set().union(*(plan.values for plan in plans))
    names = [name for name in ARCHIVED_COLUMNS if name in given]
    defaults = {name: constants.pop(name) for name in names}
    rows: Iterable[tuple[Any, ...]] = map(account_values, plans)
    if defaults:
        rows = ((*account_values(plan), *archived_values(plan, defaults)) for plan in plans)
    insert_values(User, (*NEW_COLUMNS, *names), rows, constants)


def archived_values(plan: RowPlan, defaults: dict[str, Any]) -> list[Any]:
    """Returns the values of a new account for the columns of `defaults`, in their order."""
    return [plan.values.get(name, default) for name, default in defaults.items()]


def created_events(plans: list[RowPlan], context: StorageContext) -> Iterator[NewEvent]:
    """Yields the events of new accounts, with the values that are not empty."""
    for plan in plans:
        values = plan.values
        after = {name: values[name] for name in EVENT_FIELDS if values.get(name)}
        if plan.roles:
            after["groups"] = context.role_names(plan.roles)
        if plan.password.kind:
            after["password"] = password_text(plan.password)
        yield plan.account_id or 0, values["username"], 1, after


def password_text(password: RowPassword) -> str:
    """Returns what an event says about an imported password."""
    return f"imported ({password.kind})"


def account_values(plan: RowPlan) -> tuple[Any, ...]:
    """Returns the values of NEW_COLUMNS for a new account."""
    values = plan.values
    get = values.get
    derived = derived_columns(
        values["username"],
        get("email", ""),
        get("first_name", ""),
        get("last_name", ""),
        get("phone", ""),
    )
    return (
        plan.account_id,
        *[get(name, "") for name in PLAIN_COLUMNS],
        get("accepts_announcements", False),
        values["status"],
        values["attributes"],
        get("valid_until"),
        get("email_verified_at"),
        stored_password(plan.password),
        *derived.values(),
    )


def stored_password(password: RowPassword) -> str:
    """Returns the column of a password. Without one, nobody can sign in with any."""
    if password.plain:
        return hash_plain(password.plain)
    return password.encoded or UNUSABLE_PASSWORD_PREFIX + token_hex(UNUSABLE_BYTES)


def constant_columns() -> dict[str, Any]:
    """Returns the other columns of a new account with their defaults."""
    fields = {str(field.column): field for field in User._meta.concrete_fields}
    found = {name: field.get_default() for name, field in fields.items() if name not in NEW_COLUMNS}
    now = current_time()
    return found | {"date_joined": now, "updated_at": now}


def store_notes(plans: list[RowPlan], context: StorageContext) -> None:
    """Stores the notes about accounts, with an event for each."""
    noted = [plan for plan in plans if plan.note]
    if not noted:
        return
    ids = reserve_ids(Note, len(noted))
    insert_events(
        "note.added",
        note_events(noted, ids),
        actor=context.by,
        job_id=context.job_id,
    )
    columns = ("id", "account_id", "text")
    rows = [(pk, plan.account_id, plan.note) for pk, plan in zip(ids, noted, strict=True)]
    insert_values(Note, columns, rows, note_constants(context))


def note_events(plans: list[RowPlan], ids: list[int]) -> Iterator[NewEvent]:
    """Yields the events of new notes, whose texts no event has."""
    for plan, pk in zip(plans, ids, strict=True):
        account = plan.account
        username = account.username if account else plan.values["username"]
        version = account.version if account else 1
        yield plan.account_id or 0, username, version, {"note": pk}


def note_constants(context: StorageContext) -> dict[str, Any]:
    return {
        "author_id": context.by.pk,
        "author_text": str(context.by)[:255],
        "pinned": False,
        "created_at": current_time(),
        "version": 1,
    }
