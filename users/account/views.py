"""The first tab of an account's page: the profile and the latest events."""

from typing import Any

from django.views.decorators.http import require_safe

from users.account import page
from users.audit import trail
from users.audit.html import render_events
from users.models import User


@require_safe
def show(request, pk: int):
    return page.cached_tab(request, pk, "account", profile_content)


def profile_content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    newest = trail.account_events(account.pk)
    return {
        "events": render_events(newest.rows, viewer=request.user, on_account=True),
        "more_events": newest.has_next,
    }
