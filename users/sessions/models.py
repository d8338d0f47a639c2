"""Sessions with their owners, and attempts to sign in."""

from importlib import import_module
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import DatabaseError, models
from django.db.models import Q
from django.utils import timezone

# Characters of a User-Agent header that are stored; browsers send about 120.
AGENT_MAX = 200


class Session(AbstractBaseSession):
    """A session, with its owner and the origin of its last request.

    Pages and URLs use `public_id`, because the session key grants access. `account_id` is not a
    foreign key, so that signing in does not wait for a lock on the account's row.
    """

    public_id = models.UUIDField(default=uuid4, editable=False)
    account_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(
        default=timezone.now, help_text="Updated at most once every five minutes"
    )
    ip = models.GenericIPAddressField(null=True, help_text="IP address of the last request")
    user_agent = models.CharField(max_length=AGENT_MAX, blank=True)
    # The ID of the owner as the request has loaded it, as text; no column.
    loaded_owner_id: str | None = None

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["account_id", "expire_date"],
                name="session_of_account",
                condition=Q(account_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.public_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves the session. Updates leave its origin and creation time unchanged. Raises
        DatabaseError if it has ended since it was loaded.
        """
        if not kwargs.get("force_update"):
            super().save(*args, **kwargs)
            return
        rows = Session.objects.filter(pk=self.pk)
        if self.loaded_owner_id:
            rows = rows.filter(account_id=int(self.loaded_owner_id))
        names = ("session_data", "expire_date", "account_id")
        if not rows.update(**{name: getattr(self, name) for name in names}):
            raise DatabaseError("The session has ended.")

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore


class SignInMethod(models.TextChoices):
    PASSWORD = "password", "Password"
    RESET_LINK = "reset-link", "Reset link"
    INVITATION = "invitation", "Invitation"
    APP = "app", "Authenticator app"
    RECOVERY_CODE = "recovery", "Recovery code"
    PASSKEY = "passkey", "Passkey"
    OIDC = "oidc", "OpenID Connect"


class SignInOutcome(models.TextChoices):
    OK = "ok", "Signed in"
    PASSWORD_CHOSEN = "chosen", "Chose a password"
    WRONG_PASSWORD = "wrong-password", "Wrong password"
    WRONG_FACTOR = "wrong-factor", "Wrong code or passkey"
    PROVIDER_ONLY = "provider-only", "Must sign in with OpenID Connect"
    OIDC_REFUSED = "oidc-refused", "OpenID Connect failed"
    NOT_LINKED = "not-linked", "No account linked"
    UNKNOWN = "unknown", "No such account"
    INVITED = "invited", "Invited, no password yet"
    NO_PASSWORD = "no-password", "No password set"
    BAD_HASH = "bad-hash", "Stored password can’t be read"
    SUSPENDED = "suspended", "Suspended"
    ENDED = "ended", "Account expired"
    DELETED = "deleted", "Deleted"
    ERASED = "erased", "Erased"
    THROTTLED = "throttled", "Locked after failed attempts"
    IP_THROTTLED = "crowded", "Too many requests from this IP address"
    INVALID_LINK = "dead-link", "Link already used or expired"


class SignInEvent(models.Model):
    """One attempt to sign in, and its outcome.

    It is written by one INSERT outside of a transaction, so it survives a later failure. The table
    is designed for fifty million rows, with three indexes and no foreign key. `typed` is a keyed
    digest of a name that no account has, so that staff can check whether somebody tried it.
    """

    at = models.DateTimeField(default=timezone.now)
    account_id = models.BigIntegerField(null=True)
    way = models.CharField(
        max_length=12, choices=SignInMethod.choices, default=SignInMethod.PASSWORD
    )
    outcome = models.CharField(max_length=16, choices=SignInOutcome.choices)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=AGENT_MAX, blank=True)
    typed = models.CharField(
        max_length=32, blank=True, help_text="Keyed digest of a name that matches no account"
    )
    device = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="Keyed digest of the browser’s random token, of attempts that succeeded",
    )

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["account_id", "-id"],
                name="signin_by_account",
                condition=Q(account_id__isnull=False),
            ),
            models.Index(
                fields=["typed", "-id"],
                name="signin_by_typed",
                condition=~Q(typed=""),
            ),
            models.Index(
                fields=["ip", "outcome", "account_id"],
                name="signin_by_ip",
                # Queries by account can't use it, since this does not follow from theirs.
                condition=Q(ip__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.at:%Y-%m-%d %H:%M}"

    @property
    def succeeded(self) -> bool:
        return self.outcome in (SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN)


class GracePeriod(models.Model):
    """The start of the grace period of a staff account, in which it needs no second factor yet
    (users/factors/policy.py). It is here because it is read with the viewer.

    `account_id` is not a foreign key, so that a page of the account does not wait for a lock on its
    row.
    """

    account_id = models.BigIntegerField(primary_key=True)
    started_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"grace period of account {self.account_id}"
