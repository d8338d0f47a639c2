"""Gives a role to the new members of a group and takes it from former ones, all of them together.

The number of statements does not depend on the number of members. It leaves what add_roles and
remove_roles leave for one account after another; tests/scim/test_members.py compares them.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib.auth.models import Group
from django.db.models import F
from scim2_models import InvalidValueException

from users import access
from users.audit.models import AuditEvent
from users.audit.origin import current_origin
from users.audit.record import build_event
from users.bulk.role_action import add_members
from users.database.clock import current_time
from users.models import User, UserQuerySet
from users.role_grants import Membership, record_grants
from users.scim.errors import MembersDenied
from users.scim.filters import parse_resource_id
from users.scim.scope import SourceAccess
from users.verbs.role_addition.verb import ACTION
from users.verbs.transaction import clean_reason, require_grant

ADDED_EVENT = "account.groups_added"
REMOVED_EVENT = "account.groups_removed"
# Unknown members that an error names, and characters of each.
NAMED_MEMBERS = 20
NAMED_CHARACTERS = 40


class MemberRow(NamedTuple):
    """An account that becomes a member or was one."""

    pk: int
    username: str
    version: int


def read_member_ids(values: Iterable[str]) -> set[int]:
    """Returns the IDs of new members. Raises InvalidValueException with those that are no IDs."""
    ids = {value: parse_resource_id(value) for value in sorted(values)}
    if invalid := [value for value, pk in ids.items() if not pk]:
        quoted = [f"“{value[:NAMED_CHARACTERS]}”" for value in invalid]
        raise InvalidValueException(detail=unknown_members(quoted))
    return set(ids.values())


def unknown_members(names: list[str]) -> str:
    """Returns the sentence about members that the source does not have."""
    if len(names) == 1:
        return f"members: there is no user {names[0]} in this source."
    return f"members: there are no users {join_names(names)} in this source."


def join_names(names: list[str]) -> str:
    """Returns the first NAMED_MEMBERS names, such as “1, 2 and 3” or “1, 2 and 7 more”."""
    *first, last = names[:NAMED_MEMBERS]
    if len(names) > NAMED_MEMBERS:
        first = names[:NAMED_MEMBERS]
        last = f"{len(names) - NAMED_MEMBERS:,} more"
    return " and ".join(filter(None, [", ".join(first), last]))


def change_members(
    source: SourceAccess, role: Group, *, added: set[int], removed: set[int]
) -> None:
    """Gives the role, whose row is locked, to some accounts and takes it from others, each with one
    event. Raises InvalidValueException for new members that the source does not see, or Denied.
    """
    if not added and not removed:
        return
    access.require(source.viewer, ACTION)
    rows = lock_rows(source, added | removed)
    if unknown := sorted(added - set(rows)):
        raise InvalidValueException(detail=unknown_members(list(map(str, unknown))))
    held = roles_held(rows)
    gaining = [rows[pk] for pk in sorted(added) if role.pk not in held[pk]]
    losing = [rows[pk] for pk in sorted(removed & set(rows)) if role.pk in held[pk]]
    require_changes(source, [*gaining, *losing])
    if gaining:
        require_grant(
            source.viewer,
            ACTION,
            groups=[role],
            is_staff=False,
            is_superuser=False,
        )
    store_changes(source, role, gaining, losing, held)


def lock_rows(source: SourceAccess, ids: set[int]) -> dict[int, MemberRow]:
    """Returns those of the accounts that the source sees after their rows were locked, by ID."""
    accounts = source.accounts().filter(pk__among=ids).order_by("pk")
    locked = accounts.select_for_update(of=("self",))
    rows = map(MemberRow._make, locked.values_list("pk", "username", "version"))
    return {row.pk: row for row in rows}


def roles_held(ids: Iterable[int]) -> dict[int, dict[int, str]]:
    """Returns the names of the roles of each account, by the ID of the role."""
    held: dict[int, dict[int, str]] = defaultdict(dict)
    memberships = Membership.objects.filter(user_id__among=list(ids))
    for pk, role_id, name in memberships.values_list("user_id", "group_id", "group__name"):
        held[pk][role_id] = name
    return held


def require_changes(source: SourceAccess, rows: list[MemberRow]) -> None:
    """Raises MembersDenied if the source may not change the roles of one of the accounts."""
    accounts = UserQuerySet(User).filter(pk__among=[row.pk for row in rows])
    refusals = access.find_refusals(source.viewer, ACTION, accounts)
    if not refusals:
        return
    first = min(refusals)
    alike = [pk for pk, refusal in refusals.items() if refusal == refusals[first]]
    names = join_names(list(map(str, sorted(alike))))
    raise MembersDenied(
        ACTION,
        refusals[first].reason,
        refusals[first].permission,
        accounts.get(pk=first),
        members=names,
    )


def store_changes(
    source: SourceAccess,
    role: Group,
    gaining: list[MemberRow],
    losing: list[MemberRow],
    held: dict[int, dict[int, str]],
) -> None:
    """Stores the memberships, the grants, the versions and the events."""
    reason = clean_reason(f"Sent by {source.scope.source}.")
    events = []
    for row in gaining:
        names = set(held[row.pk].values())
        values = (names, names | {role.name})
        events.append(member_event(ADDED_EVENT, row, values, source.viewer, reason))
    for row in losing:
        names = set(held[row.pk].values())
        values = (names, names - {role.name})
        events.append(member_event(REMOVED_EVENT, row, values, source.viewer, reason))
    # Triggers recognise a change by its event.
    AuditEvent.objects.bulk_create(events, batch_size=2000)
    add_role(source, role, [row.pk for row in gaining], reason)
    lost = [row.pk for row in losing]
    Membership.objects.filter(user_id__among=lost, group_id=role.pk).delete()
    changed = [row.pk for row in (*gaining, *losing)]
    UserQuerySet(User).filter(pk__among=changed).update(
        version=F("version") + 1,
        updated_at=current_time(),
    )


def member_event(
    action: str, row: MemberRow, names: tuple[set[str], set[str]], by: Any, reason: str
) -> AuditEvent:
    """Returns the event of one account, not stored yet. `names`: of its roles before and after."""
    before, after = map(sorted, names)
    return build_event(
        action,
        actor=by,
        target=User(pk=row.pk, username=row.username, version=row.version + 1),
        before={"groups": before},
        after={"groups": after},
        reason=reason,
    )


def add_role(source: SourceAccess, role: Group, ids: list[int], reason: str) -> None:
    """Adds the accounts to the role, and records who gave it."""
    if not ids:
        return
    add_members(ids, {role.pk})
    record_grants(
        ids,
        [role],
        by=source.viewer,
        reason=reason,
        ticket=current_origin.get().ticket,
    )
