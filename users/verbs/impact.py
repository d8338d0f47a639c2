"""The impact of suspending, deleting or erasing an account, which is shown before confirmation.

Each number is counted in an index up to IMPACT_COUNT_CAP, so the cost is bounded.
"""

from dataclasses import dataclass, field

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from users import access
from users.database.clock import current_time
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User
from users.sessions.models import Session
from users.verbs.transaction import is_last_superuser

IMPACT_COUNT_CAP = 1000
# Names of roles that are shown.
MAX_GROUPS = 20
# Literal SQL, because SQLite uses a partial index only if the query repeats the index's condition.
WAITING_MESSAGE_SQL = "users_message.state = 'waiting'"
OPEN_JOB_SQL = "users_job.state IN ('waiting', 'queued', 'running', 'paused', 'parked')"


@dataclass(frozen=True)
class Impact:
    """The numbers of one account. Counts beyond IMPACT_COUNT_CAP are IMPACT_COUNT_CAP + 1."""

    sessions: int = 0
    emails: int = 0
    jobs: int = 0
    groups: list[str] = field(default_factory=list)
    more_groups: bool = False
    # The number of permissions; None for a superuser, who has all of them.
    permissions: int | None = 0
    is_staff: bool = False
    is_superuser: bool = False
    is_last_superuser: bool = False


def account_impact(account: User) -> Impact:
    """Returns the impact on an account as it is now, from at most six queries."""
    names = list(account.groups.order_by("name").values_list("name", flat=True)[: MAX_GROUPS + 1])
    sessions = Session.objects.filter(account_id=account.pk, expire_date__gt=current_time())
    emails = Message.objects.filter(raw_condition(WAITING_MESSAGE_SQL), account=account)
    jobs = Job.objects.filter(raw_condition(OPEN_JOB_SQL), by=account)
    return Impact(
        sessions=capped_count(sessions),
        emails=capped_count(emails),
        jobs=capped_count(jobs),
        groups=names[:MAX_GROUPS],
        more_groups=len(names) > MAX_GROUPS,
        permissions=None if account.is_superuser else len(access.stored_permissions(account)),
        is_staff=account.is_staff,
        is_superuser=account.is_superuser,
        is_last_superuser=is_last_superuser(account),
    )


def capped_count(rows: QuerySet) -> int:
    return rows.order_by()[: IMPACT_COUNT_CAP + 1].count()


def raw_condition(condition: str) -> RawSQL:
    """Returns a condition from literal SQL, which must be a constant."""
    return RawSQL(condition, [], output_field=BooleanField())  # noqa: S611
