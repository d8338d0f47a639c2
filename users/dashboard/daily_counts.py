"""Counts by day: what each metric counts, and the upsert that adds to a day."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate

from users.audit.models import AuditEvent
from users.campaigns.models import Campaign
from users.dashboard.models import DailyCount
from users.mail.models import Message
from users.models import User
from users.sessions.models import SignInEvent, SignInOutcome

CREATIONS = (
    "account.created",
    "account.imported",
    "account.invited",
    "account.provisioned",
)
# A person's decisions about a job. All its other events are written by a worker.
JOB_DECISIONS = (
    "job.started",
    "job.approved",
    "job.declined",
    "job.paused",
    "job.resumed",
    "job.cancelled",
)
BY_STAFF = Q(actor_id__isnull=False) & (Q(target_id__isnull=True) | ~Q(target_id=F("actor_id")))
SIGNED_IN = Q(outcome__in=(SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN))
EVENT_METRICS = {
    "sign_ups": Q(action__in=CREATIONS),
    "suspensions": Q(action="account.suspended"),
    "staff_actions": BY_STAFF
    & ~Q(action="denied")
    & (Q(job_id__isnull=True) | Q(action__in=JOB_DECISIONS)),
}
SIGN_IN_METRICS = {"sign_ins": SIGNED_IN, "sign_in_failures": ~SIGNED_IN}
EMAIL_METRICS = {
    "emails_sent": Q(state=Message.State.SENT),
    "emails_failed": Q(state=Message.State.FAILED),
}
# The suffix of metrics that count emails whose state may still change. They are counted anew at
# each run.
OPEN_SUFFIX = "_open"
OPEN_EMAIL_METRICS = {name + OPEN_SUFFIX: which for name, which in EMAIL_METRICS.items()}
# The suffix of metrics that count the emails of campaigns, as the campaigns have counted them.
CAMPAIGN_SUFFIX = "_campaigns"
CAMPAIGN_METRICS = {
    "emails_sent" + CAMPAIGN_SUFFIX: Message.State.SENT,
    "emails_failed" + CAMPAIGN_SUFFIX: Message.State.FAILED,
}
# Demo accounts have no event of their creation.
DEMO_SUFFIX = "_demo"
ADD_SQL = """
    INSERT INTO users_dailycount (metric, day, value) VALUES (%s, %s, %s)
    ON CONFLICT (metric, day) DO UPDATE SET value = users_dailycount.value + excluded.value
"""


def add_event_counts(events: QuerySet[AuditEvent]) -> None:
    add_daily_counts(events, "at", EVENT_METRICS)


def add_sign_in_counts(events: QuerySet[SignInEvent]) -> None:
    add_daily_counts(events, "at", SIGN_IN_METRICS)


def add_email_counts(messages: QuerySet[Message], metrics: Mapping[str, Q]) -> None:
    """Adds emails to the day on which they were queued. `metrics`: EMAIL_METRICS, or those of open
    emails.
    """
    add_daily_counts(messages, "created_at", metrics)


def update_campaign_counts() -> None:
    """Stores the counts of the campaigns by the day of their start, where they have changed: emails
    wait for as long as a campaign is paused, and are sent or reported late.
    """
    values = count_campaigns()
    stored = DailyCount.objects.filter(metric__in=list(CAMPAIGN_METRICS))
    known = {(row.metric, row.day): row.value for row in stored}
    changed = [key for key, value in values.items() if value != known.get(key, 0)]
    DailyCount.objects.bulk_create(
        [
            DailyCount(
                metric=key[0],
                day=key[1],
                value=values[key],
            )
            for key in changed
        ],
        update_conflicts=True,
        unique_fields=["metric", "day"],
        update_fields=["value"],
        batch_size=1000,
    )


def count_campaigns() -> Counter[tuple[str, date]]:
    """Returns the numbers of the emails of campaigns by metric and day."""
    values: Counter[tuple[str, date]] = Counter()
    started: Any = Campaign.objects.exclude(started_at=None)
    for at, rows in started.values_list("started_at", "counts").iterator():
        day = at.astimezone(UTC).date()
        for metric, state in CAMPAIGN_METRICS.items():
            numbers = [number for own, _, number in rows if own == state]
            values[metric, day] += sum(numbers)
    return values


def add_demo_counts(accounts: QuerySet[User]) -> None:
    add_daily_counts(accounts, "date_joined", {"sign_ups" + DEMO_SUFFIX: Q()})


def add_daily_counts(rows: QuerySet[Any], time_column: str, metrics: Mapping[str, Q]) -> None:
    """Counts `rows` by day with one query, and adds the counts."""
    by_day = rows.order_by().annotate(bucket=TruncDate(time_column, tzinfo=UTC)).values("bucket")
    counts = {name: Count("pk", filter=which) for name, which in metrics.items()}
    added: list[tuple[str, date, int]] = []
    for row in by_day.annotate(**counts):
        added += [(name, row["bucket"], row[name]) for name in metrics if row[name]]
    with connection.cursor() as cursor:
        cursor.executemany(ADD_SQL, added)


def delete_daily_counts(metrics: Mapping[str, Q], after: date | None = None) -> None:
    """Deletes the counts of metrics, or those of the days after one."""
    counts = DailyCount.objects.filter(metric__in=list(metrics))
    if after:
        counts = counts.filter(day__gt=after)
    counts.delete()
