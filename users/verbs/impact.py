"""What an account takes with it when it is suspended, deleted or erased: shown before anybody does
it.

Each figure is a range of an index that ends at CAP, so a million sessions or mails cost what a
thousand do.
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
# As text, since SQLite takes a partial index only where the query says the index's own condition.
WAITING_MESSAGE_SQL = "users_message.state = 'waiting'"
OPEN_JOB_SQL = "users_job.state IN ('waiting', 'queued', 'running', 'paused', 'parked')"


@dataclass(frozen=True)
class Impact:
    """Counts beyond CAP are CAP + 1. `rights` is None for a superuser, who has all of them."""

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
    """Of one account as it is now. At most six queries."""
    names = list(account.groups.order_by("name").values_list("name", flat=True)[: MAX_GROUPS + 1])
    return Impact(
        sessions=capped_count(
            Session.objects.filter(account_id=account.pk, expire_date__gt=timezone.now())
        ),
        mails=capped_count(
            Message.objects.filter(raw_condition(WAITING_MESSAGE_SQL), account=account)
        ),
        jobs=capped_count(Job.objects.filter(raw_condition(OPEN_JOB_SQL), by=account)),
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
    return RawSQL(condition, [], output_field=BooleanField())  # noqa: S611  a constant of this module
