"""The tables of the feeds. They hold positions and IDs, and nothing of an event."""

from django.db import models

from users.audit.models import AuditEvent


class Feed(models.Model):
    """How far one receiver has got the sealed events, and what went wrong last."""

    name = models.CharField(max_length=20, unique=True)
    # The chain position of the last event that is done.
    position = models.BigIntegerField(default=0)
    # One worker sends at a time. Each claim has a higher number, and a worker whose claim has
    # another number by now stores nothing.
    claim = models.BigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    # Failed attempts since the last success, and refusals of the next event among them.
    attempts = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} {self.position}"


class DeadLetter(models.Model):
    """An event that a receiver has refused too often. The feed went on without it."""

    feed = models.ForeignKey(
        Feed,
        on_delete=models.CASCADE,
        related_name="dead_letters",
        db_index=False,
    )
    event = models.ForeignKey(
        AuditEvent,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    at = models.DateTimeField()
    error = models.CharField(max_length=300)
    # Somebody wants it sent again.
    is_due = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["feed", "event"], name="dead_letter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.feed_id} {self.event_id}"
