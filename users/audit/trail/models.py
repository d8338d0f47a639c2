"""Blocks of events, with the tokens of their events."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class AuditBlock(models.Model):
    """The tokens of the events with a range of ids (users/audit/trail/blocks.py).

    On PostgreSQL an index finds the blocks that have certain tokens. SQLite has no rows here.
    """

    # The first id, divided by BLOCK_SIZE.
    number = models.BigIntegerField(primary_key=True)
    # Null while they have to be read again: an event of the block has changed.
    tokens = ArrayField(models.IntegerField(), null=True)
    position = models.BigIntegerField(help_text="End of the chain when the tokens were read")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["number"],
                name="audit_block_outdated",
                condition=models.Q(tokens__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"block {self.number}"
