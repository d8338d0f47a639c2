"""Counts the accounts that staff open: the one place that sees each page of an account, whether it
is built or comes from the cache, whole or as a part.
"""

from typing import Any

from django.http import HttpResponse

from users.exceptions import SudoRequired
from users.meter.checks import count_shown_use, count_use
from users.meter.models import UseKind
from users.sudo.confirmation import sudo_response
from users.web.partials import is_background

# The pages of an account and its verbs.
ACCOUNT_ROUTE = "users/<int:pk>/"
# Answers that show the account: pages, and forms with an error or an edit conflict.
SHOWING_STATUSES = {200, 409, 422}


class MeterMiddleware:
    """Counts after the page was found and the viewer may see it, and before it is sent."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        account_id = opened_account(request, response)
        if account_id is None:
            return response
        if request.method != "GET":
            # The change is made, and its answer is shown.
            count_shown_use(request.user, UseKind.OPENING, subject=account_id)
            return response
        try:
            count_use(request, UseKind.OPENING, subject=account_id)
        except SudoRequired as required:
            return sudo_response(request, required)
        return response


def opened_account(request: Any, response: HttpResponse) -> int | None:
    """Returns the ID of the account that the response shows; None for the viewer's own, and for
    what an open page asks by itself.
    """
    match = shown_match(request, response)
    if match is None or request.method == "HEAD":
        return None
    if not match.route.startswith(ACCOUNT_ROUTE) or is_background(match.func):
        return None
    account_id: int = match.kwargs["pk"]
    return None if account_id == request.user.pk else account_id


def shown_match(request: Any, response: HttpResponse) -> Any:
    """Returns the match of the page that the response shows; None if it shows none. A form that
    came too late is shown again, by the answer to any request and with any status.
    """
    if returned := getattr(request, "shown_match", None):
        return returned
    return request.resolver_match if response.status_code in SHOWING_STATUSES else None
