"""Removes the tokens of blocks in which an event has changed (users/audit/trail/blocks.py)."""

from collections.abc import Iterable

from django.db import connection

from users.audit.trail.models import AuditBlock

# Ids of a block. The blocks of a database have tokens for this size.
BLOCK_SIZE = 512


def outdate_blocks(ids: Iterable[int]) -> None:
    """Removes the tokens of the blocks of some events, which a worker then reads again. Whatever
    removes values of events calls it in its transaction.
    """
    if connection.vendor == "postgresql":
        numbers = {pk // BLOCK_SIZE for pk in ids}
        AuditBlock._default_manager.filter(number__among=numbers).update(tokens=None)
