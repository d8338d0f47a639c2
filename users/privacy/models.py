"""Which values of erased people are still to be taken out of other people's records, and how far
that is.
"""

from typing import Any

from django.db import models
from django.utils import timezone


class Redaction(models.Model):
    """An erased account whose values may still stand in what was written about others. The row
    holds those values, and goes in the transaction in which the last table has been looked through.
    """

    account_id = models.BigIntegerField(primary_key=True)
    values: Any = models.JSONField(
        default=dict, help_text="Search terms, normalised like the texts they are compared with"
    )
    since = models.DateTimeField(default=timezone.now)
    walking = models.BooleanField(
        default=False, help_text="Included in the current scan; otherwise in the next one"
    )
    records = models.PositiveIntegerField(default=0, help_text="Number of rows with a match so far")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"redaction of account {self.account_id}"


class RedactionWalk(models.Model):
    """One row: where the walk through all tables is. One walk seeks for all erasures that had
    waited for it.
    """

    place = models.CharField(
        max_length=40, blank=True, help_text="Table being scanned; empty between scans"
    )
    after: Any = models.JSONField(null=True, help_text="Primary key of the last scanned row")
    number = models.BigIntegerField(default=0, help_text="Incremented by each scan")
    claim = models.BigIntegerField(
        default=0,
        help_text="Fencing number of the scanning worker; a worker with another number stops",
    )
    busy_until = models.DateTimeField(default=timezone.now, help_text="End of the worker’s lease")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.place or "no walk"


class Reservation(models.Model):
    """A username or an address that nobody may take any more, as a keyed digest: who has the table
    alone learns nothing.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    account_id = models.BigIntegerField(help_text="Of the erased account that had it")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"reserved for account {self.account_id}"
