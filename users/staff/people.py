"""The list of staff: who has which role, since when, by whom and until when, and when they last
used their access.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import OuterRef, Q, QuerySet, Subquery

from users import masking
from users.audit.models import AuditEvent
from users.directory.search import unmasked_condition
from users.history.grants import granted_names
from users.identifiers import normalise_search_text
from users.models import User, UserQuerySet
from users.role_grants import Membership
from users.role_models import RoleGrant

SIZE = 50
# Events that are read for roles without a grant, which were given by imports or earlier releases.
MAX_EVENTS = 1000


@dataclass(frozen=True)
class HeldRole:
    """A role of one account. `since` is None if it is not known."""

    group_id: int
    name: str
    since: datetime | None = None
    by: str = ""
    by_id: int | None = None
    until: datetime | None = None
    reason: str = ""
    ticket: str = ""


def find_staff(role: Group | None, text: str, *, masked: bool = False) -> UserQuerySet:
    """Returns the staff accounts, or the holders of `role`, whose name or username contains `text`.
    `masked`: for viewers from whom addresses and numbers are hidden, who find them only whole.
    """
    found = User.objects.filter(is_staff=True)
    if role is not None:
        members = Membership.objects.filter(group=role)
        found = found.filter(pk__in=members.values("user_id"))
    words = normalise_search_text(text).split() if masked else text.split()
    for word in words:
        found = found.filter(unmasked_condition(word) if masked else has_word(word))
    return found.annotate(last_used=Subquery(last_events()))


def has_word(word: str) -> Q:
    names = Q(first_name__icontains=word) | Q(last_name__icontains=word)
    return names | Q(username__icontains=word)


def last_events() -> QuerySet:
    """Returns the time of the newest event of an account as actor, by an index."""
    events = AuditEvent.objects.filter(actor_id=OuterRef("pk")).order_by("-id")
    return events.values("at")[:1]


def describe_people(rows: list[User], viewer: Any) -> list[User]:
    """Returns the accounts as the viewer may see them, each with `held_roles` and `last_used`."""
    held = held_roles([row.pk for row in rows])
    people = masking.mask_accounts(rows, viewer)
    for person in people:
        person.held_roles = held[person.pk]  # type: ignore[attr-defined]
    return people


def held_roles(account_ids: list[int]) -> dict[int, list[HeldRole]]:
    """Returns the roles of each account in the order of their names, in at most three queries."""
    memberships = Membership.objects.filter(user_id__in=account_ids).order_by("group__name")
    rows = list(memberships.values_list("pk", "user_id", "group_id", "group__name"))
    ids = [row[0] for row in rows]
    grants: dict[int, RoleGrant] = {}
    for grant in RoleGrant.objects.filter(membership_id__in=ids):
        grants[grant.membership_id] = grant
    unknown = [row[1] for row in rows if row[0] not in grants]
    earlier = earlier_grants(unknown) if unknown else {}
    found: dict[int, list[HeldRole]] = defaultdict(list)
    for membership_id, account_id, group_id, name in rows:
        role = recorded_role(name, grants.get(membership_id))
        if role is None:
            role = earlier_role(group_id, name, earlier.get((account_id, name)))
        found[account_id].append(role)
    return found


def recorded_role(name: str, grant: RoleGrant | None) -> HeldRole | None:
    if grant is None:
        return None
    return HeldRole(
        group_id=grant.group_id,
        name=name,
        since=grant.since,
        by=grant.by_text,
        by_id=grant.by_id,
        until=grant.until,
        reason=grant.reason,
        ticket=grant.ticket,
    )


def earlier_role(group_id: int, name: str, event: AuditEvent | None) -> HeldRole:
    """Returns a role without a grant, as the event that gave it tells."""
    if event is None:
        return HeldRole(group_id=group_id, name=name)
    return HeldRole(
        group_id=group_id,
        name=name,
        since=event.at,
        by=event.actor_text,
        by_id=event.actor_id,
        reason=event.reason,
        ticket=event.ticket,
    )


def earlier_grants(account_ids: list[int]) -> dict[tuple[int, str], AuditEvent]:
    """Returns the newest event that gave each role, by account and name of the role."""
    events = AuditEvent.objects.filter(target_id__in=account_ids, after__has_key="groups")
    found: dict[tuple[int, str], AuditEvent] = {}
    for event in events.order_by("-id")[:MAX_EVENTS]:
        for name in granted_names(event):
            key = (event.target_id or 0, name.removeprefix("group "))
            found.setdefault(key, event)
    return found
