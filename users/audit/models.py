"""The audit event: a row that is written once and never changed."""

from django.db import models
from django.utils import timezone


class AuditEvent(models.Model):
    """What was done, by whom, to whom. Append-only by trigger; only the empty chain columns may be filled, once.

    Actor and target are kept as id and as text, without a foreign key: the trail outlives what it speaks of.
    `before` and `after` hold only the fields that changed.
    """

    at = models.DateTimeField(default=timezone.now)
    actor_id = models.BigIntegerField(null=True)
    actor_text = models.CharField(max_length=255)
    action = models.CharField(max_length=64)
    target_id = models.BigIntegerField(null=True)
    target_text = models.CharField(max_length=255, blank=True)
    target_version = models.PositiveIntegerField(null=True, help_text="The version that the change made")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=100, blank=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    job_id = models.BigIntegerField(null=True)

    # The chain. A sealing task fills these in order; until then they are null.
    chain_position = models.BigIntegerField(null=True, unique=True)
    chain_salt = models.BinaryField(max_length=16, null=True)
    chain_previous = models.BinaryField(max_length=32, null=True)
    chain_hash = models.BinaryField(max_length=32, null=True)

    class Meta:
        default_permissions = ()
        permissions = [("view_auditevent", "Can see the audit trail")]
        indexes = [
            # Newest first is by id: ids follow the order of writing.
            models.Index(fields=["target_id", "-id"], name="audit_by_target"),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_text}"
