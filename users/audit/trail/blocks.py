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
from django.db.models import F, Max, Min

from users.audit.chain import lock_chain_head
from users.audit.models import AuditEvent, ChainHead
from users.audit.trail.models import AuditBlock
from users.audit.trail.outdated_blocks import BLOCK_SIZE
from users.audit.trail.tokens import event_tokens

# Blocks that one statement reads and one writes.
BLOCKS_PER_BATCH = 10
TOKEN_FIELDS = (
    "action",
    "actor_id",
    "target_id",
    "job_id",
    "before",
    "after",
    "reason",
    "ticket",
    "user_agent",
    "ip",
)


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
    tokens: dict[int, set[int]] = {number: set() for number in numbers}
    for event in events_of_blocks(numbers).only(*TOKEN_FIELDS):
        tokens[event.pk // BLOCK_SIZE] |= event_tokens(event)
    rows = []
    for number, found in tokens.items():
        row = AuditBlock(
            number=number,
            tokens=sorted(found),
            position=head.position,
        )
        rows.append(row)
    AuditBlock._default_manager.bulk_create(
        rows,
        update_conflicts=True,
        update_fields=["tokens", "position"],
        unique_fields=["number"],
    )


def events_of_blocks(numbers: list[int]):
    """Returns the events of some blocks: of a range of ids if the numbers are one."""
    first = numbers[0] * BLOCK_SIZE
    last = (numbers[-1] + 1) * BLOCK_SIZE - 1
    events = AuditEvent.objects.filter(pk__range=(first, last))
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        return events
    return events.alias(block=F("pk") / BLOCK_SIZE).filter(block__in=numbers)
