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

CAP = 1000
GROUPS = 20  # names shown
# As text, since SQLite takes a partial index only where the query says the index's own condition.
WAITING = "users_message.state = 'waiting'"
PENDING = "users_job.state IN ('waiting', 'queued', 'running', 'paused', 'parked')"


@dataclass(frozen=True)
class Radius:
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


def radius(account: User) -> Radius:
    """Of one account as it is now. At most six queries."""
    names = list(account.groups.order_by("name").values_list("name", flat=True)[: GROUPS + 1])
    return Radius(
        sessions=capped(
            Session.objects.filter(account_id=account.pk, expire_date__gt=timezone.now())
        ),
        mails=capped(Message.objects.filter(literal(WAITING), account=account)),
        jobs=capped(Job.objects.filter(literal(PENDING), by=account)),
        groups=names[:GROUPS],
        more_groups=len(names) > GROUPS,
        rights=None if account.is_superuser else len(access.stored_permissions(account)),
        is_staff=account.is_staff,
        is_superuser=account.is_superuser,
        is_last_superuser=is_last_superuser(account),
    )


def capped(rows: QuerySet) -> int:
    return rows.order_by()[: CAP + 1].count()


def literal(condition: str) -> RawSQL:
    return RawSQL(condition, [], output_field=BooleanField())  # noqa: S611  a constant of this module
