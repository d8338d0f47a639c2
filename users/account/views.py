"""One account: its page, and a page for each verb that asks for something first."""

from typing import Any

from django.views.decorators.http import require_safe

from users import masking
from users.account import page as frame
from users.audit import trail
from users.audit.html import lines
from users.models import User


@require_safe
def show(request, pk: int):
    return frame.kept(request, pk, "account", profile)


def profile(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    events, more = trail.about(account.pk)
    return {
        "events": lines(events, on_account=True, masked=masking.hides(request.user)),
        "more_events": more,
    }
