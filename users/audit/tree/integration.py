"""Adds sealed events to the tree: a leaf is the chain hash of an event, in the order of the chain,
so the leaf of a position has the index one below it.
"""

from django.db import connection

from users.audit.models import AuditEvent
from users.audit.tree.merkle import HASH_SIZE
from users.audit.tree.models import TreeHead
from users.audit.tree.recent_hashes import RecentHashes
from users.audit.tree.tiles import (
    TileReader,
    TreeFault,
    extend_tiles,
    store_tiles,
)

# Leaves in one transaction, which takes about 30 ms.
LEAVES_AT_ONCE = 10_240
# One value for all events is read three times as fast as one row for each.
JOINED_HASHES = """
    SELECT count(*), string_agg(chain_hash, ''::bytea ORDER BY chain_position)
    FROM users_auditevent WHERE chain_position > %s AND chain_position <= %s
"""


def lock_tree_head() -> TreeHead:
    """Locks and returns the head of the tree, until the transaction ends."""
    head, _ = TreeHead.objects.select_for_update().get_or_create(pk=1)
    return head


def add_leaves(
    head: TreeHead,
    recent: RecentHashes,
    reader: TileReader,
) -> int:
    """Adds the next leaves to the tree and returns their number. The caller has locked the head.

    `recent` may have their hashes already. `reader` gets the tiles that were changed.
    """
    leaves = recent.take(head.size, LEAVES_AT_ONCE)
    if not leaves:
        leaves = sealed_hashes(head.size, head.size + LEAVES_AT_ONCE)
    if leaves:
        tiles = extend_tiles(head.size, leaves, reader)
        store_tiles(head.size, tiles)
        reader.tiles |= tiles
        head.size += len(leaves) // HASH_SIZE
        head.save(update_fields=["size"])
    return len(leaves) // HASH_SIZE


def sealed_hashes(after: int, until: int) -> bytes:
    """Returns the joined chain hashes of the events after the position `after`, up to `until` or to
    the end of the chain. Raises TreeFault if an event between them is missing.
    """
    count, joined = joined_hashes(after, until)
    if len(joined) != HASH_SIZE * count:
        raise TreeFault(f"an event after position {after} has no chain hash of 32 bytes")
    if count < until - after:
        end = last_position(until)
        # Without a gap, more events were sealed between the two statements.
        if end > after + count and (position := missing_position(after, end)):
            raise TreeFault(f"the event at position {position} is missing")
    return joined


def joined_hashes(after: int, until: int) -> tuple[int, bytes]:
    """Returns the number of the events and their joined chain hashes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(JOINED_HASHES, [after, until])
            count, joined = cursor.fetchone()
        return count, bytes(joined or b"")
    events = AuditEvent.objects.filter(chain_position__gt=after, chain_position__lte=until)
    hashes = events.order_by("chain_position").values_list("chain_hash", flat=True)
    found = [bytes(each or b"") for each in hashes]
    return len(found), b"".join(found)


def last_position(until: int) -> int:
    """Returns the last position up to `until`; 0 without events."""
    events = AuditEvent.objects.filter(chain_position__lte=until).order_by("-chain_position")
    return events.values_list("chain_position", flat=True).first() or 0


def missing_position(after: int, end: int) -> int:
    """Returns the first position between `after` and `end` that no event has; 0 if all exist."""
    events = AuditEvent.objects.filter(chain_position__gt=after, chain_position__lte=end)
    positions = events.order_by("chain_position").values_list("chain_position", flat=True)
    for expected, position in enumerate(positions.iterator(), start=after + 1):
        if position != expected:
            return expected
    return 0
