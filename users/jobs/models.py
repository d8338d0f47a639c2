"""Long work as rows: what is to be done, how far it is, and what became of each account; and what
the workers leave behind.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class WorkerBeat(models.Model):
    """One row per cluster: the last time that a task of ours ran there."""

    cluster = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.cluster


PENDING_STATES = ["waiting", "queued", "running", "paused", "parked"]


class Job(models.Model):
    """One piece of work over many accounts, done in chunks in the order of their ids.

    The row is the truth: whoever holds its lock and has its attempt number works it, and nobody
    else. It changes only under that lock. Moments that decide (heartbeat_at, due_at) are the
    database's own, since the clocks of hosts differ.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for approval"
        QUEUED = "queued", "Queued"  # its turn comes, for the first time or again
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        PARKED = (
            "parked",
            "Stopped after errors",
        )  # stopped by itself, with `note` saying why; somebody may resume it
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"

    class Priority(models.IntegerChoices):
        HIGH = 0
        NORMAL = 1
        LOW = 2

    kind = models.CharField(max_length=40)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="jobs",
        db_index=False,
    )  # its index is one of those below
    by_text = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    origin = models.JSONField(
        default=dict, help_text="Of the request that started it, for its events"
    )

    # What it is about, frozen.
    selection = models.TextField(
        blank=True, help_text="A query string, never a list that grows with the selection"
    )
    words = models.TextField(blank=True, help_text="The selection in words")
    parameters = models.JSONField(default=dict, help_text="Without secrets")
    up_to = models.BigIntegerField(
        default=0, help_text="The highest id as of `as_of`; accounts made later are left out"
    )
    as_of = models.DateTimeField(default=timezone.now)
    expected = models.BigIntegerField(
        null=True, help_text="How many accounts were selected at the start, where that is known"
    )
    frozen = models.CharField(
        max_length=100,
        blank=True,
        help_text="Fingerprint of the accounts that approval was asked for",
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")

    # How far it is.
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    note = models.TextField(blank=True, help_text="Why it stands still")
    cursor = models.BigIntegerField(
        default=0, help_text="All selected accounts up to this id are done"
    )
    selected = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)

    # Who works it.
    attempt = models.PositiveIntegerField(
        default=0, help_text="Counted with each claim; a worker with an older one is stale"
    )
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="Attempts since something was stored, counted before"
    )
    heartbeat_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(
        default=timezone.now, help_text="Whose is the earliest has the next turn"
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    size = models.PositiveIntegerField(
        default=0, help_text="Accounts in the next chunk; 0: not known yet"
    )
    rate = models.FloatField(default=0, help_text="Accounts per second of late")

    key = models.CharField(
        max_length=64,
        blank=True,
        help_text="Chosen by whoever asks: the same key again is the same job",
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True, help_text="When its before-images were removed")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint("by", "key", name="job_key_unique", condition=~Q(key="")),
            models.CheckConstraint(
                name="job_counts_reconcile",
                condition=Q(selected=F("changed") + F("skipped") + F("failed") + F("unchanged")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="job_open", condition=Q(state__in=["queued", "running"])
            ),
            models.Index(fields=["by", "-id"], name="job_by_starter"),
            models.Index(
                fields=["by"],
                name="job_pending_of",
                condition=Q(state__in=["waiting", "queued", "running", "paused", "parked"]),
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED_STATES

    @property
    def took(self) -> timedelta:
        """From its first chunk to its end."""
        return max(
            (self.ended_at or timezone.now()) - (self.started_at or self.created_at), timedelta()
        )

    @property
    def fraction(self) -> float:
        """How much of it is done, from 0 to 1: of the accounts, or of the ids where nobody knows
        how many there are.
        """
        if self.state == Job.State.DONE:
            return 1.0
        done, whole = (self.selected, self.expected) if self.expected else (self.cursor, self.up_to)
        return min(done / whole, 1.0) if whole else 0.0

    @property
    def time_left(self) -> timedelta | None:
        if not self.expected or not self.rate:
            return None
        return timedelta(seconds=max(self.expected - self.selected, 0) / self.rate)


ENDED_STATES = (Job.State.CANCELLED, Job.State.DONE)
OPEN_STATES = (Job.State.QUEUED, Job.State.RUNNING)


class JobItem(models.Model):
    """What became of one account in one job. Those that a job left as they were are only counted.

    There may be a million for a job: one index, and no foreign keys for the database to look up
    (account and job are locked in the transaction that writes it).
    """

    class Outcome(models.TextChoices):
        CHANGED = "changed", "Changed"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Failed"

    pk = models.CompositePrimaryKey("job_id", "account_id")
    job = models.ForeignKey(
        Job, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="items"
    )
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.CharField(max_length=500, blank=True)
    before: Any = models.JSONField(
        null=True, help_text="The changed fields as they were; null once it is forgotten"
    )
    version = models.PositiveIntegerField(null=True, help_text="Of the account after the change")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["job", "outcome", "account"],
                name="job_items_left_out",
                condition=~Q(outcome="changed"),
            )
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} in job {self.job_id}"


class JobLine(models.Model):
    """A line of a job's log: what happened to the job, and not to accounts."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.text
