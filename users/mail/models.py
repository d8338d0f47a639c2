"""The outbox: a message is a row, inserted in the transaction that causes it."""

from functools import partial
from secrets import token_hex

from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

SUBJECT_MAX = 150
TEXT_MAX = 10_000


class Letter(models.Model):
    """The text of an email from staff to one person or many, stored once with its placeholders, and
    how a bulk letter is sent.
    """

    subject = models.CharField(max_length=SUBJECT_MAX)
    text = models.TextField(help_text="Plain text or markup; empty after its deletion")
    is_bulk = models.BooleanField(default=False, help_text="Sent to many people")
    has_markup = models.BooleanField(default=False, db_default=False)
    translations = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        help_text="By language: an object with subject and text",
    )
    paused_at = models.DateTimeField(null=True, help_text="Nothing is sent while it is set")
    not_before = models.DateTimeField(null=True, help_text="When sending begins")
    hours = models.JSONField(
        null=True, help_text="Daily window: an object with from, to (HH:MM) and zone"
    )
    per_minute = models.PositiveIntegerField(null=True, help_text="Limit of emails in a minute")
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
        FACTOR_ADDED = "factor-added", "Second factor added"
        FACTOR_REMOVED = "factor-removed", "Second factor removed"
        RECOVERY_CODES = "recovery-codes", "New recovery codes"
        NEW_DEVICE = "new-device", "Sign-in on a new device"
        LETTER = "letter", "Email from staff"
        OIDC_LINKED = "oidc-linked", "Single sign-on linked"
        OIDC_UNLINKED = "oidc-unlinked", "Single sign-on unlinked"
        BREAK_GLASS = "break-glass", "Break-glass account used"
        NEW_SUPERUSER = "new-superuser", "New administrator"
        ROLE_REQUESTED = "role-requested", "Role request"
        REVIEW_ESCALATED = "review-escalated", "Access review escalated"
        ALARM = "alarm", "Alarm"
        HEAVY_USE = "heavy-use", "Heavy use of personal data"
        # To those who accept announcements. At most once, like every bulk letter.
        ANNOUNCEMENT = "announcement", "Announcement"
        # An announcement that staff send to themselves before they send it to others.
        TEST = "test", "Test email"

    class State(models.TextChoices):
        WAITING = "waiting", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not sent"
        # A bulk letter that may have been delivered, and is not sent again.
        UNKNOWN = "unknown", "Unknown"

    class Fate(models.TextChoices):
        """The fate of a sent email, by the provider's events. Later values rank higher."""

        NONE = "", "No delivery report"
        DEFERRED = "deferred", "Delayed"
        SOFT_BOUNCED = "soft-bounced", "Soft bounce"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Hard bounce"
        COMPLAINED = "complained", "Reported as spam"

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
    error = models.TextField(blank=True, help_text="That of the last attempt")
    waiting_reason = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Why it waits, other than for the pause after an attempt",
    )
    fate = models.CharField(
        max_length=12, choices=Fate.choices, default=Fate.NONE, db_default="", blank=True
    )
    fate_at = models.DateTimeField(null=True)
    provider_id = models.CharField(
        max_length=200, default="", db_default="", blank=True, help_text="The provider's message id"
    )

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
            # The next messages of one bulk letter: a paused letter holds up no other.
            models.Index(
                fields=["letter", "due_at", "id"],
                name="message_waiting_of_letter",
                condition=models.Q(state="waiting", is_bulk=True),
            ),
            models.Index(
                fields=["letter", "state", "fate", "id"],
                name="message_by_letter_fate",
                condition=models.Q(letter__isnull=False),
            ),
            models.Index(
                fields=["provider_id"],
                name="message_by_provider_id",
                condition=~models.Q(provider_id=""),
            ),
            models.Index(Lower("to"), models.F("id"), name="message_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to account {self.account_id}"


class DeliveryEvent(models.Model):
    """A report of a provider about a message. Stored as it arrives, and applied by a worker."""

    class Kind(models.TextChoices):
        DEFERRED = "deferred", "Delayed"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Reported as spam"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"

    key = models.CharField(
        max_length=64, unique=True, help_text="Digest of the event's id or of its contents"
    )
    provider = models.CharField(max_length=20)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    is_permanent = models.BooleanField(default=False, help_text="A bounce that stays")
    message_id = models.CharField(
        max_length=32, blank=True, help_text="Message.message_id, which travels as metadata"
    )
    provider_id = models.CharField(max_length=200, blank=True)
    recipient = models.CharField(max_length=254, blank=True)
    detail = models.CharField(max_length=500, blank=True, help_text="The server's reply")
    at = models.DateTimeField(help_text="By the provider's clock")
    received_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["id"],
                name="delivery_event_unapplied",
                condition=models.Q(applied_at=None),
            ),
            models.Index(fields=["received_at"], name="delivery_event_by_age"),
            models.Index(
                fields=["message_id"],
                name="delivery_event_by_message",
                condition=~models.Q(message_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.provider}"


class Suppression(models.Model):
    """An address that does not get some or all emails, stored as a keyed digest so that it survives
    an erasure. See `suppressions.RESPECTED_SOURCES`.
    """

    class Source(models.TextChoices):
        INVALID = "invalid", "Hard bounce"
        COMPLAINT = "complaint", "Reported as spam"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        STAFF = "staff", "Added by staff"
        IMPORT = "import", "Imported"

    digest = models.CharField(max_length=64, help_text="Keyed digest of the address")
    account_id = models.BigIntegerField(
        null=True, help_text="The account that had the address then; none after its erasure"
    )
    source = models.CharField(max_length=12, choices=Source.choices)
    reason = models.TextField(blank=True)
    until = models.DateTimeField(null=True, help_text="When it ends; none: never")
    created_at = models.DateTimeField(default=timezone.now)
    created_by_id = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["digest", "source"], name="suppression_once"),
        ]
        indexes = [
            models.Index(
                fields=["account_id", "-id"],
                name="suppression_by_account",
                condition=models.Q(account_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} suppression {self.pk}"


class SendingLimit(models.Model):
    """The state of one rate limit, shared by all workers."""

    key = models.CharField(max_length=270, primary_key=True)
    ready_at = models.DateTimeField(help_text="When the next email may be sent")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


class MailServer(models.Model):
    """The circuit breaker of the mail server: one row, which all workers share."""

    failures = models.PositiveIntegerField(default=0, help_text="Since the last email that left")
    error = models.TextField(blank=True)
    failed_at = models.DateTimeField(null=True, help_text="When sending stopped")
    probe_at = models.DateTimeField(
        null=True, help_text="When a worker tries again; none: emails are sent"
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"mail server {self.pk}"
