"""The impact of suspending, deleting or erasing an account, shown before anybody does it.

Each figure is counted in an index up to COUNT_CAP, so a million sessions or emails cost as much
as a thousand.
"""

from dataclasses import dataclass, field

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from users import access
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User
from users.sessions.models import Session
from users.verbs.transaction import is_last_superuser

COUNT_CAP = 1000
MAX_GROUPS = 20  # names shown
# Literal SQL: SQLite uses a partial index only if the query repeats the index's condition.
WAITING_MESSAGE_SQL = "users_message.state = 'waiting'"
OPEN_JOB_SQL = "users_job.state IN ('waiting', 'queued', 'running', 'paused', 'parked')"


@dataclass(frozen=True)
class Impact:
    """Figures of one account. Counts beyond COUNT_CAP are COUNT_CAP + 1.

    `rights` is the number of permissions, None for a superuser, who has all of them.
    """

    sessions: int = 0
    mails: int = 0
    jobs: int = 0
    groups: list[str] = field(default_factory=list)
    more_groups: bool = False
    rights: int | None = 0
    is_staff: bool = False
    is_superuser: bool = False
    is_last_superuser: bool = False


def account_impact(account: User) -> Impact:
    """Returns the impact on one account as it is now. At most six queries."""
    names = list(account.groups.order_by("name").values_list("name", flat=True)[: MAX_GROUPS + 1])
    sessions = Session.objects.filter(account_id=account.pk, expire_date__gt=timezone.now())
    mails = Message.objects.filter(raw_condition(WAITING_MESSAGE_SQL), account=account)
    jobs = Job.objects.filter(raw_condition(OPEN_JOB_SQL), by=account)
    return Impact(
        sessions=capped_count(sessions),
        mails=capped_count(mails),
        jobs=capped_count(jobs),
        groups=names[:MAX_GROUPS],
        more_groups=len(names) > MAX_GROUPS,
        rights=None if account.is_superuser else len(access.stored_permissions(account)),
        is_staff=account.is_staff,
        is_superuser=account.is_superuser,
        is_last_superuser=is_last_superuser(account),
    )


def capped_count(rows: QuerySet) -> int:
    return rows.order_by()[: COUNT_CAP + 1].count()


def raw_condition(condition: str) -> RawSQL:
    """One of the conditions above, as they are constants."""
    return RawSQL(condition, [], output_field=BooleanField())  # noqa: S611
