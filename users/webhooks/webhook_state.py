"""The state of webhooks in words, for their pages, the metrics and the alarm."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.metrics.registry import count_up_to
from users.webhooks.models import WebhookDelivery, WebhookSubscription

LATE_AFTER = timedelta(minutes=15)
COUNT_LIMIT = 10_000
Pause = WebhookSubscription.Pause
State = WebhookDelivery.State


class WebhookState(NamedTuple):
    """The state of one webhook. `waits_since`: the time of the first undelivered event."""

    row: WebhookSubscription
    waits_since: datetime | None
    has_dead: bool

    @property
    def is_late(self) -> bool:
        return self.waits_since is not None and self.waits_since < current_time() - LATE_AFTER

    @property
    def label(self) -> str:
        """The state in one or two words."""
        if self.row.pause:
            return "Paused"
        if self.row.failed_at:
            return "Failing"
        if self.is_late:
            return "Late"
        if self.has_dead:
            return "Dead letters"
        return "Working" if self.row.delivered_at else "Nothing sent yet"

    @property
    def is_bad(self) -> bool:
        return self.label in ("Failing", "Late", "Dead letters") or self.row.pause == Pause.GONE

    @property
    def problem(self) -> str:
        """A sentence about what someone has to look into; "" if nothing."""
        if self.row.pause == Pause.GONE:
            return "paused, because the receiver answered with status 410"
        if self.row.pause:
            return ""
        if self.is_late:
            return f"events are waiting. {self.row.error}".strip()
        return "dead letters" if self.has_dead else ""

    @property
    def lag_seconds(self) -> float:
        since = self.waits_since
        return (current_time() - since).total_seconds() if since else 0.0


def webhook_rows() -> QuerySet[WebhookSubscription]:
    """Returns the subscriptions with the times of their first waiting delivery and of the first
    event that was not read for them, and whether they have dead letters.
    """
    deliveries = WebhookDelivery.objects.filter(subscription=OuterRef("pk"))
    waiting = deliveries.filter(state=State.WAITING).order_by("created_at")
    unread = AuditEvent.objects.filter(chain_position__gt=OuterRef("position"))
    return WebhookSubscription.objects.filter(deleted_at=None).annotate(
        first_waiting=Subquery(waiting.values("created_at")[:1]),
        first_unread=Subquery(unread.order_by("chain_position").values("at")[:1]),
        has_dead=Exists(deliveries.filter(state=State.DEAD)),
    )


def webhook_states() -> list[WebhookState]:
    return [webhook_state(row) for row in webhook_rows().order_by("-pk")]


def webhook_state(row: Any) -> WebhookState:
    """Returns the state of a row of webhook_rows."""
    return WebhookState(row, row.first_waiting or row.first_unread, row.has_dead)


def count_dead_letters(row: WebhookSubscription) -> int:
    """Returns the number of dead letters, at most COUNT_LIMIT."""
    return count_up_to(row.deliveries.filter(state=State.DEAD), COUNT_LIMIT)


def webhook_problems() -> str:
    """Returns which webhooks are late, have dead letters or were paused by status 410, as text."""
    found = [(state.row.name, state.problem) for state in webhook_states()]
    return "; ".join(f"{name}: {problem}" for name, problem in found if problem)
