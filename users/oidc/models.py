"""The links between accounts and identities at an OpenID Connect provider."""

from django.db import models
from django.utils import timezone

# OpenID Connect Core 1.0, section 2: at most 255 ASCII characters.
SUBJECT_MAX = 255
ISSUER_MAX = 255


class OidcLink(models.Model):
    """An identity that may sign in to an account: what the provider calls issuer and subject.

    `account_id` is not a foreign key, so that signing in does not wait for a lock on the account's
    row.
    """

    issuer = models.CharField(max_length=ISSUER_MAX)
    subject = models.CharField(max_length=SUBJECT_MAX)
    account_id = models.BigIntegerField()
    linked_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    factor_at = models.DateTimeField(
        null=True, help_text="When the provider last claimed a second factor at a sign-in"
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="oidclink_subject"),
            models.UniqueConstraint(fields=["account_id", "issuer"], name="oidclink_account"),
        ]

    def __str__(self) -> str:
        return f"link of account {self.account_id}"
