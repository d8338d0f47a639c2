"""The interface of a kind of job, and the chunk that its `run` gets. users/jobs/engine.py says how
the two work together.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import F

from users.audit.origin import Origin, current_origin
from users.jobs.models import Job, JobItem
from users.jobs.remarks import Remark
from users.models import User

REASON_MAX = 500
CHUNK_OUTCOMES = ("changed", "skipped", "failed", "unchanged")


@dataclass(frozen=True)
class IdWindow:
    """The next accounts of a job in the order of their ids: all that are selected above its cursor,
    up to `until`.
    """

    ids: list[int]
    until: int


@dataclass(frozen=True)
class JobLink:
    """A link on a job's page to a page that asks before it does anything."""

    url: str
    label: str
    icon: str


class JobKind(ABC):
    """One kind of work over many accounts. Subclass it, and register one instance."""

    # Stored in the row of each job, so it never changes.
    name: ClassVar[str]
    # "Suspend"
    label: ClassVar[str]
    # An action of users.access. The initiator must have it at the start and before each chunk.
    action: ClassVar[str]
    priority: ClassVar[Job.Priority] = Job.Priority.NORMAL
    # When a second person has to approve: "never", "always", or "above" a number of accounts.
    approval_rule: ClassVar[str] = "never"
    # Accounts in the first chunk; the worker adapts the size of later ones to the time they take.
    first_size: ClassVar[int] = 200
    largest_size: ClassVar[int] = 20_000

    def title(self, job: Job) -> str:
        """The heading of the job's page: what it does."""
        return self.label

    @abstractmethod
    def window(self, job: Job, size: int) -> IdWindow:
        """At most `size` accounts after job.cursor. `until` >= job.up_to ends the job with this
        chunk.
        """

    @abstractmethod
    def count(self, job: Job, limit: int) -> int:
        """The number of selected accounts, exact up to `limit`. For kinds that need approval."""

    @abstractmethod
    def fingerprint(self, job: Job) -> tuple[int, str]:
        """The number of selected accounts, and a text that differs for another set of accounts.
        Used by kinds that need approval.
        """

    @abstractmethod
    def run(self, chunk: "Chunk") -> None:
        """Does the work for chunk.ids inside the chunk's transaction, and reports a result for each
        of them.
        """

    def recent_count(self, job: Job) -> int:
        """The number of accounts in recent jobs of the same person, which counts towards the limit
        above which a second person has to approve.
        """
        return 0

    def count_labels(self) -> dict[str, str]:
        """Labels of the counts on the job's page, by outcome, where they are not the usual ones."""
        return {}

    def started(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """Called in the transaction that stores the job. May change its parameters, and create what
        else the job needs.
        """

    def ended(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """Called in the transaction in which the job is done."""

    def facts(self, job: Job) -> list[tuple[str, str]]:
        """Further labels and values for the job's page and for the person who approves it."""
        return []

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        """Links on the job's page to whatever else `viewer` may do with it, such as “Undo”."""
        return []


class Chunk:
    """Some accounts of a job and their results, in one transaction with the job's row locked."""

    def __init__(self, job: Job, by: Any, ids: list[int]):
        self.job = job
        self.by = by
        self.ids = ids
        self.items: list[JobItem] = []
        self.counts = dict.fromkeys(CHUNK_OUTCOMES, 0)

    def lock(self) -> list[User]:
        """Returns the accounts, fresh and locked, in the order of their ids, without those that no
        longer exist.
        """
        accounts = User.objects.select_for_update(of=("self",)).filter(pk__in=self.ids)
        return list(accounts.order_by("pk"))

    def changed(self, account: User, before: dict[str, Any] | None) -> None:
        """Counts `account`, as it is after the change. `before`: its changed fields as they were,
        as JSON.
        """
        self.add_item(JobItem.Outcome.CHANGED, account.pk, before=before, version=account.version)

    def skipped(self, account_id: int, reason: str | Remark) -> None:
        """Counts an account that is left alone for a good reason: unchanged, not allowed,
        protected. A reason that names somebody is a Remark.
        """
        remark = Remark(text=reason) if isinstance(reason, str) else reason
        text = remark.text[:REASON_MAX]
        self.add_item(JobItem.Outcome.SKIPPED, account_id, reason=text, **remark.columns())

    def failed(self, account_id: int, reason: str) -> None:
        """Counts an account that should have changed and did not. A retry includes it."""
        self.add_item(JobItem.Outcome.FAILED, account_id, reason=reason[:REASON_MAX])

    def unchanged(self, number: int = 1) -> None:
        """Counts accounts that had nothing to change; they get no item."""
        self.counts["unchanged"] += number

    def count_written(self, *, changed: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """Counts items that the kind has written itself, by INSERT … SELECT into users_jobitem."""
        self.counts["changed"] += changed
        self.counts["skipped"] += skipped
        self.counts["failed"] += failed

    def add_item(self, outcome: JobItem.Outcome, account_id: int, **fields: Any) -> None:
        """Adds an item, which `store` writes, and counts it."""
        item = JobItem(job_id=self.job.pk, account_id=account_id, outcome=outcome, **fields)
        self.items.append(item)
        self.counts[outcome] += 1

    def store(self) -> dict[str, Any]:
        """Writes the items, and returns the update of the job's counts. Raises MiscountedChunk."""
        if sum(self.counts.values()) != len(self.ids):
            raise MiscountedChunk(
                f"{len(self.ids)} accounts were given, and {self.counts} came back"
            )
        JobItem.objects.bulk_create(self.items)
        added = {"selected": len(self.ids)} | self.counts
        return {name: F(name) + number for name, number in added.items() if number}


class MiscountedChunk(Exception):
    """The `run` of a kind has not counted each account exactly once: a defect of that kind."""


@contextmanager
def job_origin(job: Job) -> Iterator[None]:
    """Lets events inside the block name the job and the origin of the request that started it."""
    token = current_origin.set(Origin(**job.origin, job_id=job.pk))
    try:
        yield
    finally:
        current_origin.reset(token)


KINDS: dict[str, JobKind] = {}


def register_kind(kind: JobKind) -> JobKind:
    """Makes the kind known in this process. Call it at import, from a module that users.apps
    imports.
    """
    KINDS[kind.name] = kind
    return kind
