"""The email to administrators about each alarm: one for each time that it is raised."""

from datetime import datetime, timedelta

from django.db import transaction

from users.database.clock import current_time
from users.database.version import newer_release_time
from users.health.alarms import RUNBOOK, RaisedAlarm, current_alarms
from users.health.models import AlarmRecord
from users.mail.models import Letter, Message
from users.mail.outbox import post_message
from users.permissions import permission_holders

# An alarm that was not raised for so long has ended. One that comes and goes sends one email.
ENDED_AFTER = timedelta(minutes=10)
# For this long after a newer release has migrated the database, its triggers are no alarm for the
# workers of this one, which its deployment restarts last. /readyz and “Status” name them all the
# same.
DEPLOYMENT_TIME = timedelta(hours=1)
MAX_RECIPIENTS = 50
PERMISSION = "view_status"


def report_alarms() -> int:
    """Sends an email about alarms that are new, and forgets those that have ended.

    Runs every minute. Returns the number of new alarms.
    """
    now = current_time()
    alarms = current_alarms()
    if is_being_deployed(now):
        alarms = [alarm for alarm in alarms if alarm.name != "triggers"]
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


def is_being_deployed(now: datetime) -> bool:
    """Returns whether a newer release has just migrated the database."""
    migrated_at = newer_release_time()
    return migrated_at is not None and now - migrated_at < DEPLOYMENT_TIME


def send_alarm_emails(alarms: list[RaisedAlarm]) -> None:
    """Queues one email about `alarms` to each of those who may see the page Status."""
    names = ", ".join(alarm.label for alarm in alarms)
    lines = [f"{each.label}: {each.text}. {each.advice} {runbook_place(each)}" for each in alarms]
    letter = Letter.objects.create(subject=f"Rollcall alarm: {names}", text="\n\n".join(lines))
    for account in permission_holders(PERMISSION)[:MAX_RECIPIENTS]:
        post_message(Message.Kind.ALARM, account, letter)


def runbook_place(alarm: RaisedAlarm) -> str:
    return f"Runbook: {RUNBOOK}#{alarm.anchor}"
