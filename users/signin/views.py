"""django-allauth's views, with answers as everywhere here: 422 for bad input, 429 for too much of
it, 405 for PUT.
"""

from functools import partial

from allauth.account import views
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import base36_to_int

from users.identifiers import fold_identifier
from users.models import State, User
from users.sessions import sign_in_events
from users.sessions.models import SignInMethod, SignInOutcome
from users.verbs.password_reset.verb import request_password_reset
from users.web.after_response import run_after


class StatusCodesMixin:
    http_method_names = ("get", "head", "options", "post")

    def form_invalid(self, form) -> HttpResponse:
        response = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 429 if form.has_error("__all__", "too_many_login_attempts") else 422
        return response


class LoginView(StatusCodesMixin, views.LoginView):
    looked_at = False  # whether the attempt came as far as to the form

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 429 and not self.looked_at:
            record_throttled_attempt(request.POST.get("login", ""))
        return response

    def form_invalid(self, form) -> HttpResponse:
        self.looked_at = True
        return super().form_invalid(form)


def record_throttled_attempt(typed: str) -> None:
    if account := sign_in_events.find_by_login(fold_identifier(typed.strip()[:254])):
        sign_in_events.record_attempt_once(SignInOutcome.CROWDED, account)


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
    for account in User.objects.filter(email=email):
        # It does nothing in other states.
        request_password_reset(account)


class PasswordChooseView(StatusCodesMixin, views.PasswordResetFromKeyView):
    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if (
            getattr(self, "reset_user", True) is None
        ):  # the page that says that the link no longer works
            response.status_code = 410
            record_dead_link(kwargs["uidb36"])
        return response

    def form_valid(self, form) -> HttpResponse:
        way = password_method(self.reset_user)
        response = super().form_valid(form)
        sign_in_events.record_attempt(SignInOutcome.CHOSEN, self.reset_user, way=way)
        return response


def password_method(account: User) -> SignInMethod:
    return SignInMethod.INVITATION if account.status == State.INVITED else SignInMethod.RESET_LINK


def record_dead_link(uid: str) -> None:
    """The reason is the account's state where that is not one to choose a password in."""
    if account := User.objects.filter(pk=base36_to_int(uid)).first():
        state = account.state
        dead = state in (State.ACTIVE, State.INVITED)
        sign_in_events.record_attempt_once(
            SignInOutcome.DEAD_LINK if dead else SignInOutcome(state),
            account,
            way=password_method(account),
        )


class PasswordChangeView(StatusCodesMixin, views.PasswordChangeView):
    success_url = "/me/"

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        if (
            not request.user.has_usable_password()
        ):  # allauth would go to a page that is not part of this site
            return redirect("account_reset_password")
        return super().dispatch(request, *args, **kwargs)
