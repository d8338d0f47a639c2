"""Finds the last change of an account that the open page does not show yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.history.edit_conflicts import describe_event
from users.models import User
from users.typed_text import isolate_text

# Number of the account's newest events that are read.
MAX_EVENTS = 20


@dataclass(frozen=True)
class RecentChange:
    """A change by someone else. `who` is "" if no event records it."""

    who: str = ""
    # A phrase such as "changed the phone".
    description: str = ""
    at: datetime | None = None

    @property
    def seconds(self) -> int:
        """The age in seconds, at least 1."""
        if self.at is None:
            return 1
        return max(1, int((current_time() - self.at).total_seconds()))

    @property
    def ago(self) -> str:
        """The age as text."""
        if self.seconds < 60:
            return f"{self.seconds} s ago"
        if self.seconds < 3600:
            return f"{self.seconds // 60} min ago"
        return f"{self.seconds // 3600} h ago"

    @property
    def digest_age(self) -> str:
        """The age in the digest of the strip, without seconds, so that they alone send nothing."""
        return "" if self.seconds < 60 else self.ago


def find_recent_change(account_id: int, shown: int, viewer: User) -> RecentChange | None:
    """Returns the newest change by others since the version `shown`, read with one query.

    Returns None if the viewer made all changes.
    """
    actor = User.objects.filter(pk=OuterRef("actor_id"))
    columns = {name: Subquery(actor.values(name)[:1]) for name in ("first_name", "last_name")}
    newest = AuditEvent.objects.history_of(account_id).annotate(**columns)[:MAX_EVENTS]
    events = [event for event in newest if (event.target_version or 0) > shown]
    for event in events:
        if event.actor_id != viewer.pk and (description := describe_event(event)):
            return RecentChange(event_actor_name(event), description, event.at)
    return None if events else RecentChange()


def event_actor_name(event: Any) -> str:
    """Returns the actor's current name, or the name in the event if the account is gone."""
    actor = User(
        first_name=event.first_name or "",
        last_name=event.last_name or "",
        username=event.actor_text,
    )
    return isolate_text(actor.display_name)
