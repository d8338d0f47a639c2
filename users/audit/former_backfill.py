"""Finds former values in events that were stored without them: by an earlier release, or by SQL.

A task reads the events in the order of their ids, a batch in each transaction, and stores how far
it has got. So it can be interrupted, and running it again does no harm.
"""

import time
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from users.audit.chain import lock_chain_head
from users.audit.former_values import (
    ACCOUNT_ACTIONS,
    FormerValuePosition,
    record_former_values,
)
from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.fields import TRACED_FIELDS

# Ids in one transaction. Erasures and the sealing of events wait for it: about 0.1 s.
BATCH_IDS = 5000
# The lists are incomplete if events older than this have not been read.
USUAL_DELAY = timedelta(minutes=15)


def record_missing_values(seconds: float = 20) -> int:
    """Reads events for about `seconds`. Returns the number of values that were missing."""
    deadline = time.monotonic() + seconds
    found = 0
    while True:
        number, is_last = read_next_batch()
        found += number
        if is_last or time.monotonic() > deadline:
            return found


def read_next_batch() -> tuple[int, bool]:
    """Reads a batch of events. Returns the number of new values, and whether it was the last batch.

    The head of the chain is locked: an erasure that blanks these events must not run meanwhile, or
    values would be stored after it has deleted them.
    """
    with transaction.atomic():
        head = lock_chain_head()
        position, _ = FormerValuePosition.objects.get_or_create(pk=1)
        start = max(position.event_id, first_id_after(position.event_id) - 1)
        end = min(start + BATCH_IDS, max(head.settled_id, position.event_id))
        number = record_former_values(value_events(start, end))
        position.event_id = end
        position.found += number
        position.save(update_fields=["event_id", "found"] if number else ["event_id"])
    return number, end >= head.settled_id


def first_id_after(event_id: int) -> int:
    """Returns the lowest id above `event_id`, or 0: ids may have large gaps."""
    later = AuditEvent.objects.filter(pk__gt=event_id).order_by("pk")
    return later.values_list("pk", flat=True).first() or 0


def value_events(start: int, end: int) -> QuerySet[AuditEvent]:
    """Returns the events with ids from start + 1 to `end` that may replace a value."""
    events = AuditEvent.objects.filter(pk__gt=start, pk__lte=end)
    of_accounts = Q(target_id__isnull=False, action__startswith=ACCOUNT_ACTIONS)
    replacing = events.filter(of_accounts, before__has_any_keys=list(TRACED_FIELDS))
    needed = replacing.only("action", "target_id", "before", "after")
    return needed.order_by("pk")


def reads_old_events() -> bool:
    """Returns whether events of some time ago have not been read, so that values are missing."""
    position = FormerValuePosition.objects.filter(pk=1).first() or FormerValuePosition()
    later = AuditEvent.objects.filter(pk__gt=position.event_id).order_by("pk")
    oldest = later.values_list("at", flat=True).first()
    return oldest is not None and oldest < current_time() - USUAL_DELAY
