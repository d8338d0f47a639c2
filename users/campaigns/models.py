"""Campaigns: an announcement to a set of accounts, and the templates that staff keep."""

from django.db import models
from django.db.models import Value
from django.utils import timezone

from users.mail.models import SUBJECT_MAX, Letter

NAME_MAX = 100


class EmailTemplate(models.Model):
    """A text with placeholders and markup, from which announcements are written."""

    name = models.CharField(max_length=NAME_MAX, unique=True)
    subject = models.CharField(max_length=SUBJECT_MAX)
    text = models.TextField(help_text="Markup with placeholders")
    translations = models.JSONField(
        default=dict, help_text="By language: an object with subject and text"
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by_id = models.BigIntegerField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Campaign(models.Model):
    """An announcement. Its text and how it is sent are those of its letter; its recipients are
    queued by its job.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        # Its job asks for approval, or adds the messages to the outbox.
        QUEUEING = "queueing", "Queueing"
        SENDING = "sending", "Sending"
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Finished"

    name = models.CharField(max_length=NAME_MAX)
    letter = models.OneToOneField(Letter, on_delete=models.PROTECT, related_name="campaign")
    template = models.ForeignKey(EmailTemplate, on_delete=models.SET_NULL, null=True)
    query = models.TextField(
        blank=True, help_text="The query of a selection: ids=…, or all=1 and a filter"
    )
    job_id = models.BigIntegerField(null=True, help_text="The job that queues its messages")
    state = models.CharField(
        max_length=10,
        choices=State.choices,
        default=State.DRAFT,
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    skipped = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        help_text="Number of skipped accounts by reason",
    )
    counts = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="State, fate and number of its messages, as of `counted_at`",
    )
    counted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="campaign_by_created"),
            models.Index(fields=["job_id"], name="campaign_by_job"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Whether messages are being added or sent, or wait."""
        return self.state in OPEN_STATES


OPEN_STATES = (Campaign.State.QUEUEING, Campaign.State.SENDING, Campaign.State.PAUSED)


class CampaignSample(models.Model):
    """The counts of a campaign at a time, for its plot. A later sample of the same span of time
    replaces the earlier one.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="samples", db_index=False
    )
    at = models.DateTimeField(help_text="The beginning of its span of time")
    counts = models.JSONField(help_text="State, fate and number, as in Campaign.counts")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["campaign", "at"], name="campaign_sample_once"),
        ]

    def __str__(self) -> str:
        return f"campaign {self.campaign_id} at {self.at}"
