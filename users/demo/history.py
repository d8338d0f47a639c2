"""Writes the audit events and invitations of the newest demo accounts, as if staff had used the
product: each change of a row has its event, by someone who might make it then.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Max, Q

from users.access import Actor, CommandActor
from users.audit.chain import lock_chain_head, seal_events
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.demo.campaigns import write_campaigns
from users.fields import PROFILE_FIELDS
from users.mail.models import Message
from users.models import State, User

# Enough events to page through, and few compared with ten million accounts.
EVENTS_PER_KIND = 1200
DEMO_BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/18.5 Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Safari/537.36"
    ),
]
# The share of the changes with a reason that have a ticket.
TICKET_SHARE = 0.4
# People who make most changes, for each kind of change.
TEAM_SIZE = 12
# Who suspends, deletes and invites before anyone has a role.
OPERATOR = CommandActor("bulk")
Values = dict[str, Any]


class ChangeKind(NamedTuple):
    """A change that demo accounts have gone through, with the condition that finds them.

    `values`: returns the values of the event, before and after.
    """

    action: str
    permission: str
    accounts: Q
    values: Callable[[User], tuple[Values, Values]]
    reasons: tuple[str, ...] = ()


def write_history(first_id: int, seed: int, until: datetime) -> int:
    """Writes and seals the events in the order of their times. Returns their number.

    Events from before the newest one of the trail are left out: ids and times must agree.
    """
    changes = [made for kind in CHANGE_KINDS for made in make_changes(kind, first_id, seed)]
    newest = AuditEvent.objects.aggregate(at=Max("at"))["at"]
    if newest is None:
        changes += campaign_changes(first_id, until)
    made = [change for change in changes if newest is None or change.event.at > newest]
    made.sort(key=lambda change: change.event.at)
    events = [change.event for change in made]
    AuditEvent.objects.bulk_create(events, batch_size=500)
    seal_events(lock_chain_head(), AuditEvent.objects.filter(pk__in=[event.pk for event in events]))
    update_people_seen(changes, until)
    write_invitations(first_id)
    return len(events)


class DemoChange(NamedTuple):
    actor: Actor | None
    event: AuditEvent


def campaign_changes(first_id: int, until: datetime) -> Iterator[DemoChange]:
    """Writes two campaigns by one of the longest-serving people who may do so, and yields their
    events. A small directory has nobody.
    """
    staff = staff_with_permission("send_campaigns")[:TEAM_SIZE]
    joined = [one for one in staff if one.updated_at < until - timedelta(days=30)]
    for event in write_campaigns(first_id, joined[0], until) if joined else []:
        if event.actor_id is None:
            # A worker that applied the report of a provider.
            yield DemoChange(None, event)
            continue
        set_staff_origin(event, joined[0])
        yield DemoChange(joined[0], event)


def make_changes(kind: ChangeKind, first_id: int, seed: int) -> Iterator[DemoChange]:
    """Yields the changes of one kind of the newest accounts."""
    staff = staff_with_permission(kind.permission)
    accounts = User.objects.filter(kind.accounts, pk__gte=first_id)
    if kind.action == "account.roles_assigned":
        accounts = accounts.prefetch_related("groups")
    for account in accounts.order_by("-date_joined", "-pk")[:EVENTS_PER_KIND]:
        random = Random(f"{seed}:{kind.action}:{account.pk}")  # noqa: S311  no secret
        actor = choose_actor(staff, account, random)
        before, after = kind.values(account)
        reason = random.choice(kind.reasons) if kind.reasons else account.status_reason
        event = build_event(
            kind.action, actor=actor, target=account, before=before, after=after, reason=reason
        )
        event.at = account.updated_at
        if isinstance(actor, User):
            set_staff_origin(event, actor)
            event.request_id = f"{random.getrandbits(128):032x}"
        if reason and random.random() < TICKET_SHARE:
            event.ticket = f"SUP-{random.randrange(1000, 10_000)}"
        yield DemoChange(actor, event)


def staff_with_permission(codename: str) -> list[User]:
    """Returns the staff accounts with a role that has the permission, longest-serving first."""
    staff = User.objects.filter(is_staff=True, groups__permissions__codename=codename)
    return list(staff.distinct().order_by("date_joined"))


def choose_actor(staff: list[User], account: User, random: Random) -> Actor:
    """Returns one of the longest-serving `staff` who had their role at the time of the change."""
    at = account.updated_at - timedelta(days=1)
    present = [person for person in staff[:TEAM_SIZE] if person.updated_at < at]
    return random.choice(present) if present else OPERATOR


def staff_origin(person: User) -> tuple[str, str]:
    """Returns the IP address and the browser that this person always uses."""
    return f"192.0.2.{1 + person.pk % 250}", DEMO_BROWSERS[person.pk % len(DEMO_BROWSERS)]


def set_staff_origin(event: AuditEvent, person: User) -> None:
    """Gives an event the origin of a request of this person, who has a session each day."""
    event.ip, event.user_agent = staff_origin(person)
    random = Random(f"{person.pk}:{event.at:%Y-%m-%d}")  # noqa: S311  no secret
    event.session_id = UUID(int=random.getrandbits(128), version=4)


def update_people_seen(changes: list[DemoChange], until: datetime) -> None:
    """Lets staff have signed in again after the last change that they made."""
    last: dict[User, datetime] = {}
    for actor, event in sorted(changes, key=lambda change: change.event.at):
        if isinstance(actor, User):
            last[actor] = event.at
    late = []
    for person, at in last.items():
        if person.last_seen_at is None or person.last_seen_at <= at:
            person.last_seen_at = min(at + timedelta(minutes=20 + person.pk % 300), until)
            person.last_login = person.last_seen_at
            late.append(person)
    User.objects.bulk_update(late, ["last_seen_at", "last_login"], batch_size=500)


def write_invitations(first_id: int) -> None:
    """Writes the emails that the invitations of the newest accounts have sent."""
    invited = User.objects.filter(status=State.INVITED, pk__gte=first_id)
    newest = invited.order_by("-date_joined", "-pk")[:EVENTS_PER_KIND]
    messages = [
        Message(
            account=account,
            kind=Message.Kind.INVITATION,
            to=account.email,
            state=Message.State.SENT,
            created_at=account.date_joined,
            due_at=account.date_joined,
            sent_at=account.date_joined + timedelta(seconds=2),
            fate=Message.Fate.DELIVERED,
            fate_at=account.date_joined + timedelta(seconds=5),
            attempts=1,
        )
        for account in newest
    ]
    messages.reverse()
    Message.objects.bulk_create(messages, batch_size=500)


# --- the kinds of changes -------------------------------------------------------------------------


def suspension_values(account: User) -> tuple[Values, Values]:
    names = ["status", "status_reason"]
    if account.suspended_until:
        names.append("suspended_until")
    before = {
        "status": State.ACTIVE,
        "status_reason": "",
        "suspended_until": None,
    }
    return {name: before[name] for name in names}, current_values(account, names)


def deletion_values(account: User) -> tuple[Values, Values]:
    before = {
        "status": State.ACTIVE,
        "status_reason": "",
        "deleted_at": None,
    }
    return before, current_values(account, before)


def end_date_values(account: User) -> tuple[Values, Values]:
    return {"valid_until": None}, {"valid_until": account.valid_until}


def password_values(account: User) -> tuple[Values, Values]:
    return {"must_change_password": False}, {"must_change_password": True}


def role_values(account: User) -> tuple[Values, Values]:
    groups = sorted(group.name for group in account.groups.all())
    return {"is_staff": False, "groups": []}, {"is_staff": True, "groups": groups}


def invitation_values(account: User) -> tuple[Values, Values]:
    names = [name for name in (*PROFILE_FIELDS, "status") if getattr(account, name)]
    access: Values = {
        "is_staff": False,
        "is_superuser": False,
        "groups": [],
    }
    return {}, current_values(account, names) | access


def current_values(account: User, names: Iterable[str]) -> Values:
    return {name: getattr(account, name) for name in names}


CHANGE_KINDS = (
    ChangeKind("account.invited", "invite_user", Q(status=State.INVITED), invitation_values),
    ChangeKind("account.suspended", "suspend_user", Q(status=State.SUSPENDED), suspension_values),
    ChangeKind("account.deleted", "delete_user", Q(status=State.DELETED), deletion_values),
    ChangeKind(
        "account.end_date_set",
        "set_end_date",
        Q(valid_until__isnull=False),
        end_date_values,
        reasons=("Contract for a limited time.", "Guest of a project.", "Seasonal help.", ""),
    ),
    ChangeKind(
        "account.password_change_required",
        "require_password_change",
        Q(must_change_password=True),
        password_values,
        reasons=("The password was in a public leak.", "The device was stolen."),
    ),
    ChangeKind(
        "account.roles_assigned",
        "assign_roles",
        Q(is_staff=True),
        role_values,
        reasons=("Joined the team.", "Took over from a colleague."),
    ),
)
