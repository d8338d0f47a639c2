"""The log of SCIM requests, and the IDs of roles in provisioning sources. The log has IDs and names
of attributes, and no value of an account.
"""

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

from users.identifiers import SOURCE_ID_MAX, SOURCE_MAX

PATH_MAX = 200
ERROR_MAX = 500


class ProvisioningRequest(models.Model):
    """One request of an identity provider, and what became of it."""

    at = models.DateTimeField(default=timezone.now)
    token_id = models.BigIntegerField()
    source = models.CharField(max_length=255)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=PATH_MAX, help_text="Without values")
    status = models.PositiveSmallIntegerField()
    milliseconds = models.PositiveIntegerField()
    error = models.CharField(max_length=ERROR_MAX, blank=True, help_text="Without values")
    account_id = models.BigIntegerField(null=True)
    dry_run = models.BooleanField(default=False)
    body = models.JSONField(null=True, help_text="Names of attributes, without their values")
    request_id = models.CharField(max_length=64, blank=True)
    event_count = models.IntegerField(
        null=True, help_text="Audit events of a request that is about no single account"
    )
    first_event_id = models.BigIntegerField(null=True)
    last_event_id = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["-id"],
                name="provisioning_failed",
                condition=Q(status__gte=400),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def has_failed(self) -> bool:
        return self.status >= 400


class ProvisionedRole(models.Model):
    """The externalId of a role in one source, which sees the role as a SCIM group."""

    source = models.CharField(max_length=SOURCE_MAX)
    role = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="provisioned",
    )
    external_id = models.CharField(max_length=SOURCE_ID_MAX)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["source", "role"],
                name="provisionedrole_once",
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"],
                name="provisionedrole_external_id",
            ),
        ]

    def __str__(self) -> str:
        return f"role {self.role_id} of {self.source}"
