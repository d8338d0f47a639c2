"""Gauges of the outbox for /metrics."""

from users.mail.lanes import waiting_in_lane
from users.mail.models import DeliveryEvent, Message
from users.metrics.registry import age_of_first, count_up_to, register_gauge

COUNT_LIMIT = 10_000


@register_gauge("rollcall_waiting_messages", "Emails in the outbox, up to 10,000.")
def waiting_message_count() -> int:
    return count_up_to(Message.objects.filter(state=Message.State.WAITING), COUNT_LIMIT)


@register_gauge(
    "rollcall_oldest_message_seconds",
    "Time for which the first individual and the first bulk email have been due.",
    label="kind",
)
def oldest_message_seconds() -> dict[str, float]:
    ages = {}
    for kind, is_bulk in {"individual": False, "bulk": True}.items():
        ages[kind] = age_of_first(waiting_in_lane(is_bulk=is_bulk), "due_at")
    return ages


@register_gauge(
    "rollcall_waiting_delivery_events",
    "Reports of email providers that are not applied yet, up to 10,000.",
)
def waiting_delivery_events() -> int:
    return count_up_to(DeliveryEvent.objects.filter(applied_at=None), COUNT_LIMIT)
