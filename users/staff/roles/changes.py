"""Creates, changes and deletes roles. To change a role is to give or take permissions of all its
holders, so it needs what a grant to each of them would need.
"""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from users import access
from users.administrators import (
    lock_administrators,
    require_administrators,
)
from users.audit.models import AuditEvent
from users.audit.record import build_event, record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import User, UserQuerySet
from users.role_grants import ADMINISTRATOR_PERMISSIONS, Membership
from users.role_models import RoleRequest, RoleSettings
from users.staff.roles.role_list import permissions_named, settings_of
from users.verbs.roles.approval import needs_second_administrator

ACTION = "manage_roles"
MAX_HOLDERS = 1000
OWN_ROLE = "Nobody may change a role that they hold. Ask a colleague."
HIGHER_ROLE = "Only someone with all permissions of this role may change it."
HIGHER_HOLDERS = "Someone with more permissions than you holds this role. Ask a superuser."
HOLDERS_REFUSAL = (
    "This role has holders, so it can’t get permissions that make them administrators: "
    "a new administrator needs the approval of another one. Create another role instead."
)
APPROVES_OTHERS = (
    "Holders of this role decide about requests for another role. "
    "Choose another approver there first."
)
NAME_TAKEN = "There is already a role with this name."
TOO_MANY = "More than 1,000 accounts hold this role. Remove it from them first."


def create_staff_role(
    *, by: Any, name: str, codenames: set[str], reason: str, **options: Any
) -> Group:
    """Creates a role. Raises access.Denied if `by` lacks one of its permissions."""
    access.require(by, ACTION)
    require_held(by, codenames)
    with transaction.atomic():
        group = Group(name=name)
        save_role(group)
        group.permissions.set(permissions_named(codenames))
        save_settings(group, options)
        record_role_event("role.created", by, {}, audited_role(group), reason)
    return group


def change_role(
    group: Group, *, by: Any, name: str, codenames: set[str], reason: str, **options: Any
) -> Group:
    """Changes name, permissions and settings. Raises access.Denied or VerbRefused."""
    with transaction.atomic():
        administrators = lock_administrators()
        group = Group.objects.select_for_update().get(pk=group.pk)
        before = audited_role(group)
        require_change(by, group, codenames - set(before["permissions"]))
        group.name = name
        save_role(group)
        others = group.permissions.exclude(content_type__app_label="users")
        group.permissions.set([*permissions_named(codenames), *others])
        save_settings(group, options)
        require_administrators(administrators, by)
        after = audited_role(group)
        if after != before:
            record_role_event("role.changed", by, before, after, reason)
    return group


def delete_role(group: Group, *, by: Any, reason: str) -> None:
    """Takes the role from its holders, each with an event, and deletes it."""
    with transaction.atomic():
        administrators = lock_administrators()
        group = Group.objects.select_for_update().get(pk=group.pk)
        require_change(by, group, set())
        if RoleSettings.objects.filter(approver=group).exists():
            raise VerbRefused(APPROVES_OTHERS)
        before = audited_role(group)
        remove_holders(group, by, reason)
        close_requests(group, by)
        group.delete()
        require_administrators(administrators, by)
        record_role_event("role.deleted", by, before, {}, reason)


def require_change(by: Any, group: Group, added: set[str]) -> None:
    """Raises access.Denied unless `by` may change the role and give it the `added` permissions."""
    access.require(by, ACTION)
    if refusal := change_refusal(by, group, added):
        raise access.Denied(ACTION, refusal)
    require_held(by, added)
    holders = Membership.objects.filter(group=group)
    if added & ADMINISTRATOR_PERMISSIONS and holders.exists() and needs_second_administrator(by):
        raise VerbRefused(HOLDERS_REFUSAL)


def change_refusal(by: Any, group: Group, added: set[str]) -> str:
    """Returns why the rank of `by` forbids any change of the role; "" if it does not."""
    if isinstance(by, access.CommandActor) or by.is_superuser:
        return ""
    holders = Membership.objects.filter(group=group)
    if holders.filter(user=by.pk).exists():
        return OWN_ROLE
    if access.query_permission_names(group=group) - by.get_all_permissions():
        return HIGHER_ROLE
    accounts = UserQuerySet(User).filter(pk__in=holders.values("user_id"))
    if access.rank_refusals(by, accounts.exclude(pk=by.pk)):
        return HIGHER_HOLDERS
    return ""


def require_held(by: Any, codenames: set[str]) -> None:
    """Raises access.Denied if `by` lacks one of the permissions."""
    if isinstance(by, access.CommandActor) or by.is_superuser:
        return
    wanted = {f"users.{codename}" for codename in codenames}
    if missing := sorted(wanted - by.get_all_permissions()):
        raise access.Denied(ACTION, access.grant_reason(missing), missing[0])


def remove_holders(group: Group, by: Any, reason: str) -> None:
    """Takes the role from all accounts, with an event for each."""
    members = Membership.objects.filter(group=group).order_by("user_id")
    ids = list(members.values_list("user_id", flat=True)[: MAX_HOLDERS + 1])
    if len(ids) > MAX_HOLDERS:
        raise VerbRefused(TOO_MANY)
    accounts = UserQuerySet(User).filter(pk__in=ids).order_by("pk")
    holders = list(accounts.select_for_update(of=("self",)).prefetch_related("groups"))
    members.delete()
    accounts.update(version=F("version") + 1, updated_at=current_time())
    events = [removal_event(account, group, by, reason) for account in holders]
    AuditEvent.objects.bulk_create(events)


def removal_event(account: User, group: Group, by: Any, reason: str) -> AuditEvent:
    """Returns the unsaved event of an account that loses the role."""
    names = sorted(each.name for each in account.groups.all())
    account.version += 1
    return build_event(
        "account.groups_removed",
        actor=by,
        target=account,
        before={"groups": names},
        after={"groups": [name for name in names if name != group.name]},
        reason=reason,
    )


def close_requests(group: Group, by: Any) -> None:
    """Declines the requests that wait for the role."""
    waiting = RoleRequest.objects.filter(group=group, state=RoleRequest.State.WAITING)
    waiting.update(
        state=RoleRequest.State.DECLINED,
        decided_by_id=by.pk,
        decided_by_text=str(by)[:255],
        decided_at=current_time(),
        answer="The role was deleted.",
    )


def save_role(group: Group) -> None:
    """Saves the role. Raises ValidationError if somebody has just taken its name."""
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:
        raise ValidationError({"name": NAME_TAKEN}) from error


def save_settings(group: Group, options: dict[str, Any]) -> None:
    RoleSettings.objects.update_or_create(group=group, defaults=options)


def audited_role(group: Group) -> dict[str, Any]:
    """Returns the values that events record."""
    group = Group.objects.select_related("role_settings").get(pk=group.pk)
    settings = settings_of(group)
    codenames = group.permissions.filter(content_type__app_label="users")
    return {
        "role": group.name,
        "permissions": sorted(codenames.values_list("codename", flat=True)),
        "requestable": settings.requestable,
        "sudo_minutes": settings.sudo_minutes,
        "approver": settings.approver.name if settings.approver else None,
    }


def record_role_event(
    action: str, by: Any, before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    """Records the values that differ, and always the name of the role."""
    names = before.keys() | after.keys()
    same = {name for name in names - {"role"} if before.get(name) == after.get(name)}
    record_event(
        action,
        actor=by,
        before=without_names(before, same),
        after=without_names(after, same),
        reason=reason,
    )


def without_names(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
