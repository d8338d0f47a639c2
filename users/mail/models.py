"""The outbox: a message is a row, written in the transaction that causes it."""

import uuid

from django.db import models
from django.utils import timezone


def make_message_id() -> str:
    return uuid.uuid4().hex


class Message(models.Model):
    """One mail to one account. The row holds no text and no link: both are made when it is sent, so no secret is stored."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", "Invitation"
        PASSWORD_RESET = "password-reset", "Password reset"
        SUSPENDED = "suspended", "Suspended"
        REINSTATED = "reinstated", "Reinstated"
        VERIFICATION = "verification", "Verification of the address"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Dropped"

    account = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, related_name="messages", db_index=False
    )  # its index is one of those below
    kind = models.CharField(max_length=32, choices=Kind.choices)
    to = models.CharField(max_length=254)
    message_id = models.CharField(max_length=32, default=make_message_id, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    is_bulk = models.BooleanField(default=False, db_default=False, help_text="One of many: what is for one person goes first")
    due_at = models.DateTimeField(default=timezone.now, help_text="Not sent before; moved on after a failure")
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["is_bulk", "due_at", "id"], name="message_in_turn", condition=models.Q(state="waiting")),
            models.Index(fields=["account", "-id"], name="message_by_account"),
            models.Index(fields=["account"], name="message_waiting_of_account", condition=models.Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to account {self.account_id}"
