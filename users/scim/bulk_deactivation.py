"""Deactivates the accounts of consecutive operations of a Bulk request in one transaction.

It leaves what suspend_account leaves for one account after another; tests/scim/test_bulk_run.py
compares them.
"""

from typing import Any

from django.db import transaction
from django.db.models import F

from users import access
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.database.clock import current_time
from users.fields import changed_values
from users.models import State, User, UserQuerySet
from users.scim.filters import parse_resource_id
from users.scim.scope import SourceAccess
from users.sessions import store
from users.verbs.transaction import audited_values

EVENT = "account.suspended"
SUSPENDABLE_STATES = (State.ACTIVE, State.INVITED)
ACTIVE_PATHS = ("active", "urn:ietf:params:scim:schemas:core:2.0:user:active")


class AccountsChanged(Exception):
    """An account has changed since the operations were checked."""


def conflict_free_deactivations(
    source: SourceAccess, operations: dict[int, Any]
) -> dict[int, User]:
    """Returns the accounts of the operations that do nothing but suspend an active account, by
    position.
    """
    ids: dict[int, int] = {}
    for index, operation in operations.items():
        pk = parse_resource_id(operation.resource_id or "")
        if is_deactivation(operation) and pk not in ids.values():
            ids[index] = pk
    accounts = suspendable_accounts(source, source.accounts(), list(ids.values()))
    return {index: accounts[pk] for index, pk in ids.items() if pk in accounts}


def is_deactivation(operation: Any) -> bool:
    """Returns whether a PATCH without a condition only sets “active” to false."""
    changes = operation.data.operations or []
    if operation.version is not None or len(changes) != 1:
        return False
    (change,) = changes
    if change.op == change.Op.remove:
        return False
    if change.path is not None:
        return str(change.path).lower() in ACTIVE_PATHS and change.value is False
    if not isinstance(change.value, dict) or len(change.value) != 1:
        return False
    ((name, value),) = change.value.items()
    return name.lower() in ACTIVE_PATHS and value is False


def suspendable_accounts(
    source: SourceAccess, accounts: UserQuerySet, ids: list[int]
) -> dict[int, User]:
    """Returns those of `accounts` with one of the IDs that are active and that the source may
    suspend, by ID.
    """
    found = {each.pk: each for each in accounts.filter(pk__among=ids).order_by("pk")}
    rows = UserQuerySet(User).filter(pk__among=list(found))
    refused = access.find_refusals(source.viewer, "suspend", rows)
    allowed = {pk: account for pk, account in found.items() if pk not in refused}
    return {pk: account for pk, account in allowed.items() if is_suspendable(account)}


def is_suspendable(account: User) -> bool:
    """Returns whether the account is active or invited, by its stored status and at this moment."""
    return account.state in SUSPENDABLE_STATES and account.status == account.state


def store_deactivations(source: SourceAccess, accounts: list[User]) -> bool:
    """Suspends the accounts. Returns False, with nothing stored, if one has changed since it was
    loaded. Their versions are then those that are stored.
    """
    try:
        with transaction.atomic():
            suspend_together(source, {account.pk: account for account in accounts})
    except AccountsChanged:
        return False
    for account in accounts:
        account.version += 1
    return True


def suspend_together(source: SourceAccess, loaded: dict[int, User]) -> None:
    """Suspends the accounts, whose versions must be the current ones."""
    rows = source.accounts().select_for_update(of=("self",))
    current = suspendable_accounts(source, rows, list(loaded))
    versions = {pk: account.version for pk, account in current.items()}
    if versions != {pk: account.version for pk, account in loaded.items()}:
        raise AccountsChanged
    now = current_time()
    changes = {"status": State.SUSPENDED, "status_reason": source.suspension_reason}
    # Triggers recognise a change by its event.
    events = [suspension_event(source, account, changes) for account in current.values()]
    AuditEvent.objects.bulk_create(events)
    UserQuerySet(User).filter(pk__among=list(current)).update(
        **changes,
        suspended_until=None,
        session_epoch=F("session_epoch") + 1,
        version=F("version") + 1,
        updated_at=now,
    )
    store.delete_sessions_of(list(current), event=EVENT)


def suspension_event(source: SourceAccess, account: User, changes: dict[str, Any]) -> AuditEvent:
    """Returns the event of one account, which is changed but not stored."""
    before = audited_values(account, False)
    for name, value in changes.items():
        setattr(account, name, value)
    account.suspended_until = None
    account.version += 1
    changed = changed_values(before, audited_values(account, False))
    old_values = {name: old for name, (old, _) in changed.items()}
    new_values = {name: new for name, (_, new) in changed.items()}
    return build_event(
        EVENT,
        actor=source.viewer,
        target=account,
        before=old_values,
        after=new_values,
        reason=source.suspension_reason,
    )
