"""How far the audit trail is sealed and verified, and when its last checkpoint was signed."""

from dataclasses import dataclass
from datetime import datetime

from users.audit.models import AuditEvent, ChainHead
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.proofs import latest_checkpoint
from users.audit.verification.models import VerificationRun
from users.audit.verification.runs import Kind, last_runs


@dataclass(frozen=True)
class SealState:
    """The state of the chain; times are None before the first run."""

    position: int = 0
    sealed_until: datetime | None = None
    anchored_at: datetime | None = None
    anchored_position: int = 0
    # Whether the last finished full check found no fault.
    is_verified: bool = False
    # The time of the newest event that it verified; None without such a check, or if that event was
    # pruned.
    verified_until: datetime | None = None
    # Whether the last run of the quick or the full check has found a fault.
    has_fault: bool = False
    checkpoint: SignedCheckpoint | None = None


def seal_state() -> SealState:
    head = ChainHead._default_manager.defer("hash").first()
    if head is None:
        return SealState()
    runs = last_runs()
    full = next((run for run in runs if run.kind == Kind.FULL and not run.fault), None)
    return SealState(
        position=head.position,
        sealed_until=head.sealed_until,
        anchored_at=head.anchored_at,
        anchored_position=head.anchored_position,
        is_verified=full is not None,
        verified_until=verified_until(full),
        has_fault=any(run.fault for run in runs),
        checkpoint=latest_checkpoint(),
    )


def verified_until(full: VerificationRun | None) -> datetime | None:
    """Returns the time of the newest event that `full` verified; None if there is no such run or
    the event was pruned.
    """
    if full is None:
        return None
    events = AuditEvent._default_manager.filter(chain_position=full.position)
    return events.values_list("at", flat=True).first()
