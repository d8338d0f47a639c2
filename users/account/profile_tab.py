"""The content of the first tab of an account's page: the latest events beside the profile."""

from typing import Any

from users.audit import trail
from users.audit.html import render_events
from users.models import User


def profile_content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    newest = trail.account_events(account.pk)
    refused = 0
    if account.has_refusals and "view_audit" in shell["may"]:  # type: ignore[attr-defined]
        refused = trail.refused_attempts(account.pk, newest)
    return {
        "events": render_events(newest.rows, viewer=request.user, on_account=True),
        "more_events": newest.has_next,
        "refused": refused,
        "refused_cap": trail.REFUSALS_CAP,
    }
