"""The link of a verification mail."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import base36_to_int
from django.views.decorators.http import require_http_methods

from users.exceptions import Refused
from users.mail.links import verification_links
from users.models import State, User
from users.verbs.verification.verb import confirm_email

PAGE = "users/staff/email_confirmation.html"


@require_http_methods(["GET", "HEAD", "POST"])
def email_confirmation(request, uidb36: str, key: str) -> HttpResponse:
    """Asks first. Opening it changes nothing, since programs that guard mailboxes open links too."""
    account = find(uidb36)
    if account is None or not verification_links.check_token(account, key):
        return render(request, PAGE, {"gone": True}, status=410)
    if request.method == "POST":
        try:
            confirm_email(account, key)
        except Refused:
            return render(request, PAGE, {"gone": True}, status=410)
        return render(request, PAGE, {"done": True})
    return render(request, PAGE, {"account": account})


def find(uidb36: str) -> User | None:
    try:
        return User.objects.in_state(State.ACTIVE).filter(pk=base36_to_int(uidb36)).first()
    except (ValueError, OverflowError):  # longer than an id can be; SQLite says so itself
        return None
