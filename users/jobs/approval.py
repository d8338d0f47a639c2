"""Approval of large jobs by a second person.

A job is approved for certain accounts, so a fingerprint of its selection is stored when approval is
requested. It must be the same when the job is approved and when the first chunk begins.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import OperationalError, transaction
from django.db.models import Case, F, QuerySet, Sum, When
from django.db.models.functions import Coalesce, Greatest
from django.utils.crypto import constant_time_compare, salted_hmac

from users import access
from users.database.clock import current_time
from users.database.local_settings import set_local_settings
from users.exceptions import JobRefused
from users.jobs.kinds import KINDS, JobKind
from users.jobs.models import Job
from users.jobs.remarks import SELECTION_CHANGED, Remark, remark_by
from users.jobs.ties import find_hints, find_ties
from users.jobs.transitions import (
    add_line,
    enter_state,
    lock_job,
    record_job_event,
    refuse_unless,
)
from users.models import User

OWN_JOB = "You can’t approve your own job. Ask a colleague."
TIED_JOB = "You can’t approve this job. {} Ask another colleague."
# Up to this number a share of the directory does not matter: so many can be ticked by hand.
SHARE_FLOOR = 100
# A larger directory counts as one of this size, which is counted in a tenth of a second.
SIZE_CAP = 1_000_000
SIZE_SECONDS = 300
FINGERPRINT_LIMITS = {"statement_timeout": "20000", "enable_seqscan": "on"}
State = Job.State


def needs_approval(job: Job) -> bool:
    """Returns whether a second person has to approve the job, which is not stored yet. The number
    that the caller expects can make approval necessary, but never unnecessary. Otherwise sets
    `expected` to the number of accounts.
    """
    kind = KINDS[job.kind]
    if kind.approval_rule != "above":
        return kind.approval_rule == "always"
    if exceeds_share(kind, job.by_id, kind.changed_accounts(job)):
        return True
    allowed = approval_threshold(kind) - recent_accounts(kind, job.by_id)
    if allowed < 0 or (job.expected or 0) > allowed:
        return True
    try:
        with transaction.atomic():
            number = kind.count(job, allowed + 1)
    except OperationalError:
        # The count ran into the statement timeout.
        return True
    if number > allowed:
        return True
    job.expected = number
    return False


def needs_second_person(
    kind: JobKind,
    number: int,
    by_id: int | None,
    changed: int = 0,
) -> bool:
    """Returns whether a second person has to approve a job of this kind over `number` accounts, if
    `by_id` starts it now. `changed`: as JobKind.changed_accounts.
    """
    if kind.approval_rule == "above":
        if exceeds_share(kind, by_id, changed):
            return True
        return number + recent_accounts(kind, by_id) > approval_threshold(kind)
    return kind.approval_rule == "always"


def exceeds_share(kind: JobKind, by_id: int | None, changed: int) -> bool:
    """Returns whether a job with other units than accounts changes more of them, together with the
    recent ones, than a job over accounts may without approval.
    """
    if not changed:
        return False
    for job in recent_jobs(kind, by_id):
        changed += kind.changed_accounts(job)
    return changed > share_limit(kind_limit(kind))


def recent_accounts(kind: JobKind, by_id: int | None) -> int:
    """Returns the number of accounts in jobs of this kind that a person has started without
    approval within BULK_APPROVAL_HOURS, by themselves or through the service accounts that they
    own. Many small jobs count as a large one.

    Commands of people without an account count as those of one person.
    """
    own = recent_jobs(kind, by_id)
    # A job that was cancelled changes no more accounts than it has reached.
    reached = When(state=State.CANCELLED, then=F("selected"))
    number = Case(reached, default=Greatest(Coalesce("expected", 0), F("selected")))
    return own.aggregate(number=Sum(number))["number"] or 0


def recent_jobs(kind: JobKind, by_id: int | None) -> QuerySet[Job]:
    """Returns the jobs of this kind that a person has started without approval within
    BULK_APPROVAL_HOURS.
    """
    since = current_time() - timedelta(hours=settings.BULK_APPROVAL_HOURS)
    jobs = Job.objects.filter(kind=kind.name, created_at__gt=since, frozen="")
    if by_id is None:
        return jobs.filter(by=None)
    return jobs.filter(by__in=accounts_sharing_limit(by_id))


def accounts_sharing_limit(by_id: int) -> list[int]:
    """Returns the IDs of a person, or of the owner of a service account, and of all the service
    accounts that the person owns. They share one limit: otherwise each would have its own.
    """
    owner = User.objects.filter(pk=by_id).values_list("owner_id", flat=True).first()
    person = owner or by_id
    owned = User.objects.filter(owner_id=person).values_list("pk", flat=True)
    return [person, *owned]


def approval_threshold(kind: JobKind) -> int:
    """Returns the highest number of accounts, or of what else the kind is about, for which it needs
    no approval.
    """
    limit = kind_limit(kind)
    return share_limit(limit) if kind.unit == "account" else limit


def kind_limit(kind: JobKind) -> int:
    """Returns the limit of a kind in the settings."""
    return int(settings.BULK_APPROVAL_ABOVE_FOR.get(kind.name, settings.BULK_APPROVAL_ABOVE))


def share_limit(limit: int) -> int:
    """Returns a number of accounts, or a share of the directory if that is less. A small share of a
    small directory is no reason for an approval.
    """
    share = settings.BULK_APPROVAL_SHARE
    if limit <= SHARE_FLOOR or share >= 100:
        return limit
    part = int(directory_size() * share / 100)
    return min(limit, max(part, SHARE_FLOOR))


def directory_size() -> int:
    """Returns the number of accounts, at most SIZE_CAP. It may be some minutes old."""
    count = User.objects.order_by().values("pk")[:SIZE_CAP].count
    return caches["pages"].get_or_set("directory_size", count, SIZE_SECONDS) or 0


def freeze_selection(job: Job) -> None:
    """Sets `expected` and `frozen` for the accounts that are selected now. Raises JobRefused."""
    job.expected, digest = read_selection(job)
    job.frozen = keyed_fingerprint(job, digest, settings.SECRET_KEY)


def read_selection(job: Job) -> tuple[int, str]:
    """Returns number and digest of the accounts that are selected now. Raises JobRefused."""
    try:
        with transaction.atomic():
            set_local_settings(FINGERPRINT_LIMITS)
            return KINDS[job.kind].fingerprint(job)
    except OperationalError as error:
        unit = KINDS[job.kind].unit
        text = f"Finding these {unit}s takes too long. Select fewer {unit}s."
        raise JobRefused(text) from error


def keyed_fingerprint(job: Job, digest: str, secret: str) -> str:
    """Returns what `frozen` holds: a digest of the accounts' ids under a key of the site."""
    value = f"{job.kind}:{digest}"
    return salted_hmac("users.jobs.approval", value, secret=secret, algorithm="sha256").hexdigest()


def is_frozen_selection(job: Job, digest: str) -> bool:
    """Returns whether `digest` is that of the accounts that approval was requested for. The key of
    the site may have changed since.
    """
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if constant_time_compare(job.frozen, keyed_fingerprint(job, digest, secret)):
            return True
    return False


def approve_job(job: Job, *, by: Any) -> Job:
    """Queues a job that waits for approval, or cancels it if its selection has other accounts than
    when approval was requested. Raises access.Denied or JobRefused.
    """
    with transaction.atomic():
        job = lock_for_decision(job, by, "be approved")
        if ties := approval_ties(job, by):
            raise access.Denied("approve_bulk", TIED_JOB.format(" ".join(ties)))
        number, digest = read_selection(job)
        if not is_frozen_selection(job, digest):
            details = {"then": job.expected, "now": number}
            job.note_line = add_line(job, Remark("selection_differs", details=details))
            enter_state(job, State.CANCELLED)
            record_job_event(job, "job.cancelled", by)
        else:
            enter_state(job, State.QUEUED)
            hints = " ".join(approval_hints(job, by))
            record_job_event(job, "job.approved", by, reason=hints)
            add_line(job, remark_by(by, "approved"))
    return job


def decline_job(job: Job, *, by: Any, reason: str = "") -> Job:
    """Cancels a job that waits for approval. Raises access.Denied or JobRefused."""
    with transaction.atomic():
        job = lock_for_decision(job, by, "be declined")
        job.note_line = add_line(job, remark_by(by, "declined", reason))
        enter_state(job, State.CANCELLED)
        record_job_event(job, "job.declined", by, reason=reason)
    return job


def lock_for_decision(job: Job, by: Any, to: str) -> Job:
    """Locks and returns the job. Raises access.Denied or JobRefused unless `by`, who must not be
    its initiator, may decide about it.
    """
    access.require(by, "approve_bulk")
    job = lock_job(job)
    if by.pk is not None and by.pk == job.by_id:
        raise access.Denied("approve_bulk", OWN_JOB)
    refuse_unless(job, State.WAITING, to=to)
    return job


def approval_ties(job: Job, by: Any) -> list[str]:
    """Returns the sentences that say why `by` may not approve the job of this initiator. A person
    with a shell on the server has no ties.
    """
    if by.pk is None or job.by is None or by.pk == job.by_id:
        return []
    return find_ties(job.by, by)


def approval_hints(job: Job, by: Any) -> list[str]:
    """Returns what is recorded with the approval of `by`, who has no ties."""
    if by.pk is None or job.by is None:
        return []
    return find_hints(job.by, by)


def require_unchanged(job: Job) -> None:
    """Raises JobRefused if the job was approved for other accounts than those it would change now.
    Called before the first chunk.
    """
    if job.frozen and not is_frozen_selection(job, KINDS[job.kind].fingerprint(job)[1]):
        raise JobRefused(SELECTION_CHANGED)
