"""django-allauth's views with the status codes of this site: 422 for invalid input, 429 for too
many attempts, 405 for PUT.
"""

from functools import partial
from typing import Any

from allauth.account import views
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import base36_to_int

from users.email_addresses import email_key, identifier_key
from users.models import State, User
from users.sessions import sign_in_events
from users.sessions.ended_sessions import ended_session
from users.sessions.known_devices import read_device, token_digest
from users.sessions.local_sign_in import must_use_provider
from users.sessions.models import SignInMethod, SignInOutcome
from users.signin.kept_forms import returned_form
from users.signin.pending_sign_in import keep_form
from users.verbs.password_reset.verb import request_password_reset
from users.web.after_response import run_after
from users.web.error_page import error_page
from users.web.forms import form_status


class StatusCodesMixin:
    http_method_names = ("get", "head", "options", "post")

    def form_invalid(self, form) -> HttpResponse:
        response = super().form_invalid(form)  # type: ignore[misc]
        throttled = form.has_error("__all__", "too_many_login_attempts")
        throttled = throttled or form_status(form) == 429
        response.status_code = 429 if throttled else 422
        return response


class LoginView(StatusCodesMixin, views.LoginView):
    # Whether the form has been validated, which records a failed attempt.
    form_checked = False

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 429 and not self.form_checked:
            record_throttled_attempt(request.POST.get("login", ""))
        kept = request.POST.get("kept")
        if not kept or response.status_code != 302:
            return response
        if request.user.is_authenticated:
            return returned_form(request, kept) or response
        # The second step comes first.
        keep_form(request, kept)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = {
            "kept": self.request.POST.get("kept", ""),
            "ended": ended_session(self.request.session),
        }
        return super().get_context_data(**kwargs) | own

    def form_invalid(self, form) -> HttpResponse:
        self.form_checked = True
        return super().form_invalid(form)


class LogoutView(views.LogoutView):
    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Signs out, and lets the browser drop what scripts have stored.

        Cookies stay: one of them says that this browser is known. No page is in the cache.
        """
        response = super().post(*args, **kwargs)
        response["Clear-Site-Data"] = '"storage"'
        return response


def record_throttled_attempt(typed: str) -> None:
    """Records an attempt that allauth's rate limit rejected before the form."""
    if account := sign_in_events.find_by_login(identifier_key(typed[:254])):
        sign_in_events.record_attempt_once(SignInOutcome.IP_THROTTLED, account)


class PasswordResetView(StatusCodesMixin, views.PasswordResetView):
    def form_valid(self, form) -> HttpResponse:
        """Writes the email after the response, whose time does not tell whether an account has the
        address.
        """
        response = super().form_valid(form)
        if response.status_code < 400:
            run_after(response, partial(send_links, form.cleaned_data["email"]))
        return response


def send_links(email: str) -> None:
    """Sends a link to the accounts with this address. Who was invited gets the invitation again."""
    for account in User.objects.filter(email__lower=email_key(email)):
        # It does nothing in other states.
        request_password_reset(account)


class PasswordChooseView(StatusCodesMixin, views.PasswordResetFromKeyView):
    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if getattr(self, "reset_user", True) is None:
            # The page says that the link no longer works.
            response.status_code = 410
            record_dead_link(kwargs["uidb36"])
        return response

    def form_valid(self, form) -> HttpResponse:
        way = password_method(self.reset_user)
        response = super().form_valid(form)
        sign_in_events.record_attempt(
            SignInOutcome.PASSWORD_CHOSEN,
            self.reset_user,
            way=way,
            device=token_digest(read_device(self.request)[0]),
        )
        return response


def password_method(account: User) -> SignInMethod:
    return SignInMethod.INVITATION if account.status == State.INVITED else SignInMethod.RESET_LINK


def record_dead_link(uid: str) -> None:
    """Records the use of a link that no longer works.

    The outcome is the account's state if no password can be chosen in that state.
    """
    account = User.objects.filter(pk=base36_to_int(uid)).first()
    if account is None:
        return
    state = account.state
    may_choose = state in (State.ACTIVE, State.INVITED)
    outcome = SignInOutcome.INVALID_LINK if may_choose else SignInOutcome(state)
    sign_in_events.record_attempt_once(outcome, account, way=password_method(account))


class PasswordChangeView(StatusCodesMixin, views.PasswordChangeView):
    success_url = "/me/"

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        if must_use_provider(request.user):
            text = f"You sign in with {settings.OIDC.name}, so there is no password to change."
            return error_page(request, 409, text, back="/me/")
        if not request.user.has_usable_password():
            # allauth would redirect to a page that this site does not have.
            return redirect("account_reset_password")
        return super().dispatch(request, *args, **kwargs)
