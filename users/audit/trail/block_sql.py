"""SQL that finds blocks of events by their tokens, and reads their events. PostgreSQL only."""

from typing import Any

from django.db import connections, router
from django.db.models import Q
from django.db.models.expressions import RawSQL

from users.audit.models import AuditEvent
from users.audit.trail import blocks
from users.database.compiled_sql import compile_queryset

# The blocks in a range that may hold a match. Those with tokens come from their index; the others
# have none that are valid.
CANDIDATES = """
    WITH known AS (SELECT coalesce(max(number), %(first)s - 1) AS number FROM users_auditblock),
    holding AS MATERIALIZED ({holding}),
    candidates AS (
        SELECT number FROM holding
        UNION
        SELECT number FROM users_auditblock WHERE tokens IS NULL
        UNION
        SELECT DISTINCT id / %(size)s FROM users_auditevent
        WHERE chain_position IS NULL AND id <= %(newest)s
            AND id < ((SELECT number FROM known) + 1) * %(size)s
        UNION
        SELECT generate_series(
            greatest((SELECT number FROM known) + 1, %(first)s), %(last)s::bigint
        )
    )
    SELECT number FROM candidates WHERE number BETWEEN %(first)s AND %(last)s
    ORDER BY number {direction} LIMIT %(limit)s
"""
HOLDING = "SELECT number FROM users_auditblock WHERE tokens @> %(tokens)s::integer[]"
ALL_BLOCKS = "SELECT number FROM users_auditblock WHERE number BETWEEN %(first)s AND %(last)s"


def candidate_blocks(
    tokens: list[int], oldest: int, newest: int, *, is_descending: bool, limit: int
) -> list[int]:
    """Returns the numbers of blocks between two ids that may hold events with all these tokens, in
    reading order.
    """
    holding = HOLDING if tokens else ALL_BLOCKS
    direction = "DESC" if is_descending else "ASC"
    sql = CANDIDATES.format(
        holding=holding,
        direction=direction,
    )
    params: dict[str, Any] = {
        "tokens": tokens,
        "first": oldest // blocks.BLOCK_SIZE,
        "last": newest // blocks.BLOCK_SIZE,
        "newest": newest,
        "limit": limit,
        "size": blocks.BLOCK_SIZE,
    }
    with connections[router.db_for_read(AuditEvent)].cursor() as cursor:
        cursor.execute(sql, params)
        return [number for (number,) in cursor.fetchall()]


def events_in_blocks(
    numbers: list[int], conditions: list[Q], *, is_descending: bool, limit: int
) -> list[int]:
    """Returns the ids of the first events of some blocks that meet the conditions."""
    order = "-pk" if is_descending else "pk"
    size = blocks.BLOCK_SIZE
    events = AuditEvent.objects.filter(
        *conditions,
        pk__gte=RawSQL("block.number * %s", (size,)),
        pk__lt=RawSQL("(block.number + 1) * %s", (size,)),
    )
    each, params = compile_queryset(events.order_by(order).only("pk")[:limit])
    direction = "DESC" if is_descending else "ASC"
    sql = (
        "SELECT found.id FROM unnest(%s::bigint[]) AS block(number) "  # noqa: S608
        f"CROSS JOIN LATERAL ({each}) AS found ORDER BY found.id {direction} LIMIT %s"
    )
    with connections[router.db_for_read(AuditEvent)].cursor() as cursor:
        cursor.execute(sql, (numbers, *params, limit))
        return [pk for (pk,) in cursor.fetchall()]
