"""The tabs of the pages below /staff/."""

from typing import Any

from users import access


def staff_tabs(viewer: Any) -> list[tuple[str, str]]:
    """Returns URL and label of each tab that the viewer may open."""
    tabs = [("/staff/", "People"), ("/staff/roles/", "Roles")]
    if access.may(viewer, "request_role") or access.may(viewer, "approve_role"):
        tabs.append(("/staff/requests/", "Requests"))
    tabs += [("/staff/reviews/", "Reviews"), ("/staff/services/", "Service accounts")]
    if access.may(viewer, "manage_tokens"):
        tabs.append(("/staff/tokens/", "API tokens"))
    if access.may(viewer, "view_audit"):
        tabs.append(("/staff/meter/", "Data use"))
        tabs.append(("/staff/provisioning/", "Provisioning"))
    if access.may(viewer, "view_webhooks"):
        tabs.append(("/staff/webhooks/", "Webhooks"))
    return tabs
