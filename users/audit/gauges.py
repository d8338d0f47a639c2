"""Gauges of the audit trail for /metrics."""

from users.audit.feeds.feed_state import feed_states
from users.audit.models import AuditEvent, ChainHead
from users.metrics.registry import age_of_first, count_up_to, register_gauge

COUNT_LIMIT = 10_000


@register_gauge("rollcall_unsealed_events", "Audit events that are not sealed yet, up to 10,000.")
def unsealed_events() -> int:
    return count_up_to(AuditEvent.objects.filter(chain_position=None), COUNT_LIMIT)


@register_gauge(
    "rollcall_oldest_unsealed_event_seconds", "Age of the oldest audit event that is not sealed."
)
def oldest_unsealed_seconds() -> float:
    unsealed = AuditEvent.objects.filter(chain_position=None)
    return age_of_first(unsealed.order_by("pk"), "at")


@register_gauge("rollcall_audit_chain_position", "Position of the last sealed audit event.")
def chain_position() -> int | None:
    return ChainHead._default_manager.values_list("position", flat=True).first()


@register_gauge(
    "rollcall_audit_feed_lag_seconds",
    "Age of the oldest sealed event that a feed has not sent.",
    label="feed",
)
def feed_lag() -> dict[str, float | None]:
    return {state.name: state.lag_seconds for state in feed_states()}


@register_gauge("rollcall_audit_feed_dead_letters", "Dead letters of a feed.", label="feed")
def dead_letters() -> dict[str, float | None]:
    return {state.name: float(state.dead) for state in feed_states()}
