"""The alarms for /metrics."""

from users.health.alarms import ALARMS, current_alarms
from users.metrics.registry import register_gauge


@register_gauge("rollcall_alarm", "1 while the alarm is raised, else 0.", label="alarm")
def alarm_states() -> dict[str, float]:
    raised = {alarm.name for alarm in current_alarms()}
    return {alarm.name: float(alarm.name in raised) for alarm in ALARMS}
