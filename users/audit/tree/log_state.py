"""The state of the transparency log for the page Status and for alarms."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import Q

from users.audit.tree.models import (
    AnchorDelivery,
    SignedCheckpoint,
    TreeHead,
)
from users.audit.tree.proofs import latest_checkpoint
from users.database.clock import current_time

# A server that is down for less long is no alarm: every checkpoint contains the earlier ones.
FAILURE_LIMIT = timedelta(hours=1)
PROBLEMS_NAMED = 10


class LogState(NamedTuple):
    """`head`: None before the worker has looked at the log for the first time."""

    head: TreeHead | None
    checkpoint: SignedCheckpoint | None
    deliveries: list[AnchorDelivery]


def log_state() -> LogState:
    deliveries = AnchorDelivery.objects.order_by("destination")
    return LogState(TreeHead.objects.first(), latest_checkpoint(), list(deliveries))


def signing_problem() -> str:
    """Returns why the worker can't sign checkpoints, although it has a key."""
    head = TreeHead.objects.first()
    return head.problem if head and head.has_key else ""


def delivery_problems() -> str:
    """Names the witnesses that refuse the log, and the anchors that have failed for an hour."""
    late = Q(failed_at__lt=current_time() - FAILURE_LIMIT)
    failed = AnchorDelivery.objects.filter(late | Q(refused_at__isnull=False))
    lines = []
    for row in failed.order_by("refused_at", "destination")[:PROBLEMS_NAMED]:
        since = row.refused_at or row.failed_at
        lines.append(f"{row.destination} since {since:%Y-%m-%d %H:%M} UTC: {row.error}")
    return "; ".join(lines)
