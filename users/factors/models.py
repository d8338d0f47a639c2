"""When the grace period of an account began, in which it needs no second factor yet."""

from django.db import models


class GracePeriod(models.Model):
    """The start of the grace period of a staff account without a second factor.

    `account_id` is not a foreign key, so that a page of the account does not wait for a lock on its
    row.
    """

    account_id = models.BigIntegerField(primary_key=True)
    started_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"grace period of account {self.account_id}"
