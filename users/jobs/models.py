"""Jobs, their results for each account, their logs, and the heartbeats of the workers."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from users.jobs.remarks import PARKED_CODES, PARKED_LINE, Remark, compose_sentence
from users.models import User


class WorkerBeat(models.Model):
    """The last time at which a cluster ran a task of Rollcall: one row per cluster."""

    cluster = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.cluster


class ScheduledRun(models.Model):
    """The last run of a scheduled task: one row per task."""

    task = models.CharField(max_length=100, primary_key=True)
    ended_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, help_text="When it last ended without an error")
    seconds = models.FloatField()
    error = models.CharField(
        max_length=100, blank=True, help_text="The type of the exception that ended the last run"
    )
    durations = models.JSONField(default=list, help_text="Seconds of the newest runs, newest last")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.task


PENDING_STATES = ["waiting", "queued", "running", "paused", "parked"]


class Job(models.Model):
    """Long work over many accounts, done in chunks by ascending account ID.

    A worker may work on the job while it holds the lock of the row and the row has the attempt
    number of its claim. The row changes only under that lock. heartbeat_at and due_at are set by
    the clock of the database, since the clocks of hosts differ.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for approval"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        # `note` says why. Someone has to resume the job.
        PARKED = "parked", "Stopped after errors"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"

    class Priority(models.IntegerChoices):
        HIGH = 0
        NORMAL = 1
        LOW = 2

    kind = models.CharField(max_length=40)
    # The indexes of Meta begin with this column.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="jobs",
        db_index=False,
    )
    by_text = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    ticket = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
    )
    origin = models.JSONField(
        default=dict, help_text="Origin of the request that started the job, for its events"
    )
    # A column of its own: workers of an earlier release read all of `origin`.
    session_id = models.UUIDField(
        null=True, help_text="Public ID of the session that started the job, for its events"
    )

    permissions = models.JSONField(
        null=True,
        help_text="The permissions of the API token that started the job, which limit it;"
        " null if a person started it",
    )
    token_id = models.BigIntegerField(
        null=True, help_text="The API token that started the job; null if a person started it"
    )

    # The task. These columns do not change after the start.
    selection = models.TextField(
        blank=True, help_text="A query string; its length does not depend on the number of accounts"
    )
    words = models.TextField(blank=True, help_text="The selection in words")
    parameters = models.JSONField(default=dict, help_text="Never secrets")
    up_to = models.BigIntegerField(
        default=0,
        help_text="The highest account ID at `as_of`; accounts created later are not included",
    )
    as_of = models.DateTimeField(default=timezone.now)
    expected = models.BigIntegerField(
        null=True, help_text="Number of selected accounts at the start, if known"
    )
    planned = models.BigIntegerField(
        null=True, help_text="Number of accounts that were to change by the preview, if known"
    )
    frozen = models.CharField(
        max_length=100,
        blank=True,
        help_text="Fingerprint of the accounts that are to be approved",
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="children",
    )

    # Progress.
    state = models.CharField(
        max_length=10,
        choices=State.choices,
        default=State.QUEUED,
    )
    note_line = models.ForeignKey(
        "JobLine",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The log line that says why the job has stopped",
    )
    cursor = models.BigIntegerField(
        default=0, help_text="All selected accounts up to this id are done"
    )
    selected = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)

    # The worker and the queue.
    attempt = models.PositiveIntegerField(
        default=0,
        help_text="Incremented by each claim; a worker with a lower number has lost the job",
    )
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="Attempts since the last stored chunk, including the current one"
    )
    heartbeat_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(
        default=timezone.now, help_text="The job with the earliest time is worked on next"
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    size = models.PositiveIntegerField(
        default=0, help_text="Accounts in the next chunk; 0 if not known yet"
    )
    rate = models.FloatField(
        default=0, help_text="Accounts per second, averaged over recent chunks"
    )

    key = models.CharField(
        max_length=64,
        blank=True,
        help_text="Chosen by the caller; the same key returns the same job",
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
                condition=Q(state__in=PENDING_STATES),
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED_STATES

    @property
    def note(self) -> str:
        """The sentence that says why the job has stopped; "" if it has not."""
        return self.note_line.note if self.note_line else ""

    @property
    def duration(self) -> timedelta:
        """The time from the first chunk to the end, or until now."""
        start = self.started_at or self.created_at
        end = self.ended_at or timezone.now()
        return max(end - start, timedelta())

    @property
    def fraction(self) -> float:
        """The completed part, from 0 to 1: of the expected accounts, or of the range of IDs if the
        number of accounts is unknown.
        """
        if self.state == Job.State.DONE:
            return 1.0
        if self.expected:
            return min(self.selected / self.expected, 1.0)
        return min(self.cursor / self.up_to, 1.0) if self.up_to else 0.0

    @property
    def time_left(self) -> timedelta | None:
        """The estimated time to the end; None without a number of accounts or a rate."""
        if not self.expected or not self.rate:
            return None
        left = max(self.expected - self.selected, 0)
        return timedelta(seconds=left / self.rate)


ENDED_STATES = (Job.State.CANCELLED, Job.State.DONE)
OPEN_STATES = (Job.State.QUEUED, Job.State.RUNNING)


class RemarkRow(models.Model):
    """The columns of a Remark (users/jobs/remarks.py), except for its text, for which subclasses
    have a column.
    """

    # With a default in the database, since INSERT … SELECT statements omit this column.
    code = models.CharField(
        max_length=30,
        blank=True,
        default="",
        db_default="",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="The account that the sentence names",
    )
    details: Any = models.JSONField(null=True, help_text="Numbers, times and codes")

    class Meta:
        abstract = True

    def compose(self, text: str) -> str:
        """Returns the sentence with the current name of the actor."""
        remark = Remark(self.code, self.actor_id, self.details, text)
        return compose_sentence(remark, self.known_actor)

    @property
    def known_actor(self) -> User | None:
        """The account of the actor; None if there is none or it no longer exists."""
        try:
            return self.actor
        except ObjectDoesNotExist:
            return None


class JobItem(RemarkRow):
    """The result for one account in one job. Unchanged accounts are only counted.

    A job may have a million items, so the table has one index and no foreign key constraints. The
    transaction that writes an item holds the locks of its account and its job.
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
    reason = models.CharField(
        max_length=500,
        blank=True,
        help_text="The text of the remark; the whole reason if there is no code",
    )
    before: Any = models.JSONField(
        null=True, help_text="The changed fields before the change; null once forgotten"
    )
    version = models.PositiveIntegerField(
        null=True, help_text="Version of the account after the change"
    )

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["job", "outcome", "account"], name="job_items_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} in job {self.job_id}"

    @property
    def sentence(self) -> str:
        """The reason why the account was skipped or failed."""
        return self.compose(self.reason)


class JobLine(RemarkRow):
    """A line of a job's log: something that happened to the job, not to its accounts."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True, help_text="Text that a person typed, or an exception")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.sentence

    @property
    def note(self) -> str:
        """The sentence as the note of the job."""
        return self.compose(self.text)

    @property
    def sentence(self) -> str:
        """The sentence as the log shows it."""
        return PARKED_LINE.format(self.note) if self.code in PARKED_CODES else self.note
