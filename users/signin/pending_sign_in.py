"""The state of a sign-in between its steps, in the session: the method, and a form that waits."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.http import HttpResponse

from users.models import User
from users.sessions.models import SignInMethod
from users.signin.kept_forms import returned_form

# The form that waits for the end of the sign-in.
KEPT_KEY = "kept_form"


def record_sign_in_method(request, account: User, method: SignInMethod, **more: Any) -> None:
    """Stores in the session by which method the account signs in, and in the request, because
    allauth forgets it before it refuses an inactive account.
    """
    request.sign_in_method = method
    record_authentication(request, account, "mfa", way=str(method.value), **more)


def keep_form(request, kept: str) -> None:
    """Keeps the form that was sent after the end of the last session, until the second step."""
    request.session[KEPT_KEY] = kept


def continue_form(request, response: HttpResponse) -> HttpResponse:
    """Returns the kept form of whoever has just signed in, else `response`."""
    kept = request.session.pop(KEPT_KEY, "")
    if not kept or not request.user.is_authenticated:
        return response
    returned = returned_form(request, kept)
    if returned is None:
        return response
    returned.cookies.update(response.cookies)
    return returned
