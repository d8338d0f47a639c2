"""The interface of a kind of job, and the chunk that is passed to its `run`. users/jobs/engine.py
describes how they work together.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F

from users.audit.actions import JOB_COUNT_LABELS, register_values
from users.audit.origin import Origin, current_origin
from users.jobs.models import Job, JobItem
from users.jobs.queue.observation import count_job_accounts
from users.jobs.remarks import Remark
from users.models import User
from users.sudo.recent import SUDO_ACTIONS

REASON_MAX = 500
LISTED_OUTCOMES = (
    JobItem.Outcome.FAILED,
    JobItem.Outcome.CHANGED,
    JobItem.Outcome.SKIPPED,
)
CHUNK_OUTCOMES = ("changed", "skipped", "failed", "unchanged")


@dataclass(frozen=True)
class IdWindow:
    """The next accounts of a job: `ids` are all selected ids above its cursor up to `until`."""

    ids: list[int]
    until: int


@dataclass(frozen=True)
class JobLink:
    """A link on a job's page. Its target asks for confirmation before it changes anything."""

    url: str
    label: str
    icon: str


class JobKind(ABC):
    """One kind of work over many accounts. Subclass it, and register one instance."""

    # Stored in the row of each job, so it never changes.
    name: ClassVar[str]
    # Such as "Suspend".
    label: ClassVar[str]
    # An action of users.access. The initiator must have it at the start and before each chunk.
    action: ClassVar[str]
    priority: ClassVar[Job.Priority] = Job.Priority.NORMAL
    # When a second person has to approve: "never", "always", or "above" a number of accounts.
    approval_rule: ClassVar[str] = "never"
    # What its ids are of, in the singular.
    unit: ClassVar[str] = "account"
    # Accounts in the first chunk; the worker adapts the size of later ones to the time they take.
    first_chunk_size: ClassVar[int] = 200
    max_chunk_size: ClassVar[int] = 20_000
    # The code of the log's last line in users.jobs.remarks.
    finished_code: ClassVar[str] = "done"
    # The outcomes whose items the job's page lists, first those that need attention. A kind whose
    # ids are not those of accounts has no items with them.
    listed_outcomes: ClassVar[tuple[JobItem.Outcome, ...]] = LISTED_OUTCOMES

    def title(self, job: Job) -> str:
        """Returns what the job does, such as "Suspend 3 accounts"."""
        return self.label

    def requires_sudo(self, by: Any) -> bool:
        """Returns whether `by` first confirms who they are, for however few accounts."""
        return self.action in SUDO_ACTIONS

    def account_count(self, job: Job) -> int | None:
        """Returns how many accounts the job has changed, or is to change while it has not finished;
        None if that is not known.
        """
        if job.state == Job.State.DONE:
            return job.changed
        return job.expected if job.planned is None else job.planned

    def account_count_words(self, job: Job) -> str:
        """Returns "3 accounts", or "accounts" if their number is not known."""
        number = self.account_count(job)
        if number is None:
            return f"{self.unit}s"
        return f"{number:,} {self.unit}{'' if number == 1 else 's'}"

    def accounts_url(self, job: Job, viewer: Any) -> str:
        """Returns the page of the selected accounts; "" if `viewer` can't see it."""
        return ""

    @abstractmethod
    def window(self, job: Job, size: int) -> IdWindow:
        """Returns at most `size` accounts after job.cursor. The job ends with this chunk if `until`
        reaches job.up_to.
        """

    @abstractmethod
    def count(self, job: Job, limit: int) -> int:
        """Returns the number of selected accounts, exact up to `limit`. Used by kinds that need
        approval.
        """

    @abstractmethod
    def fingerprint(self, job: Job) -> tuple[int, str]:
        """Returns the number of selected accounts, and a text that differs for any other set of
        accounts. Used by kinds that need approval.
        """

    @abstractmethod
    def run(self, chunk: "Chunk") -> None:
        """Does the work for chunk.ids inside the chunk's transaction and counts a result for each
        of them.
        """

    def changed_accounts(self, job: Job) -> int:
        """Returns how many existing accounts a job changes whose ids are not those of accounts.
        They count as a share of the directory (users/jobs/approval.py).
        """
        return 0

    def fail(self, chunk: "Chunk", pk: int, reason: str) -> None:
        """Counts the only id of a chunk whose `run` raises an exception."""
        chunk.failed(pk, reason)

    def count_labels(self) -> dict[str, str]:
        """Returns labels of counts by outcome, if they differ from the usual ones. A count whose
        label is "" is not shown.
        """
        return {}

    def started(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """Called in the transaction that stores the job. May change its parameters and create
        further rows.
        """

    def ended(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """Called in the transaction of the last chunk."""

    def cancelled(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """Called in the transaction that cancels the job, whoever does so, with its row locked."""

    def facts(self, job: Job) -> list[tuple[str, str]]:
        """Returns further labels and values for the job's page and the page of its approval."""
        return []

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        """Returns links to further actions of `viewer` for the job's page, such as “Undo”."""
        return []


class Chunk:
    """Some accounts of a job and their results. Its transaction holds the lock of the job's row."""

    def __init__(self, job: Job, by: Any, ids: list[int]):
        self.job = job
        self.by = by
        self.ids = ids
        self.items: list[JobItem] = []
        self.counts = dict.fromkeys(CHUNK_OUTCOMES, 0)

    def lock(self) -> list[User]:
        """Locks and returns the accounts that still exist, in the order of their ids."""
        accounts = User.objects.select_for_update(of=("self",)).filter(pk__in=self.ids)
        return list(accounts.order_by("pk"))

    def changed(self, account: User, before: dict[str, Any] | None) -> None:
        """Counts an account after its change. `before`: the old values of the changed fields, as
        JSON.
        """
        self.add_item(JobItem.Outcome.CHANGED, account.pk, before=before, version=account.version)

    def skipped(self, account_id: int, reason: str | Remark) -> None:
        """Counts an account that must not be changed, e.g. because it is protected. A reason that
        names someone is a Remark.
        """
        remark = Remark(text=reason) if isinstance(reason, str) else reason
        text = remark.text[:REASON_MAX]
        self.add_item(JobItem.Outcome.SKIPPED, account_id, reason=text, **remark.columns())

    def failed(self, account_id: int, reason: str) -> None:
        """Counts an account whose change failed. A retry includes it."""
        self.add_item(JobItem.Outcome.FAILED, account_id, reason=reason[:REASON_MAX])

    def unchanged(self, number: int = 1) -> None:
        """Counts accounts that needed no change. They get no item."""
        self.counts["unchanged"] += number

    def count_written(self, *, changed: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """Counts items that the kind has written itself, by INSERT … SELECT into users_jobitem."""
        self.counts["changed"] += changed
        self.counts["skipped"] += skipped
        self.counts["failed"] += failed

    def add_item(self, outcome: JobItem.Outcome, account_id: int, **fields: Any) -> None:
        """Adds an item, which `store` writes, and counts it."""
        item = JobItem(
            job_id=self.job.pk,
            account_id=account_id,
            outcome=outcome,
            **fields,
        )
        self.items.append(item)
        self.counts[outcome] += 1

    def store(self) -> dict[str, Any]:
        """Writes the items and returns the update of the job's counts. Raises MiscountedChunk."""
        if sum(self.counts.values()) != len(self.ids):
            raise MiscountedChunk(f"{self.counts} for {len(self.ids)} accounts")
        JobItem.objects.bulk_create(self.items)
        transaction.on_commit(partial(count_job_accounts, self.job.kind, dict(self.counts)))
        added = {"selected": len(self.ids)} | self.counts
        return {name: F(name) + number for name, number in added.items() if number}


class MiscountedChunk(Exception):
    """The `run` of a kind did not count each account exactly once. That is a bug of the kind."""


@contextmanager
def job_origin(job: Job) -> Iterator[None]:
    """Gives events inside the block the job, its ticket, and the origin of the request that started
    it.
    """
    token = current_origin.set(
        Origin(
            **job.origin,
            session_id=job.session_id,
            job_id=job.pk,
            ticket=job.ticket,
        )
    )
    try:
        yield
    finally:
        current_origin.reset(token)


KINDS: dict[str, JobKind] = {}


def listed_outcomes(job: Job) -> tuple[JobItem.Outcome, ...]:
    """Returns the outcomes that the page of a job lists."""
    return KINDS[job.kind].listed_outcomes if job.kind in KINDS else LISTED_OUTCOMES


def register_kind(kind: JobKind) -> JobKind:
    """Adds the kind to KINDS. Call it at import from a module that users.apps imports."""
    KINDS[kind.name] = kind
    register_values("kind", {kind.name: kind.label})
    JOB_COUNT_LABELS[kind.name] = kind.count_labels()
    return kind
