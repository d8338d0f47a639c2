"""Sends events again from one on, after a receiver has lost them."""

from django.db import transaction
from django.db.models import F

from users.access import CommandActor
from users.audit.feeds.models import Feed
from users.audit.models import AuditEvent
from users.audit.record import record_event

REWOUND_ACTION = "audit.feed_rewound"


class RewindError(Exception):
    """The feed can't send these events again; the message is a sentence without a full stop."""


def events_to_repeat(name: str, event_id: int) -> int:
    """Returns how many events a feed has sent from this one on. Raises RewindError."""
    feed = Feed.objects.filter(name=name).first()
    if feed is None:
        raise RewindError(f"the worker has not started the feed {name} yet")
    events = AuditEvent.objects.filter(pk=event_id)
    position = events.values_list("chain_position", flat=True).first()
    if position is None:
        raise RewindError(f"there is no sealed event {event_id}")
    if position > feed.position:
        raise RewindError(f"event {event_id} has not been sent yet")
    return feed.position - position + 1


def rewind_feed(
    name: str,
    event_id: int,
    *,
    actor: CommandActor,
    reason: str,
) -> int:
    """Lets the worker send an event and all later ones again, and records it. Returns the number of
    events that are sent twice. Raises RewindError.
    """
    with transaction.atomic():
        number = move_feed_back(name, event_id)
        values = {
            "feed": name,
            "from_event": event_id,
            "events": number,
        }
        record_event(
            REWOUND_ACTION,
            actor=actor,
            after=values,
            reason=reason,
        )
    return number


def move_feed_back(name: str, event_id: int) -> int:
    """Moves the position of a feed to before an event, and returns by how many events."""
    feeds = Feed.objects.filter(name=name)
    # A worker that is sending now has another claim from here on, and stores nothing more.
    feeds.update(claim=F("claim") + 1, claimed_until=None)
    number = events_to_repeat(name, event_id)
    feeds.update(
        position=F("position") - number,
        attempts=0,
        refusals=0,
        due_at=None,
    )
    return number
