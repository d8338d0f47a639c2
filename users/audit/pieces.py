"""Events as pieces of HTML, kept from one page to the next: an event never changes."""

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from users.account import masking
from users.audit.models import AuditEvent
from users.caching import rows as pieces

SHOWN = (
    "at", "actor_id", "actor_text", "action", "target_id", "target_text", "before", "after", "reason", "ip", "user_agent",
    "job_id", "erased_at",
)  # fmt: skip


def lines(events: list[AuditEvent], *, on_account: bool = False, masked: bool = False) -> list[SafeString]:
    """An `li` for each event. `on_account`: on the page of the account that all of them are about. `masked`: for a viewer who
    must not see personal data."""
    events = [masking.event(event) for event in events] if masked else events
    year = timezone.localtime().year
    keys = [pieces.key("event", on_account, year, [getattr(event, name) for name in SHOWN]) for event in events]
    context = [{"event": event, "on_account": on_account} for event in events]
    return pieces.pieces(keys, lambda number: render_to_string("users/audit/_event.html", context[number]))
