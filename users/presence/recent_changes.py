"""The last change of an account that a viewer does not see yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from users.audit.models import AuditEvent
from users.history.edit_conflicts import describe_event
from users.models import User

EVENTS_READ = 20  # newest events of the account


@dataclass(frozen=True)
class RecentChange:
    """A change by somebody else. `who` is "" if no event records it."""

    who: str = ""
    deed: str = ""
    at: datetime | None = None

    @property
    def seconds(self) -> int:
        """The age in seconds, at least 1."""
        if self.at is None:
            return 1
        return max(1, int((timezone.now() - self.at).total_seconds()))

    @property
    def ago(self) -> str:
        """The age in words."""
        if self.seconds < 60:
            return f"{self.seconds} s ago"
        if self.seconds < 3600:
            return f"{self.seconds // 60} min ago"
        return f"{self.seconds // 3600} h ago"

    @property
    def step(self) -> str:
        """A text that changes when the strip must be sent again: passing seconds are no news."""
        return "" if self.seconds < 60 else self.ago


def find_recent_change(account_id: int, shown: int, viewer: User) -> RecentChange | None:
    """Returns the newest change after the version `shown`, read with one query.

    Returns None if the viewer made all of them.
    """
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
    """Returns the actor's name of now; the name in the event if there is no such account."""
    return User(
        first_name=event.first_name or "",
        last_name=event.last_name or "",
        username=event.actor_text,
    ).display_name
