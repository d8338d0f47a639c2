"""Pending redactions, the position of their scan, and reserved names."""

from typing import Any

from django.db import models
from django.utils import timezone


class Redaction(models.Model):
    """An erased account whose values may still occur in texts about other accounts.

    The row holds those values. It is deleted in the transaction that finishes the scan.
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
    """The position of the scan through all tables, in a single row.

    A scan searches for the values of all erasures that were waiting when it began.
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
        return self.place or "no scan"


class Reservation(models.Model):
    """A username or email address of an erased account that nobody may use again.

    It is stored as a keyed digest, so that a copy of the table reveals nothing.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    account_id = models.BigIntegerField(help_text="Of the erased account that had it")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"reserved for account {self.account_id}"
