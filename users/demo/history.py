"""A past for the trail: who suspended and who invited the newest of the demo's accounts."""

from datetime import datetime, timedelta
from random import Random

from users.audit.models import AuditEvent
from users.audit.record import event_for
from users.models import State, User

EACH = 2000  # events of a kind: enough to page through, nothing beside ten million accounts
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
]


def write_history(first_id: int, seed: int) -> int:
    """How many events. They are written in the order of their times, as the trail is read."""
    suspenders = staff_with("suspend_user")
    inviters = staff_with("invite_user")
    events = [
        event
        for account in newest(State.SUSPENDED, first_id)
        if (event := suspension(account, suspenders, seed))
    ]
    events += [
        event
        for account in newest(State.INVITED, first_id)
        if (event := invitation(account, inviters, seed))
    ]
    AuditEvent.objects.bulk_create(sorted(events, key=lambda event: event.at), batch_size=500)
    return len(events)


def newest(status: str, first_id: int) -> list[User]:
    return list(
        User.objects.filter(status=status, pk__gte=first_id).order_by("-date_joined", "-pk")[:EACH]
    )


def staff_with(codename: str) -> list[User]:
    """Staff whose role lets them do it, longest-serving first."""
    return list(
        User.objects.filter(is_staff=True, groups__permissions__codename=codename)
        .distinct()
        .order_by("date_joined")
    )


def suspension(account: User, staff: list[User], seed: int) -> AuditEvent | None:
    before: dict[str, object] = {"status": State.ACTIVE, "status_reason": ""}
    after: dict[str, object] = {"status": account.status, "status_reason": account.status_reason}
    if account.suspended_until:
        before = before | {"suspended_until": None}
        after = after | {"suspended_until": account.suspended_until}
    values = {"before": before, "after": after, "reason": account.status_reason}
    return event("account.suspended", account, account.updated_at, staff, seed, **values)


def invitation(account: User, staff: list[User], seed: int) -> AuditEvent | None:
    names = (
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "time_zone",
        "status",
    )
    after = {name: getattr(account, name) for name in names if getattr(account, name)}
    return event("account.invited", account, account.date_joined, staff, seed, after=after)


def event(
    action: str, account: User, at: datetime, staff: list[User], seed: int, **values
) -> AuditEvent | None:
    """By somebody who was there at the time; None where nobody was."""
    random = Random(f"{seed}:{account.pk}")  # noqa: S311  nothing here is a secret
    present = [person for person in staff if person.date_joined < at - timedelta(days=1)]
    if not present:
        return None
    actor = random.choice(present)
    made = event_for(action, actor=actor, target=account, **values)
    made.at = at
    made.ip = f"192.0.2.{1 + actor.pk % 250}"
    made.user_agent = BROWSERS[actor.pk % len(BROWSERS)]
    made.request_id = f"{random.getrandbits(128):032x}"
    return made
