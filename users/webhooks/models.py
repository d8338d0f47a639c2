"""The tables of webhooks: subscriptions, and the result of each delivery. A delivery has IDs but no
values of an account: its payload is built from the event whenever it is sent or shown.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

NAME_MAX = 100
HEAD_MAX = 500
ERROR_MAX = 300


class WebhookSubscription(models.Model):
    """A receiver, the events that it gets, and the cursors up to which they were read."""

    class Method(models.TextChoices):
        WEBHOOK = "webhook", "Webhook (Standard Webhooks)"
        PUSH = "push", "Security signals, sent to a URL (RFC 8935)"
        POLL = "poll", "Security signals, fetched by the receiver (RFC 8936)"

    class Subject(models.TextChoices):
        OPAQUE = "opaque", "Account ID"
        ISS_SUB = "iss_sub", "Account ID with this site as issuer"
        EMAIL = "email", "Email address"

    class Pause(models.TextChoices):
        NONE = "", "Not paused"
        STAFF = "staff", "Paused by staff"
        GONE = "gone", "Paused because the receiver is gone"

    name = models.CharField(max_length=NAME_MAX)
    method = models.CharField(max_length=10, choices=Method.choices)
    url = models.CharField(max_length=500, blank=True, help_text="Empty if the receiver polls")
    kinds = models.JSONField(default=list)
    with_values = models.BooleanField(default=False)
    subject = models.CharField(
        max_length=10, choices=Subject.choices, default=Subject.OPAQUE, help_text="Of signals"
    )
    audience = models.CharField(max_length=200, blank=True, help_text="Of signals")
    # Both encrypted. The previous one works until `previous_until`.
    secret = models.CharField(max_length=500)
    previous_secret = models.CharField(max_length=500, blank=True)
    previous_until = models.DateTimeField(null=True)
    owner_id = models.BigIntegerField(null=True)
    owner_text = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)
    pause = models.CharField(max_length=10, choices=Pause.choices, blank=True)
    paused_at = models.DateTimeField(null=True)
    # The chain position and the ID of the last event and sign-in that have deliveries.
    position = models.BigIntegerField(default=0)
    sign_in_id = models.BigIntegerField(default=0)
    # One worker delivers at a time. Each claim has a higher number, and a worker whose claim has
    # another number by now stores nothing.
    claim = models.BigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    # Pauses since the last success.
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=ERROR_MAX, blank=True)
    # What a request has begun and the worker finishes (users/webhooks/large_changes.py).
    replay_before = models.DateTimeField(
        null=True, help_text="Dead letters from before it are being queued again"
    )
    deleted_at = models.DateTimeField(null=True, help_text="Its deliveries are being deleted")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def sends(self) -> bool:
        """Whether Rollcall sends, and the receiver does not poll."""
        return self.method != self.Method.POLL

    @property
    def has_tokens(self) -> bool:
        """Whether events are security event tokens."""
        return self.method != self.Method.WEBHOOK


class WebhookDelivery(models.Model):
    """One event for one receiver. Among the waiting deliveries about an account, only the first has
    a `due_at`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Dead letter"

    class Source(models.TextChoices):
        EVENT = "event", "Audit event"
        SIGN_IN = "signin", "Sign-in"
        STAFF = "staff", "Test"
        RECEIVER = "receiver", "Verification"

    subscription = models.ForeignKey(
        WebhookSubscription, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    kind = models.CharField(max_length=40)
    source = models.CharField(max_length=10, choices=Source.choices)
    # The ID of the event or the sign-in.
    source_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    # The state that the receiver sent to get it back with the verification.
    echo = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField(null=True)
    head = models.CharField(max_length=HEAD_MAX, blank=True, help_text="Of the answer")
    error = models.CharField(max_length=ERROR_MAX, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["subscription", "-id"], name="webhook_newest"),
            models.Index(
                fields=["subscription", "-id"],
                name="webhook_dead",
                condition=Q(state="dead"),
            ),
            models.Index(
                fields=["subscription", "account_id", "id"],
                name="webhook_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(
                fields=["subscription", "due_at"],
                name="webhook_due",
                condition=Q(state="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"

    @property
    def message_id(self) -> str:
        """The ID that the receiver gets, the same in each attempt."""
        number = self.pk if self.source_id is None else self.source_id
        return f"{self.source}_{number}"
