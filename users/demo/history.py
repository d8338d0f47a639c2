"""Writes audit events of the suspensions and invitations of the newest demo accounts."""

from datetime import datetime, timedelta
from random import Random

from django.db.models import Max

from users.audit.chain import lock_chain_head, seal_events
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.fields import PROFILE_FIELDS
from users.models import State, User

# Enough events to page through, and few compared with ten million accounts.
EVENTS_PER_KIND = 2000
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


def write_history(first_id: int, seed: int) -> int:
    """Writes and seals the events in the order of their times. Returns their number.

    Events from before the newest one of the trail are left out: ids and times must agree.
    """
    suspenders = staff_with_permission("suspend_user")
    inviters = staff_with_permission("invite_user")
    suspended = newest_accounts(State.SUSPENDED, first_id)
    invited = newest_accounts(State.INVITED, first_id)
    found = [suspension_event(account, suspenders, seed) for account in suspended]
    found += [invitation_event(account, inviters, seed) for account in invited]
    newest = AuditEvent.objects.aggregate(at=Max("at"))["at"]
    events = [event for event in found if event and (newest is None or event.at > newest)]
    events.sort(key=lambda event: event.at)
    AuditEvent.objects.bulk_create(events, batch_size=500)
    seal_events(lock_chain_head(), AuditEvent.objects.filter(pk__in=[event.pk for event in events]))
    return len(events)


def newest_accounts(status: str, first_id: int) -> list[User]:
    accounts = User.objects.filter(status=status, pk__gte=first_id)
    return list(accounts.order_by("-date_joined", "-pk")[:EVENTS_PER_KIND])


def staff_with_permission(codename: str) -> list[User]:
    """Returns the staff accounts with a role that has the permission, longest-serving first."""
    staff = User.objects.filter(is_staff=True, groups__permissions__codename=codename)
    return list(staff.distinct().order_by("date_joined"))


def suspension_event(account: User, staff: list[User], seed: int) -> AuditEvent | None:
    before: dict[str, object] = {"status": State.ACTIVE, "status_reason": ""}
    after: dict[str, object] = {"status": account.status, "status_reason": account.status_reason}
    if account.suspended_until:
        before = before | {"suspended_until": None}
        after = after | {"suspended_until": account.suspended_until}
    values = {"before": before, "after": after, "reason": account.status_reason}
    return demo_event("account.suspended", account, account.updated_at, staff, seed, **values)


def invitation_event(account: User, staff: list[User], seed: int) -> AuditEvent | None:
    names = (*PROFILE_FIELDS, "status")
    after = {name: getattr(account, name) for name in names if getattr(account, name)}
    return demo_event("account.invited", account, account.date_joined, staff, seed, after=after)


def demo_event(
    action: str, account: User, at: datetime, staff: list[User], seed: int, **values
) -> AuditEvent | None:
    """Returns an event by a random person of `staff` who had joined by then; None without one."""
    random = Random(f"{seed}:{account.pk}")  # noqa: S311  nothing here is a secret
    present = [person for person in staff if person.date_joined < at - timedelta(days=1)]
    if not present:
        return None
    actor = random.choice(present)
    made = build_event(action, actor=actor, target=account, **values)
    made.at = at
    made.ip = f"192.0.2.{1 + actor.pk % 250}"
    made.user_agent = DEMO_BROWSERS[actor.pk % len(DEMO_BROWSERS)]
    made.request_id = f"{random.getrandbits(128):032x}"
    return made
