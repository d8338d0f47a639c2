"""The pages of the room Email, as its tabs list them."""

from typing import Any

from users import access

# URL, label, and the action of users.access that the page requires.
MAIL_PAGES = (
    ("/mail/", "Campaigns", "view"),
    ("/mail/templates/", "Templates", "send_campaigns"),
    ("/mail/outbox/", "Outbox", "view"),
    ("/mail/failed/", "Failed", "view"),
    ("/mail/search/", "Search", "view"),
    ("/mail/suppressions/", "Suppressed addresses", "view_suppressions"),
)


def mail_tabs(viewer: Any) -> list[tuple[str, str]]:
    """Returns URL and label of the pages that the viewer may see."""
    return [(url, label) for url, label, action in MAIL_PAGES if access.may(viewer, action)]
