"""Counts the status changes of an erased account before its events lose their values."""

from users.dashboard import state_counts
from users.dashboard.models import RollupPosition
from users.dashboard.rollups import STATES, lock_position
from users.forgetting import Erasure, forgets


@forgets(order=95)
def count_before_erasure(erasure: Erasure) -> None:
    """Counts the events that the rollup has not reached. Without their values they count for
    nothing afterwards.
    """
    known = RollupPosition.objects.filter(pk=STATES).first()
    # The account's row is locked, so it gets no other events meanwhile.
    if known is None or not has_uncounted(erasure.account.pk, known.position):
        return
    position = lock_position(STATES).position
    events = state_counts.uncounted_events(position).filter(target_id=erasure.account.pk)
    state_counts.add_status_changes(events)


def has_uncounted(account_id: int, position: int) -> bool:
    events = state_counts.uncounted_events(position).filter(target_id=account_id)
    return events.filter(state_counts.HAS_STATUS).exists()
