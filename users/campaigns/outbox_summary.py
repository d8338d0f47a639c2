"""How much waits in the outbox, and for how long."""

from dataclasses import dataclass
from datetime import datetime

from users.mail.lanes import waiting_in_lane

OUTBOX_COUNT_CAP = 10_000
# In the order of sending.
LANES = {"individual": "Individual emails", "bulk": "Bulk emails"}


@dataclass(frozen=True)
class LaneSummary:
    """A part of the outbox: a number up to OUTBOX_COUNT_CAP + 1, and since when one is due."""

    name: str
    label: str
    number: int
    first_due: datetime | None


def summarise_outbox() -> list[LaneSummary]:
    """Returns individual and bulk emails, each by a bounded range of the index."""
    return [lane_summary(name, label) for name, label in LANES.items()]


def lane_summary(name: str, label: str) -> LaneSummary:
    rows = waiting_in_lane(is_bulk=name == "bulk")
    number = rows.order_by().values("pk")[: OUTBOX_COUNT_CAP + 1].count()
    first = rows.values_list("due_at", flat=True).first()
    return LaneSummary(name, label, number, first)
