"""Creates and changes accounts on behalf of their source, each with one event.

It sets the ID in the source and the attributes too, which edit_profile does not, so that one
request is one event and one version.
"""

from typing import Any

from django.conf import settings
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.fields import PROFILE_FIELDS
from users.identifiers import normalise_source_id
from users.models import State, User
from users.scim.resources import ATTRIBUTE
from users.scim.scope import SourceAccess
from users.sessions import store as sessions
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_obstacle
from users.verbs.profile_validation import normalise_profile, require_available
from users.verbs.transaction import (
    apply_profile,
    bump_version,
    changed_columns,
    lock_and_check,
    record_field_changes,
    save_account,
    stored_columns,
)

RECORDED_FIELDS = (*PROFILE_FIELDS, "source", "source_id", "attributes")
PASSWORD_EVENT = "set by provisioning"  # noqa: S105


def create_provisioned(source: SourceAccess, values: dict[str, Any], password: str = "") -> User:
    """Creates an account of the source. `values`: those of resources.account_columns.

    Raises Denied, ForbiddenException or ValidationError. It sends no email.
    """
    access.require(source.viewer, "invite")
    account = build_account(source, values)
    with transaction.atomic():
        require_available(account.username, account.email)
        if password:
            set_initial_password(account, password)
        save_account(account, force_insert=True)
        after = provisioned_values(account)
        if password:
            after["password"] = PASSWORD_EVENT
        record_event(
            "account.provisioned",
            actor=source.viewer,
            target=account,
            after=after,
        )
    return account


def build_account(source: SourceAccess, values: dict[str, Any]) -> User:
    """Returns a new account of the source, not stored yet. Raises ForbiddenException or
    ValidationError.
    """
    profile = normalise_profile(profile_values(values))
    source.require_domain(profile["email"])
    now = current_time()
    account = User(status=State.INVITED, date_joined=now, updated_at=now, **profile)
    set_source(account, source, values)
    account.set_unusable_password()
    return account


def provisioned_values(account: User) -> dict[str, Any]:
    """Returns what the event of a new account records: the values that are not empty."""
    filled = {name: getattr(account, name) for name in RECORDED_FIELDS}
    after = {name: value for name, value in filled.items() if value}
    return after | {"status": account.status}


def edit_provisioned(
    account: User, source: SourceAccess, values: dict[str, Any], *, version: int | None = None
) -> User:
    """Sets what the source may write, and returns the account. Raises Denied, EditConflict,
    ForbiddenException or ValidationError. Nothing is written if nothing changes.
    """
    with transaction.atomic():
        account = lock_and_check(account, "edit", by=source.viewer, version=version)
        refuse_obstacle(account, DELETED_OBSTACLES)
        stored = stored_columns(account)
        apply_profile(account, profile_values(values), PROFILE_FIELDS)
        set_source(account, source, values)
        changed = changed_columns(account, stored)
        if not changed:
            return account
        if account.email != stored["email"]:
            source.require_domain(account.email)
        bump_version(account)
        save_account(account, update_fields=[*changed, "version", "updated_at"])
        changes = {name: (stored[name], getattr(account, name)) for name in changed}
        recorded = {name: pair for name, pair in changes.items() if name in RECORDED_FIELDS}
        record_field_changes(
            "account.updated_by_provisioning",
            account,
            recorded,
            by=source.viewer,
            reason="",
        )
    return account


def set_provisioned_password(account: User, source: SourceAccess, password: str) -> None:
    """Sets the password that the source has sent, and ends the account's sessions."""
    with transaction.atomic():
        account = lock_and_check(account, "edit", by=source.viewer, version=None)
        set_initial_password(account, password)
        account.session_epoch += 1
        bump_version(account)
        columns = ["password", "status", "session_epoch", "version", "updated_at"]
        save_account(account, update_fields=columns)
        sessions.delete_sessions(account.pk, event="account.updated_by_provisioning")
        record_event(
            "account.updated_by_provisioning",
            actor=source.viewer,
            target=account,
            after={"password": PASSWORD_EVENT},
        )


def set_initial_password(account: User, password: str) -> None:
    """Sets a password on the object. An invited account becomes active by its first one."""
    account.set_password(password)
    if account.status == State.INVITED:
        account.status = State.ACTIVE


def sent_password(resource: Any) -> str:
    """Returns the password to set; "" if none was sent, or if sources may not set passwords."""
    return (resource.password or "") if settings.SCIM.sets_passwords else ""


def profile_values(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in PROFILE_FIELDS if name in values}


def set_source(account: User, source: SourceAccess, values: dict[str, Any]) -> None:
    """Sets the source, the ID in it, and what is kept besides. Raises ValidationError."""
    account.source = source.scope.source
    account.source_id = normalise_source_id(values["source_id"])
    others = {name: value for name, value in account.attributes.items() if name != ATTRIBUTE}
    kept = {ATTRIBUTE: values[ATTRIBUTE]} if values[ATTRIBUTE] else {}
    account.attributes = others | kept
