"""Presence: who is viewing which account."""

from django.db import models


class Presence(models.Model):
    """A viewer who had an account open at `at`, and a form of it at `editing_at`.

    No cached page shows presence. Rows are obsolete after a minute, and may be lost.
    """

    account_id = models.BigIntegerField()
    viewer_id = models.BigIntegerField()
    at = models.DateTimeField()
    editing_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["account_id", "viewer_id"], name="presence_unique")
        ]

    def __str__(self) -> str:
        return f"{self.viewer_id} at {self.account_id}"
