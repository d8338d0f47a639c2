"""A past for the trail: who suspended and who invited the newest of the demo's accounts."""

from datetime import datetime, timedelta
from random import Random

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.fields import PROFILE_FIELDS
from users.models import State, User

EVENTS_PER_KIND = (
    2000  # events of a kind: enough to page through, nothing beside ten million accounts
)
DEMO_BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
]


def write_history(first_id: int, seed: int) -> int:
    """How many events. They are written in the order of their times, as the trail is read."""
    suspenders = staff_with_permission("suspend_user")
    inviters = staff_with_permission("invite_user")
    events = [
        event
        for account in newest_accounts(State.SUSPENDED, first_id)
        if (event := suspension_event(account, suspenders, seed))
    ]
    events += [
        event
        for account in newest_accounts(State.INVITED, first_id)
        if (event := invitation_event(account, inviters, seed))
    ]
    AuditEvent.objects.bulk_create(sorted(events, key=lambda event: event.at), batch_size=500)
    return len(events)


def newest_accounts(status: str, first_id: int) -> list[User]:
    return list(
        User.objects.filter(status=status, pk__gte=first_id).order_by("-date_joined", "-pk")[
            :EVENTS_PER_KIND
        ]
    )


def staff_with_permission(codename: str) -> list[User]:
    """Staff whose role lets them do it, longest-serving first."""
    return list(
        User.objects.filter(is_staff=True, groups__permissions__codename=codename)
        .distinct()
        .order_by("date_joined")
    )


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
    """By somebody who was there at the time; None where nobody was."""
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
