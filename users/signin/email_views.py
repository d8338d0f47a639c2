"""The page behind the link of a verification email."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import base36_to_int

from users.exceptions import VerbRefused
from users.mail.verification_tokens import verification_tokens
from users.models import State, User
from users.verbs.verification.verb import confirm_email
from users.web.forms import form_page

CONFIRMATION_TEMPLATE = "users/signin/email_confirmation.html"


@form_page
def email_confirmation(request, uidb36: str, key: str) -> HttpResponse:
    """Verifies the address on POST. GET asks for confirmation, because mail scanners open links."""
    account = find_active_account(uidb36)
    if account is None or not verification_tokens.check_token(account, key):
        return render(request, CONFIRMATION_TEMPLATE, {"gone": True}, status=410)
    if request.method == "POST":
        try:
            confirm_email(account, key)
        except VerbRefused:
            return render(request, CONFIRMATION_TEMPLATE, {"gone": True}, status=410)
        return render(request, CONFIRMATION_TEMPLATE, {"done": True})
    return render(request, CONFIRMATION_TEMPLATE, {"account": account})


def find_active_account(uidb36: str) -> User | None:
    try:
        return User.objects.in_state(State.ACTIVE).filter(pk=base36_to_int(uidb36)).first()
    except (ValueError, OverflowError):
        # The number is too large for an id; SQLite raises OverflowError.
        return None
