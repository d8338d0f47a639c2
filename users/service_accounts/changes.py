"""Creates, changes and ends service accounts: accounts without a password, for programs, with an
owner (a member of staff) and an end date.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.fields import changed_values
from users.models import State, User
from users.role_grants import administrator_roles
from users.service_owners import active_staff
from users.tokens.changes import live_tokens, stop_tokens
from users.usernames import normalise_username
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_obstacle
from users.verbs.profile_validation import normalise_profile, require_available
from users.verbs.roles.granting import grant_roles
from users.verbs.transaction import (
    access_values,
    bump_version,
    clean_reason,
    lock_and_check,
    record_field_changes,
    require_grant,
    save_account,
)

ACTION = "manage_services"
NO_OWNER = "No active staff account has this username."
POWERFUL = "A service account can’t be an administrator. Choose other roles."
OTHER_KIND = "This is not a service account."
HAS_ENDED = "This service account has already ended."


def create_service(
    *,
    by: Any,
    username: str,
    name: str,
    owner: str,
    ends_at: datetime,
    groups: Iterable[Group],
    reason: str,
) -> User:
    """Creates a service account with its event. Raises Denied if `by` lacks a permission of the
    roles, or ValidationError by field.
    """
    access.require(by, ACTION)
    groups = list(groups)
    require_service_grant(by, groups)
    person = find_owner(owner)
    require_end(ends_at)
    profile = normalise_profile({"username": username, "first_name": name})
    account = User(
        status=State.ACTIVE,
        is_staff=True,
        owner_id=person.pk,
        valid_until=ends_at,
        **profile,
    )
    account.set_unusable_password()
    store_service(account, groups, by=by, owner=person, reason=clean_reason(reason))
    return account


def store_service(account: User, groups: list[Group], *, by: Any, owner: User, reason: str) -> None:
    """Stores a new account with its roles and its event."""
    with transaction.atomic():
        require_available(account.username, account.email)
        save_account(account, force_insert=True)
        grant_roles(account, groups, by=by, reason=reason)
        record_event(
            "service.created",
            actor=by,
            target=account,
            after=created_values(account, owner),
            reason=reason,
        )


def change_service(
    account: User,
    *,
    by: Any,
    owner: str,
    ends_at: datetime,
    reason: str,
    version: int | None = None,
) -> User:
    """Changes owner and end. Raises Denied, EditConflict, ValidationError or VerbRefused."""
    with transaction.atomic():
        account = lock_service(account, by=by, version=version)
        before = service_values(account)
        if not is_same_minute(ends_at, account.valid_until):
            require_end(ends_at)
            account.valid_until = ends_at
        account.owner_id = find_owner(owner).pk
        changes = changed_values(before, service_values(account))
        if not changes:
            return account
        bump_version(account)
        save_account(account)
        record_field_changes(
            "service.changed",
            account,
            changes,
            by=by,
            reason=clean_reason(reason),
        )
    return account


def end_service(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Ends a service account at once and revokes its tokens. Raises Denied, EditConflict or
    VerbRefused.
    """
    with transaction.atomic():
        account = lock_service(account, by=by, version=version)
        if account.state == State.ENDED:
            raise VerbRefused(HAS_ENDED, account)
        before = {"valid_until": account.valid_until}
        account.valid_until = current_time()
        bump_version(account)
        save_account(account)
        record_event(
            "service.ended",
            actor=by,
            target=account,
            before=before,
            after={"valid_until": account.valid_until},
            reason=clean_reason(reason),
        )
        tokens = list(live_tokens(account.pk).select_for_update())
        stop_tokens(tokens, by=by, holder=account)
    return account


def lock_service(account: User, *, by: Any, version: int | None) -> User:
    """Returns the locked account. Raises Denied, EditConflict or VerbRefused."""
    account = lock_and_check(account, ACTION, by=by, version=version)
    if not account.is_service:
        raise VerbRefused(OTHER_KIND, account)
    refuse_obstacle(account, DELETED_OBSTACLES)
    return account


def require_service_grant(by: Any, groups: list[Group]) -> None:
    """Raises ValidationError for a role with power over others, and Denied for a role with a
    permission that `by` lacks.
    """
    if administrator_roles(groups):
        raise ValidationError({"groups": POWERFUL})
    require_grant(
        by,
        ACTION,
        groups=groups,
        is_staff=True,
        is_superuser=False,
    )


def find_owner(username: str) -> User:
    """Returns the active staff account with this username. Raises ValidationError."""
    try:
        key = normalise_username(username)
    except ValidationError:
        key = ""
    owner = active_staff().filter(username=key).first()
    if owner is None:
        raise ValidationError({"owner": NO_OWNER})
    return owner


def require_end(ends_at: datetime) -> None:
    """Raises ValidationError for an end that has passed or is too far away."""
    now = current_time()
    if ends_at <= now:
        raise ValidationError({"ends_at": "Choose a time in the future."})
    if ends_at > now + timedelta(days=settings.SERVICE_MAX_DAYS):
        text = f"Choose a time at most {settings.SERVICE_MAX_DAYS:,} days ahead."
        raise ValidationError({"ends_at": text})


def is_same_minute(typed: datetime, stored: datetime | None) -> bool:
    """Returns whether a time that was typed to the minute is the stored one."""
    return stored is not None and typed == stored.replace(second=0, microsecond=0)


def service_values(account: User) -> dict[str, Any]:
    """Returns what the events of a service account record: the owner's username and the end."""
    owner = User.objects.filter(pk=account.owner_id).only("username").first()
    return {
        "owner": owner.username if owner else "",
        "valid_until": account.valid_until,
    }


def created_values(account: User, owner: User) -> dict[str, Any]:
    """Returns what the first event of a service account records."""
    profile = {
        "username": account.username,
        "first_name": account.first_name,
        "owner": owner.username,
        "valid_until": account.valid_until,
        "status": account.status,
    }
    return profile | access_values(account)
