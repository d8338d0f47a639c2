"""What others have changed of an account since the version that somebody has before them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from users.audit.models import AuditEvent
from users.history.edit_conflicts import describe_event
from users.models import User

EVENTS_READ = 20  # the newest events


@dataclass(frozen=True)
class RecentChange:
    """The last of what was done. `who` is "" where no event tells."""

    who: str = ""
    deed: str = ""
    at: datetime | None = None

    @property
    def seconds(self) -> int:
        return max(1, int((timezone.now() - self.at).total_seconds())) if self.at else 1

    @property
    def ago(self) -> str:
        if self.seconds < 60:
            return f"{self.seconds} s ago"
        return (
            f"{self.seconds // 60} min ago"
            if self.seconds < 3600
            else f"{self.seconds // 3600} h ago"
        )

    @property
    def step(self) -> str:
        """Changes when it is time to say it anew: seconds that go by are no news."""
        return "" if self.seconds < 60 else self.ago


def find_recent_change(account_id: int, shown: int, viewer: User) -> RecentChange | None:
    """None where the viewer did all of it. One query."""
    actor = User.objects.filter(pk=OuterRef("actor_id"))
    columns = {name: Subquery(actor.values(name)[:1]) for name in ("first_name", "last_name")}
    newest = AuditEvent.objects.newest_of("target_id", account_id).annotate(**columns)[:EVENTS_READ]
    events = [
        event
        for event in newest
        if event.action != "denied" and (event.target_version or 0) > shown
    ]
    for event in events:
        if event.actor_id != viewer.pk and (words := describe_event(event)):
            return RecentChange(event_actor_name(event), words, event.at)
    return None if events else RecentChange()


def event_actor_name(event: Any) -> str:
    """The name of who did it, as it is now; as the trail has it where the account is gone, or there
    never was one.
    """
    return User(
        first_name=event.first_name or "",
        last_name=event.last_name or "",
        username=event.actor_text,
    ).display_name
