"""The content of the first tab of an account's page: the latest events beside the profile."""

from typing import Any

from users.audit.account_events import REFUSALS_CAP, account_events, refused_attempts
from users.audit.html import render_events
from users.models import User


def profile_content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    newest = account_events(account.pk)
    refused = 0
    if account.has_refusals and "view_audit" in shell["may"]:  # type: ignore[attr-defined]
        refused = refused_attempts(account.pk, newest)
    return {
        "events": render_events(newest.rows, viewer=request.user, on_account=True),
        "more_events": newest.has_next,
        "refused": refused,
        "refused_cap": REFUSALS_CAP,
    }
