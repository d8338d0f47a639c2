"""How much waits in the outbox, and for how long."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from users.mail.models import Message

OUTBOX_COUNT_CAP = 10_000


@dataclass(frozen=True)
class LaneSummary:
    """A part of the outbox: a number up to OUTBOX_COUNT_CAP + 1, and since when one is due."""

    name: str
    label: str
    number: int
    first_due: datetime | None


def summarise_outbox() -> list[LaneSummary]:
    """Returns individual and bulk emails, each by a bounded range of the index."""
    waiting = Message.objects.filter(state=Message.State.WAITING)
    return [
        lane_summary("individual", "Individual emails", waiting.filter(is_bulk=False)),
        lane_summary("bulk", "Bulk emails", waiting.filter(is_bulk=True)),
    ]


def lane_summary(name: str, label: str, rows: Any) -> LaneSummary:
    number = rows.order_by().values("pk")[: OUTBOX_COUNT_CAP + 1].count()
    first = rows.order_by("is_bulk", "due_at", "id").values_list("due_at", flat=True).first()
    return LaneSummary(name, label, number, first)
