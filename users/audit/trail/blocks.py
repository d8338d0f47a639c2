"""Keeps the tokens of blocks of events, on PostgreSQL.

A block holds the events whose ids are a range of BLOCK_SIZE. A worker writes its tokens once no
event of it is still to be committed. Three kinds of blocks have no valid tokens, and are read in
any case (finder.py): newer ones, those in which an event has changed or was sealed late, whose
tokens are null, and those with an unsealed event.

The tokens are no part of the write of an event. An index on the events would cost twice: sealing
updates each event, which adds an entry to every index of the table.
"""

import time

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet, TextField
from django.db.models.functions import Cast

from users.audit.chain import lock_chain_head
from users.audit.models import AuditEvent, ChainHead
from users.audit.trail.models import AuditBlock
from users.audit.trail.outdated_blocks import BLOCK_SIZE
from users.audit.trail.tokens import TOKEN_COLUMNS, tokens_of_rows

# Blocks that one transaction reads and one statement writes.
BLOCKS_PER_BATCH = 10


def index_blocks(seconds: float = 15) -> int:
    """Writes the tokens of new and outdated blocks for about `seconds`, and returns the number of
    blocks.
    """
    if connection.vendor != "postgresql":
        return 0
    head = ChainHead._default_manager.first()
    if head is None:
        return 0
    deadline = time.monotonic() + seconds
    written = 0
    while time.monotonic() < deadline:
        numbers = blocks_to_index(head)
        if not numbers:
            break
        write_blocks(numbers)
        written += len(numbers)
    return written


def blocks_to_index(head: ChainHead) -> list[int]:
    """Returns the numbers of some outdated blocks, or else of the next new ones."""
    outdated = AuditBlock._default_manager.filter(tokens__isnull=True).order_by("number")
    if numbers := list(outdated.values_list("number", flat=True)[:BLOCKS_PER_BATCH]):
        return numbers
    start = next_block()
    end = (head.settled_id + 1) // BLOCK_SIZE
    return list(range(start, min(end, start + BLOCKS_PER_BATCH)))


def next_block() -> int:
    """Returns the number of the first block that has never been indexed."""
    newest = AuditBlock._default_manager.aggregate(number=Max("number"))["number"]
    if newest is not None:
        return newest + 1
    first = AuditEvent.objects.aggregate(pk=Min("pk"))["pk"]
    return (first or 0) // BLOCK_SIZE


@transaction.atomic
def write_blocks(numbers: list[int]) -> None:
    """Reads the events of blocks and writes their tokens.

    An erasure locks the head of the chain too, so no token of a value that it removes is written
    after it.
    """
    head = lock_chain_head()
    AuditBlock._default_manager.bulk_create(
        build_blocks(numbers, head.position),
        update_conflicts=True,
        update_fields=["tokens", "position"],
        unique_fields=["number"],
    )


def build_blocks(numbers: list[int], position: int) -> list[AuditBlock]:
    """Returns blocks with the tokens of their events, not stored yet."""
    rows = []
    for number in numbers:
        first = number * BLOCK_SIZE
        events = AuditEvent.objects.filter(pk__range=(first, first + BLOCK_SIZE - 1))
        row = AuditBlock(
            number=number,
            tokens=sorted(tokens_of_events(events)),
            position=position,
        )
        rows.append(row)
    return rows


def tokens_of_events(events: QuerySet[AuditEvent]) -> set[int]:
    """Returns the tokens that at least one of the events has."""
    texts = {name: Cast(name, TextField()) for name in ("before", "after")}
    # Instances of the model and decoded JSON of each event would take longer than the tokens.
    columns = [texts.get(name, name) for name in TOKEN_COLUMNS]
    return tokens_of_rows(events.values_list(*columns))
