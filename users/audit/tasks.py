"""Scheduled tasks of the audit trail."""

import time

from users.audit import anchors, chain, former_backfill, retention, unused_ids
from users.audit.feeds import delivery
from users.audit.trail import blocks
from users.audit.tree import deliveries, signing
from users.audit.tree.recent_hashes import RecentHashes
from users.audit.verification import runs

# For the sealing in one run, in seconds.
SEALING_SECONDS = 20
# There is a signed checkpoint at least after this many events.
CHECKPOINT_EVENTS = 10_000


def seal_audit_chain() -> None:
    """Seals new events with signed checkpoints, records ids that no event has, writes an anchor
    when one is due, and indexes blocks of events for the filters of the trail.

    Runs every minute; another run in between does no harm.
    """
    unused_ids.record_unused_ids()
    deadline = time.monotonic() + SEALING_SECONDS
    sealed = CHECKPOINT_EVENTS
    recent = RecentHashes()
    while sealed >= CHECKPOINT_EVENTS and (left := deadline - time.monotonic()) > 0:
        sealed = chain.seal_waiting_events(left, CHECKPOINT_EVENTS, recent)
        signing.update_log(recent)
    if anchors.write_anchor():
        deliveries.append_note_line()
    blocks.index_blocks()


def deliver_checkpoints() -> None:
    """Delivers the newest signed checkpoint to the settings' destinations. Runs every minute."""
    deliveries.deliver_newest()


def deliver_feeds() -> None:
    """Sends the sealed events to the receivers of the settings. Runs every minute."""
    delivery.deliver_all()


def verify_audit_trail() -> None:
    """Verifies the audit trail when it is due. Runs every minute; the next run continues."""
    runs.work_on_runs()


def backfill_former_values() -> None:
    """Finds former values that were not stored with their events. Runs every minute."""
    former_backfill.record_missing_values()


def apply_retention() -> None:
    """Removes the personal values of old events. Runs every hour; the next run continues."""
    retention.remove_old_values()
