"""Campaigns: an announcement to a set of accounts, and the templates that staff keep."""

from django.db import models
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
        DONE = "done", "Sent"

    name = models.CharField(max_length=NAME_MAX)
    letter = models.OneToOneField(Letter, on_delete=models.PROTECT, related_name="campaign")
    template = models.ForeignKey(EmailTemplate, on_delete=models.SET_NULL, null=True)
    query = models.TextField(blank=True, help_text="The filter of its recipients")
    job_id = models.BigIntegerField(null=True, help_text="The job that queues its messages")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="campaign_by_created"),
            models.Index(fields=["job_id"], name="campaign_by_job"),
        ]

    def __str__(self) -> str:
        return self.name
