"""What a kind of job is, and the chunk that it is handed. users/jobs/engine.py says how the two
play together.
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
    """A link to a page that asks first."""

    url: str
    label: str
    icon: str


class JobKind(ABC):
    """Subclass it, and register one instance."""

    name: ClassVar[str]  # stands in the row, and stays what it is
    label: ClassVar[str]  # "Suspend"
    action: ClassVar[
        str
    ]  # of users.access: asked of the initiator at the start, and again before each chunk
    priority: ClassVar[Job.Priority] = Job.Priority.NORMAL
    four_eyes: ClassVar[str] = (
        "never"  # or "always", or "above" so many accounts: whether a second person has to agree
    )
    first_size: ClassVar[int] = (
        200  # accounts in the first chunk; later ones adapt to the time that they take
    )
    largest_size: ClassVar[int] = 20_000

    def title(self, job: Job) -> str:
        """What it does, in words, for the page of the job."""
        return self.label

    @abstractmethod
    def window(self, job: Job, size: int) -> IdWindow:
        """At most `size` accounts behind job.cursor. `until` >= job.up_to ends the job with this
        chunk.
        """

    @abstractmethod
    def count(self, job: Job, limit: int) -> int:
        """How many accounts are selected, exactly up to `limit`. For those that need four eyes."""

    @abstractmethod
    def fingerprint(self, job: Job) -> tuple[int, str]:
        """How many accounts are selected, and a text that differs for another set of them. For
        those that need four eyes.
        """

    @abstractmethod
    def run(self, chunk: "Chunk") -> None:
        """Does the work for chunk.ids, inside the chunk's transaction, and says for each of them
        what became of it.
        """

    def lately(self, job: Job) -> int:
        """What the same person has done of it already, which counts with it towards the number that
        takes a second person.
        """
        return 0

    def counted(self) -> dict[str, str]:
        """What its page calls the counts, where they have a name of their own."""
        return {}

    def started(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """In the transaction in which the job is stored: makes what else it needs, and may change
        its parameters.
        """

    def ended(self, job: Job) -> None:  # noqa: B027  most have nothing to do then
        """In the transaction in which the job is done."""

    def facts(self, job: Job) -> list[tuple[str, str]]:
        """What else its page and whoever approves it should be told, each with its label."""
        return []

    def offers(self, job: Job, viewer: Any) -> list["JobLink"]:
        """What else `viewer` can do with it, as links on its page: “Undo” for one."""
        return []


class Chunk:
    """Some accounts of a job, and what became of them. Everything here is one transaction with the
    job's row locked.
    """

    def __init__(self, job: Job, by: Any, ids: list[int]):
        self.job = job
        self.by = by
        self.ids = ids
        self.items: list[JobItem] = []
        self.counts = dict.fromkeys(CHUNK_OUTCOMES, 0)

    def lock(self) -> list[User]:
        """The accounts, fresh and locked, in the order of their ids. One that is gone is missing."""
        return list(
            User.objects.select_for_update(of=("self",)).filter(pk__in=self.ids).order_by("pk")
        )

    def changed(self, account: User, before: dict[str, Any] | None) -> None:
        """`account` as it is after the change; `before`: its changed fields as they were, as JSON
        can hold them.
        """
        self.put(JobItem.Outcome.CHANGED, account.pk, before=before, version=account.version)

    def skipped(self, account_id: int, reason: str | Remark) -> None:
        """Counts an account that is left alone for a good reason: unchanged, not allowed,
        protected. A reason that names somebody is a Remark.
        """
        remark = Remark(text=reason) if isinstance(reason, str) else reason
        text = remark.text[:REASON_MAX]
        self.put(JobItem.Outcome.SKIPPED, account_id, reason=text, **remark.columns())

    def failed(self, account_id: int, reason: str) -> None:
        """Counts an account that should have changed and did not. A retry includes it."""
        self.put(JobItem.Outcome.FAILED, account_id, reason=reason[:REASON_MAX])

    def unchanged(self, number: int = 1) -> None:
        """Had nothing to change; no item is written."""
        self.counts["unchanged"] += number

    def wrote(self, *, changed: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """For handlers that write the items themselves, by INSERT … SELECT into users_jobitem: how
        many.
        """
        for outcome, number in {"changed": changed, "skipped": skipped, "failed": failed}.items():
            self.counts[outcome] += number

    def put(self, outcome: JobItem.Outcome, account_id: int, **fields: Any) -> None:
        self.items.append(
            JobItem(job_id=self.job.pk, account_id=account_id, outcome=outcome, **fields)
        )
        self.counts[outcome] += 1

    def store(self) -> dict[str, Any]:
        """Writes the items; what the job's row has to be updated with. Raises Miscounted."""
        if sum(self.counts.values()) != len(self.ids):
            raise MiscountedChunk(
                f"{len(self.ids)} accounts were given, and {self.counts} came back"
            )
        JobItem.objects.bulk_create(self.items)
        added = {"selected": len(self.ids)} | self.counts
        return {name: F(name) + number for name, number in added.items() if number}


class MiscountedChunk(Exception):
    """A handler has not said of each account what became of it: a fault of the kind's code."""


@contextmanager
def job_origin(job: Job) -> Iterator[None]:
    """Events inside of it name the job, and the request that started it."""
    token = current_origin.set(Origin(**job.origin, job_id=job.pk))
    try:
        yield
    finally:
        current_origin.reset(token)


KINDS: dict[str, JobKind] = {}


def register_kind(kind: JobKind) -> JobKind:
    """Makes the kind known, in every process: call it at import, from a module that users.apps
    imports.
    """
    KINDS[kind.name] = kind
    return kind
