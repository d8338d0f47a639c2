"""The page of the feeds, with the dead letters and the button that sends them again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.audit.feeds.feed_state import feed_states
from users.audit.feeds.models import DeadLetter
from users.web.query_string import check_parameters, refuse_bad_parameters

PATH = "/audit/feeds/"
SHOWN_LETTERS = 50


@require_safe
def list_feeds(request) -> HttpResponse:
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET)
    letters = DeadLetter.objects.select_related("feed").order_by("-pk")
    context: dict[str, Any] = {
        "states": feed_states(),
        "letters": letters[:SHOWN_LETTERS],
        "may_replay": access.may(request.user, "control_jobs"),
    }
    return render(request, "users/audit/feeds/feeds.html", context)


@require_POST
def resend_dead_letters(request) -> HttpResponse:
    """Lets the worker send all dead letters again."""
    access.require(request.user, "view_audit")
    access.require(request.user, "control_jobs")
    found = DeadLetter.objects.update(is_due=True)
    if found:
        messages.success(request, "The worker sends the dead letters again.")
    return redirect(PATH)
