"""The gauges of webhooks for /metrics."""

from users.metrics.registry import register_gauge
from users.webhooks.webhook_state import webhook_states


@register_gauge(
    "rollcall_webhook_lag_seconds",
    "Age of the oldest event that a webhook has not delivered.",
    label="webhook",
)
def webhook_lag() -> dict[str, float | None]:
    return {str(state.row.pk): state.lag_seconds for state in webhook_states()}
