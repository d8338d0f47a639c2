"""How far the audit trail is sealed, and when its last anchor was written."""

from dataclasses import dataclass
from datetime import datetime

from users.audit.models import ChainHead


@dataclass(frozen=True)
class SealState:
    """The state of the chain; times are None before the first run."""

    position: int = 0
    sealed_until: datetime | None = None
    anchored_at: datetime | None = None
    anchored_position: int = 0


def seal_state() -> SealState:
    head = ChainHead._default_manager.defer("hash").first()
    if head is None:
        return SealState()
    return SealState(
        position=head.position,
        sealed_until=head.sealed_until,
        anchored_at=head.anchored_at,
        anchored_position=head.anchored_position,
    )
