"""API tokens, and the number of requests that each has sent in the current minute."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from users.database.clock import current_time

NAME_MAX = 100


@dataclass(frozen=True)
class ProvisioningScope:
    """The limits of a token for provisioning, which creates and changes accounts of one source."""

    # The value of User.source.
    source: str
    # Of email addresses, in small letters; empty: any.
    domains: tuple[str, ...] = ()
    # IDs of the roles that it may give.
    role_ids: tuple[int, ...] = ()


class ApiToken(models.Model):
    """A token of a person or a service account. Only the digest of its text is stored.

    `holder_id` is not a foreign key: an erasure deletes the tokens of its person.
    """

    name = models.CharField(max_length=NAME_MAX)
    holder_id = models.BigIntegerField()
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of its text")
    hint = models.CharField(max_length=4, help_text="The last characters before the checksum")
    scopes = models.JSONField(default=list, help_text="Codenames of permissions")
    networks = models.JSONField(
        default=list, help_text="Networks in CIDR notation that may use it; empty: all"
    )
    rate = models.PositiveIntegerField(
        null=True, help_text="Requests in a minute; null: the setting of the installation"
    )
    provisioning = models.JSONField(null=True, help_text="Source, email domains and IDs of roles")
    created_at = models.DateTimeField(default=timezone.now)
    created_by_id = models.BigIntegerField()
    created_by_text = models.CharField(max_length=255)
    ends_at = models.DateTimeField()
    first_used_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="Updated at most once a minute")
    last_used_ip = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by_id = models.BigIntegerField(null=True)
    revoked_by_text = models.CharField(max_length=255, blank=True)
    # Not stored: the requests of the current minute, with the current one.
    used_requests = 0
    # Not stored here: the log position that its writes have reached.
    write_position = 0
    # Not stored: the holder as the viewer of a request, if loaded with the token.
    loaded_holder: Any = None

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["holder_id", "-id"], name="token_by_holder")]

    def __str__(self) -> str:
        return f"token {self.pk}: {self.name}"

    @property
    def is_live(self) -> bool:
        """Whether the token itself is neither revoked nor expired. Its holder may have ended."""
        return self.revoked_at is None and not self.has_ended

    @property
    def has_ended(self) -> bool:
        return self.ends_at <= current_time()

    @property
    def state_label(self) -> str:
        if self.revoked_at is not None:
            return "Revoked"
        return "Expired" if self.has_ended else "Active"

    @property
    def stopped_at(self) -> datetime:
        """When the token stops or stopped working by itself or by someone."""
        return min(self.ends_at, self.revoked_at or self.ends_at)

    @property
    def provisioning_scope(self) -> ProvisioningScope | None:
        """The limits of provisioning; None for a token that may not provision."""
        stored: dict[str, Any] | None = self.provisioning
        if not stored:
            return None
        return ProvisioningScope(
            source=stored["source"],
            domains=tuple(stored["domains"]),
            role_ids=tuple(stored["roles"]),
        )


class TokenMinute(models.Model):
    """How many requests a token has sent in one minute, the latest, and how far its writes have
    reached in the log of the database (users/tokens/read_position.py). One row for each token.
    """

    token = models.OneToOneField(
        ApiToken,
        on_delete=models.CASCADE,
        db_constraint=False,
        primary_key=True,
        related_name="+",
    )
    started_at = models.DateTimeField()
    used = models.PositiveIntegerField()
    position = models.BigIntegerField(
        null=True, help_text="The log position that the token's writes have reached"
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.used} requests since {self.started_at:%H:%M}"
