"""The email to administrators about each alarm: one for each time that it is raised."""

from datetime import timedelta

from django.db import transaction

from users.database.clock import current_time
from users.health.alarms import RUNBOOK, RaisedAlarm, current_alarms
from users.health.models import AlarmRecord
from users.mail.models import Letter, Message
from users.mail.outbox import post_message
from users.permissions import permission_holders

# An alarm that was not raised for so long has ended. One that comes and goes sends one email.
ENDED_AFTER = timedelta(minutes=10)
MAX_RECIPIENTS = 50
PERMISSION = "view_status"


def report_alarms() -> int:
    """Sends an email about alarms that are new, and forgets those that have ended.

    Runs every minute. Returns the number of new alarms.
    """
    alarms = current_alarms()
    now = current_time()
    with transaction.atomic():
        names = [alarm.name for alarm in alarms]
        AlarmRecord.objects.filter(name__in=names).update(seen_at=now)
        AlarmRecord.objects.filter(seen_at__lt=now - ENDED_AFTER).delete()
        known = set(AlarmRecord.objects.values_list("name", flat=True))
        new = [alarm for alarm in alarms if alarm.name not in known]
        records = [
            AlarmRecord(
                name=alarm.name,
                since=now,
                seen_at=now,
            )
            for alarm in new
        ]
        # Two tasks may run at once: the second one fails here, and sends nothing.
        AlarmRecord.objects.bulk_create(records)
        if new:
            send_alarm_emails(new)
    return len(new)


def send_alarm_emails(alarms: list[RaisedAlarm]) -> None:
    """Queues one email about `alarms` to each of those who may see the page Status."""
    names = ", ".join(alarm.label for alarm in alarms)
    lines = [f"{each.label}: {each.text}. {each.advice} {runbook_place(each)}" for each in alarms]
    letter = Letter.objects.create(subject=f"Rollcall alarm: {names}", text="\n\n".join(lines))
    for account in permission_holders(PERMISSION)[:MAX_RECIPIENTS]:
        post_message(Message.Kind.ALARM, account, letter)


def runbook_place(alarm: RaisedAlarm) -> str:
    return f"Runbook: {RUNBOOK}#{alarm.anchor}"
