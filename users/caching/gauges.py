"""The gauge of the read replica for /metrics."""

from users.caching.replica import replica_lag
from users.metrics.registry import register_gauge


@register_gauge(
    "rollcall_replica_lag_seconds", "Time by which the read replica is behind the primary."
)
def replica_lag_seconds() -> float | None:
    return replica_lag()
