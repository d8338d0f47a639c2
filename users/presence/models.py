"""Who has which account open."""

from django.db import models


class Presence(models.Model):
    """A viewer who had an account open at `at`, and a form of it at `editing_at`. Soft: no page is
    kept that shows it, a row that is older than a minute says nothing, and losing them all loses
    nothing.
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
