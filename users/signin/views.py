"""django-allauth's views, with answers as everywhere here: 422 for bad input, 429 for too much of
it, 405 for PUT.
"""

from allauth.account import views
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import base36_to_int

from users.identifiers import fold
from users.models import State, User
from users.sessions import sign_in_events
from users.sessions.models import Outcome, Way


class Answers:
    http_method_names = ("get", "head", "options", "post")

    def form_invalid(self, form) -> HttpResponse:
        response = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 429 if form.has_error("__all__", "too_many_login_attempts") else 422
        return response


class LoginView(Answers, views.LoginView):
    looked_at = False  # whether the attempt came as far as to the form

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 429 and not self.looked_at:
            note_crowded(request.POST.get("login", ""))
        return response

    def form_invalid(self, form) -> HttpResponse:
        self.looked_at = True
        return super().form_invalid(form)


def note_crowded(typed: str) -> None:
    if account := sign_in_events.tried(fold(typed.strip()[:254])):
        sign_in_events.note_once(Outcome.CROWDED, account)


class PasswordResetView(Answers, views.PasswordResetView):
    pass


class PasswordChooseView(Answers, views.PasswordResetFromKeyView):
    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if (
            getattr(self, "reset_user", True) is None
        ):  # the page that says that the link no longer works
            response.status_code = 410
            note_dead_link(kwargs["uidb36"])
        return response

    def form_valid(self, form) -> HttpResponse:
        way = way_of(self.reset_user)
        response = super().form_valid(form)
        sign_in_events.note(Outcome.CHOSEN, self.reset_user, way=way)
        return response


def way_of(account: User) -> Way:
    return Way.INVITATION if account.status == State.INVITED else Way.RESET_LINK


def note_dead_link(uid: str) -> None:
    """The reason is the account's state where that is not one to choose a password in."""
    if account := User.objects.filter(pk=base36_to_int(uid)).first():
        state = account.state
        dead = state in (State.ACTIVE, State.INVITED)
        sign_in_events.note_once(
            Outcome.DEAD_LINK if dead else Outcome(state), account, way=way_of(account)
        )


class PasswordChangeView(Answers, views.PasswordChangeView):
    success_url = "/me/"

    def dispatch(self, request, *args, **kwargs) -> HttpResponse:
        if (
            not request.user.has_usable_password()
        ):  # allauth would go to a page that is not part of this site
            return redirect("account_reset_password")
        return super().dispatch(request, *args, **kwargs)
