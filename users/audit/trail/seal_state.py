"""How far the audit trail is sealed and verified, and when its last checkpoint was signed."""

from dataclasses import dataclass
from datetime import datetime

from users.audit.models import AuditEvent, ChainHead
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.proofs import latest_checkpoint
from users.audit.verification.models import VerificationRun
from users.audit.verification.runs import last_runs


@dataclass(frozen=True)
class SealState:
    """The state of the chain; times are None before the first run."""

    position: int = 0
    sealed_until: datetime | None = None
    anchored_at: datetime | None = None
    anchored_position: int = 0
    # The time of the newest event that the last runs of the verification have checked.
    verified_until: datetime | None = None
    # Whether the last run of the quick or the full check has found a fault.
    has_fault: bool = False
    checkpoint: SignedCheckpoint | None = None


def seal_state() -> SealState:
    head = ChainHead._default_manager.defer("hash").first()
    if head is None:
        return SealState()
    runs = last_runs()
    return SealState(
        position=head.position,
        sealed_until=head.sealed_until,
        anchored_at=head.anchored_at,
        anchored_position=head.anchored_position,
        verified_until=verified_until(runs),
        has_fault=any(run.fault for run in runs),
        checkpoint=latest_checkpoint(),
    )


def verified_until(runs: list[VerificationRun]) -> datetime | None:
    """Returns the time of the newest event that `runs` have checked; None if there is none or it
    has been pruned.
    """
    position = max((run.position for run in runs if not run.fault), default=0)
    events = AuditEvent._default_manager.filter(chain_position=position)
    return events.values_list("at", flat=True).first()
