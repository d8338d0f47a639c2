"""The outbox: a message is a row, inserted in the transaction that causes it."""

from functools import partial
from secrets import token_hex

from django.db import models
from django.utils import timezone

SUBJECT_MAX = 150
TEXT_MAX = 10_000


class Letter(models.Model):
    """The text of an email from staff to one person or many, stored once with its placeholders."""

    subject = models.CharField(max_length=SUBJECT_MAX)
    text = models.TextField(help_text="Plain text; empty after its deletion")
    is_bulk = models.BooleanField(default=False, help_text="Sent to many people")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"letter {self.pk}"


class Message(models.Model):
    """One mail to one account.

    The row holds neither text nor link. They are created when it is sent, so no secret is stored.
    """

    class Kind(models.TextChoices):
        INVITATION = "invitation", "Invitation"
        PASSWORD_RESET = "password-reset", "Password reset"
        STAFF_RESET = "staff-reset", "Password reset by staff"
        SUSPENDED = "suspended", "Suspended"
        REINSTATED = "reinstated", "Reinstated"
        VERIFICATION = "verification", "Email verification"
        ADDRESS_CHANGED = "address-changed", "Address changed"
        LETTER = "letter", "Email from staff"
        NEW_SUPERUSER = "new-superuser", "New superuser"
        ALARM = "alarm", "Alarm"

    class State(models.TextChoices):
        WAITING = "waiting", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not sent"
        # A bulk letter that may have been delivered, and is not sent again.
        UNKNOWN = "unknown", "Unknown"

    # Meta.indexes has an index that begins with it.
    account = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    kind = models.CharField(max_length=32, choices=Kind.choices)
    letter = models.ForeignKey(
        Letter,
        on_delete=models.PROTECT,
        null=True,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    about_id = models.BigIntegerField(
        null=True, help_text="The account that the message tells about, if it is another one"
    )
    to = models.CharField(max_length=254)
    message_id = models.CharField(
        max_length=32, default=partial(token_hex, 16), unique=True, editable=False
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    is_bulk = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Part of a bulk email; individual emails are sent first",
    )
    due_at = models.DateTimeField(
        default=timezone.now, help_text="Earliest time of the next attempt"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            # Even if its job is retried, nobody gets a letter twice.
            models.UniqueConstraint(
                fields=["letter", "account"],
                name="message_letter_once",
                condition=~models.Q(letter=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["is_bulk", "due_at", "id"],
                name="message_in_turn",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["account", "-id"], name="message_by_account"),
            models.Index(
                fields=["account"],
                name="message_waiting_of_account",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["created_at"],
                name="message_failed",
                condition=models.Q(state="failed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to account {self.account_id}"
