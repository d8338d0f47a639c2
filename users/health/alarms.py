"""Alarms: states that someone has to look into, and that Rollcall cannot end by itself.

Each has a section in docs/operating.md. They appear in /readyz and on the page Status; a task sends
an email about each new one (users/health/alarm_emails.py).
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from users.audit import chain
from users.audit.feeds import feed_state
from users.audit.models import ChainHead
from users.audit.tree import log_state
from users.audit.verification import runs
from users.database import trigger_check
from users.database.clock import current_time
from users.database.local_settings import WITHOUT_SORTING, set_local_settings
from users.health import probes
from users.health.probes import Probe
from users.jobs.models import OPEN_STATES, Job
from users.jobs.queue import task_queue
from users.jobs.scheduled_runs import schedule_states
from users.mail.lanes import waiting_in_lane
from users.signin.break_glass import break_glass_problem
from users.webhooks import webhook_state

RUNBOOK = "docs/operating.md"
TASK_LIMIT = timedelta(minutes=5)
SEALING_LIMIT = timedelta(minutes=10)
# A checkpoint follows within about eleven minutes as long as events are sealed.
CHECKPOINT_LIMIT = timedelta(minutes=12)
# Messages among which the oldest is searched, those due first.
MESSAGES_SEARCHED = 500
SHOWN_TRIGGERS = 3


def late_schedules() -> str:
    """Names schedules without a successful run in time."""
    late = [(state.name, state.due_since) for state in schedule_states()]
    lines = [f"{name} overdue since {time_text(since)}" for name, since in late if since]
    return "; ".join(lines)


def old_tasks() -> str:
    """Names queues whose oldest task has waited for more than TASK_LIMIT."""
    waits = {cluster: task_queue.oldest_wait(cluster) for cluster in task_queue.CLUSTERS}
    old = [
        f"oldest task of {cluster} has been waiting for {minutes_text(wait)}"
        for cluster, wait in waits.items()
        if wait and wait > TASK_LIMIT
    ]
    return "; ".join(old)


def oldest_job() -> str:
    """Names the job that has waited longest for a worker, above ALARM_JOB_MINUTES."""
    limit = timedelta(minutes=settings.ALARM_JOB_MINUTES)
    late = Job.objects.filter(state__in=OPEN_STATES, due_at__lt=Now() - limit)
    job = late.order_by("due_at").only("due_at").first()
    return f"job {job.pk} has been waiting since {time_text(job.due_at)}" if job else ""


def oldest_message() -> str:
    """Reports an individual email that has waited for more than ALARM_EMAIL_MINUTES.

    Bulk emails may take hours. The search is bounded, because many may wait.
    """
    first = waiting_in_lane(is_bulk=False).values_list("created_at", flat=True)
    oldest = min(first[:MESSAGES_SEARCHED], default=None)
    limit = timedelta(minutes=settings.ALARM_EMAIL_MINUTES)
    if oldest is None or oldest > current_time() - limit:
        return ""
    return f"oldest email has been waiting since {time_text(oldest)}"


def stopped_sealing() -> str:
    """Reports an event that has waited for its seal for more than SEALING_LIMIT, unless there is a
    checkpoint within CHECKPOINT_LIMIT: then events are being sealed, and many wait.
    """
    now = current_time()
    oldest = oldest_unsealed()
    if oldest is None or oldest > now - SEALING_LIMIT:
        return ""
    head = ChainHead.objects.filter(pk=1).first()
    if head and head.anchored_at and head.anchored_at > now - CHECKPOINT_LIMIT:
        return ""
    return f"oldest unsealed event is from {time_text(oldest)}"


def oldest_unsealed() -> datetime | None:
    """Returns the time of the oldest event that waits for its seal."""
    head = ChainHead.objects.filter(pk=1).first() or ChainHead()
    with transaction.atomic():
        set_local_settings(WITHOUT_SORTING)
        return chain.events_to_seal(head).values_list("at", flat=True).first()


def changed_triggers() -> str:
    """Names triggers that are not as migrate has left them."""
    faults = trigger_check.trigger_faults()
    shown = "; ".join(faults[:SHOWN_TRIGGERS])
    more = len(faults) - SHOWN_TRIGGERS
    return f"{shown} and {more} more" if more > 0 else shown


def full_disk() -> str:
    """Reports that the disk of VAR_DIR is fuller than ALARM_DISK_PERCENT."""
    try:
        usage = shutil.disk_usage(settings.VAR_DIR)
    except OSError as error:
        return f"var directory not readable ({type(error).__name__})"
    # As df counts: without the blocks that are reserved for root.
    percent = 100 * usage.used / max(usage.used + usage.free, 1)
    return f"{percent:.0f} % full" if percent >= settings.ALARM_DISK_PERCENT else ""


def time_text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def minutes_text(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes"


@dataclass(frozen=True)
class Alarm(Probe):
    """A check that raises an alarm."""

    dependency: str = probes.DATABASE
    # What to do, in a sentence for the page and the email.
    advice: str = ""


@dataclass(frozen=True)
class RaisedAlarm:
    """An alarm that is raised now."""

    name: str
    label: str
    text: str
    advice: str

    @property
    def anchor(self) -> str:
        """The anchor of its section in RUNBOOK."""
        return f"alarm-{self.name}"


ALARMS = (
    Alarm(
        name="schedules",
        label="Schedules",
        find_problem=late_schedules,
        advice="Check that the worker is running, and look at its log.",
    ),
    Alarm(
        name="queue",
        label="Queue",
        find_problem=old_tasks,
        advice="Check that the worker is running, or start another one.",
    ),
    Alarm(
        name="jobs",
        label="Jobs",
        find_problem=oldest_job,
        advice="Check that the worker is running, or start another one.",
    ),
    Alarm(
        name="emails",
        label="Emails",
        find_problem=oldest_message,
        advice="Check the mail server, and the errors on the account’s “Emails” tab.",
    ),
    Alarm(
        name="sealing",
        label="Audit chain",
        find_problem=stopped_sealing,
        advice="Check the worker’s log for sealing errors.",
    ),
    Alarm(
        name="checkpoints",
        label="Audit checkpoints",
        find_problem=log_state.signing_problem,
        advice="Check the worker’s key file, and run manage.py audit_verify.",
    ),
    Alarm(
        name="anchors",
        label="Audit anchors",
        find_problem=log_state.delivery_problems,
        advice="If a witness refuses the log, run manage.py audit_verify with its last checkpoint.",
    ),
    Alarm(
        name="feeds",
        label="Audit feeds",
        find_problem=feed_state.feed_problems,
        advice="Look at the errors and dead letters on /audit/feeds/.",
    ),
    Alarm(
        name="webhooks",
        label="Webhooks",
        find_problem=webhook_state.webhook_problems,
        advice="Look at the errors and dead letters on /staff/webhooks/.",
    ),
    Alarm(
        name="verification",
        label="Audit verification",
        find_problem=runs.verification_problems,
        advice="Back up the database, then see /audit/verification/.",
    ),
    Alarm(
        name="triggers",
        label="Audit triggers",
        find_problem=changed_triggers,
        reuse_seconds=30,
        advice="Find out who changed them, then restore them as the runbook says.",
    ),
    Alarm(
        name="break-glass",
        label="Break-glass account",
        find_problem=break_glass_problem,
        reuse_seconds=30,
        advice="It must be an active superuser with a password. Create it with createsuperuser.",
    ),
    Alarm(
        name="disk",
        label="Disk",
        find_problem=full_disk,
        dependency="disk",
        advice="Free space on the disk of the var directory.",
    ),
)


def current_alarms() -> list[RaisedAlarm]:
    """Returns the alarms that are raised now, within probes.DEADLINE_SECONDS.

    An alarm that can't be checked, such as without the database, is not among them.
    """
    return raised_alarms(probes.run_probes(ALARMS))


def raised_alarms(problems: dict[Probe, str]) -> list[RaisedAlarm]:
    """Returns the alarms among the results of checks."""
    raised = []
    for alarm in ALARMS:
        problem = problems.get(alarm, "")
        if problem and not problem.startswith((probes.UNKNOWN, probes.NO_ANSWER)):
            raised.append(RaisedAlarm(alarm.name, alarm.label, problem, alarm.advice))
    return raised
