"""Reads, creates, changes and deletes the accounts of a source as SCIM users."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from scim2_models import ForbiddenException, NotFoundException, UniquenessException

from users.email_addresses import email_key
from users.models import State, User, UserQuerySet
from users.role_grants import Membership
from users.scim.creation import create_plain_account
from users.scim.errors import TAKEN
from users.scim.filters import parse_resource_id
from users.scim.provisioning import (
    create_provisioned,
    edit_provisioned,
    sent_password,
    set_provisioned_password,
)
from users.scim.resources import ACTIVE_STATES, account_columns, user_resource
from users.scim.scope import SourceAccess
from users.verbs.deletion.verb import delete_account
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.suspension.verb import suspend_account

SUSPENDED_HERE = "This account was deactivated in Rollcall, so only its staff can activate it."


def find_source_account(source: SourceAccess, resource_id: str) -> User:
    """Returns an account that the source sees. Raises NotFoundException."""
    account = source.accounts().filter(pk=parse_resource_id(resource_id)).first()
    if account is None:
        raise NotFoundException(detail="There is no such user in this source.")
    return account


def describe_accounts(source: SourceAccess, accounts: Iterable[User]) -> list[Any]:
    """Returns accounts as SCIM users with their roles, in two queries at most."""
    accounts = list(accounts)
    groups = roles_by_account(source, [account.pk for account in accounts])
    return [user_resource(account, groups[account.pk]) for account in accounts]


def roles_by_account(source: SourceAccess, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Returns the roles of accounts that the source may know, as values of “groups”."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if not source.scope.role_ids or not ids:
        return found
    rows = Membership.objects.filter(group__in=source.roles(), user_id__among=ids)
    for pk, group_id, name in rows.values_list("user_id", "group_id", "group__name"):
        value = {
            "value": str(group_id),
            "$ref": f"Groups/{group_id}",
            "display": name,
            "type": "direct",
        }
        found[pk].append(value)
    return found


def create_source_account(source: SourceAccess, resource: Any) -> User:
    """Creates the account of a resource, restores the one of the source that was deleted, or links
    one without a source. Raises UniquenessException for any other account in the way.
    """
    if account := create_plain_account(source, resource):
        return account
    values = account_columns(resource)
    password = sent_password(resource)
    existing = find_existing(source, values)
    if existing is None:
        account = create_provisioned(source, values, password)
    else:
        account = restore_or_adopt(source, existing, values)
    if resource.active is False:
        account = deactivate(account, source)
    return account


def find_existing(source: SourceAccess, values: dict[str, Any]) -> User | None:
    """Returns the one account that has the name, the address or the ID of a new one."""
    holders = [UserQuerySet(User).filter(username__lower=values["username"].lower())]
    if address := email_key(values["email"]):
        holders.append(UserQuerySet(User).filter(email__lower=address))
    if source_id := values["source_id"].strip():
        same_id = UserQuerySet(User).filter(source=source.scope.source, source_id=source_id)
        holders.append(same_id)
    found = {each.pk: each for accounts in holders for each in accounts}
    if len(found) > 1:
        raise UniquenessException(detail=TAKEN)
    return next(iter(found.values()), None)


def restore_or_adopt(source: SourceAccess, account: User, values: dict[str, Any]) -> User:
    """Restores a deleted account of the source, or links one without a source."""
    if may_restore(source, account):
        account = restore_account(
            account, by=source.viewer, reason=f"Sent by {source.scope.source}."
        )
        if account.state not in ACTIVE_STATES:
            account = activate(account, source)
    elif not may_adopt(source, account):
        raise UniquenessException(detail=TAKEN)
    return edit_provisioned(account, source, values)


def may_restore(source: SourceAccess, account: User) -> bool:
    deleted = source.present_or_deleted().filter(pk=account.pk, status=State.DELETED)
    return deleted.exists()


def may_adopt(source: SourceAccess, account: User) -> bool:
    """Returns whether the source may take over an account. It needs an address in a domain of the
    token, as otherwise a token could take over everybody's.
    """
    if not settings.SCIM.adopts or account.source or account.is_service:
        return False
    if account.is_staff or account.is_superuser or account.status == State.DELETED:
        return False
    return account.email_domain in source.scope.domains


def update_account(source: SourceAccess, account: User, resource: Any, version: int | None) -> User:
    """Replaces what the source may write with a resource's values."""
    was_active = account.state in ACTIVE_STATES
    values = account_columns(resource)
    # “active” alone is no change of the profile.
    if values != account_columns(user_resource(account, [])):
        account = edit_provisioned(account, source, values, version=version)
    if password := sent_password(resource):
        set_provisioned_password(account, source, password)
    if was_active and resource.active is False:
        return deactivate(account, source)
    if not was_active and resource.active:
        return activate(account, source)
    return account


def deactivate(account: User, source: SourceAccess) -> User:
    return suspend_account(
        account,
        by=source.viewer,
        reason=source.suspension_reason,
        version=account.version,
    )


def activate(account: User, source: SourceAccess) -> User:
    """Ends a suspension of the source. Raises ForbiddenException for any other."""
    if account.status != State.SUSPENDED or account.status_reason != source.suspension_reason:
        raise ForbiddenException(detail=SUSPENDED_HERE)
    reason = f"Activated by {source.scope.source}."
    return reinstate_account(account, by=source.viewer, reason=reason, version=account.version)


def remove_account(source: SourceAccess, account: User, version: int | None) -> None:
    """Moves the account to the recycle bin."""
    reason = f"Deleted by {source.scope.source}."
    delete_account(account, by=source.viewer, reason=reason, version=version)


def require_user_name(resource: Any) -> None:
    """Raises ValidationError for a resource without a name, as a PATCH may remove it."""
    if not resource.user_name:
        raise ValidationError({"username": "Enter a userName."})
