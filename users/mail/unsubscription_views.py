"""The page behind the link to unsubscribe from announcements."""

from allauth.core.internal import ratelimit
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from users.mail.unsubscription import TokenNames, read_token, unsubscribe_account
from users.web.error_page import error_page

UNSUBSCRIPTION_TEMPLATE = "users/mail/unsubscription.html"
RATE_APP = "users.mail"
# A provider sends the clicks of all its users from few IP addresses, so valid links are counted by
# account, and only invalid ones by IP address.
CLICK_RATE = "20/1m/key"
GUESS_RATE = "60/1m/ip"
TOO_MANY = "There were too many requests. Wait a minute and try again."


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscription(request, token: str) -> HttpResponse:
    """Unsubscribes on POST alone, because mail scanners open links. It needs neither a cookie nor a
    token of a form: mail providers send the POST (RFC 8058).

    The page is the same for any account, so that a link tells nothing about one.
    """
    response = unsubscription_response(request, token)
    # The path must not leave this page.
    response["Referrer-Policy"] = "no-referrer"
    return response


def unsubscription_response(request, token: str) -> HttpResponse:
    names = read_token(token)
    if not is_within_rate(request, names):
        response = error_page(request, 429, TOO_MANY)
        response["Retry-After"] = "60"
        return response
    if names is None:
        return render(request, UNSUBSCRIPTION_TEMPLATE, {"invalid": True}, status=404)
    if request.method != "POST":
        return render(request, UNSUBSCRIPTION_TEMPLATE)
    unsubscribe_account(names)
    return render(request, UNSUBSCRIPTION_TEMPLATE, {"done": True})


def is_within_rate(request, names: TokenNames | None) -> bool:
    """Counts a POST, and returns whether it is within its rate. A GET changes nothing, and nobody
    guesses a signature.
    """
    if request.method != "POST":
        return True
    if names is None:
        return consume_rate(request, "unsubscribe_guess", GUESS_RATE)
    return consume_rate(request, "unsubscribe", CLICK_RATE, key=str(names.account_id))


def consume_rate(request, action: str, rate: str, key: str = "") -> bool:
    usage = ratelimit.consume(
        request,
        app=RATE_APP,
        action=action,
        key=key or None,
        config={action: rate},
    )
    return usage is not None
