"""Adapts django-allauth: sign-up is closed, passwords are set by verbs, emails are sent through the
outbox, and attempts to sign in are recorded.
"""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import resolve_url

from users import access
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.oidc.provider_factor import viewer_grace_end
from users.sessions import known_devices, sign_in_events, throttle
from users.sessions.models import SignInEvent, SignInOutcome
from users.sessions.own_password import TOO_MANY_GUESSES
from users.sessions.signals import last_method
from users.signin.break_glass import report_break_glass_use
from users.verbs.password_reset.verb import choose_password

SILENCED_MESSAGES = {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}


class Adapter(DefaultAccountAdapter):
    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "Wrong username or password.",
        "email_password_mismatch": "Wrong email or password.",
        "too_many_login_attempts": TOO_MANY_GUESSES,
        "enter_current_password": "This is not your current password.",
    }
    # The login that was typed, and the account that has it.
    typed = ""
    account: User | None = None

    def is_open_for_signup(self, request) -> bool:
        return False

    def get_login_redirect_url(self, request) -> str:
        return resolve_url("/users/" if access.may_enter(request.user) else "/me/")

    def pre_authenticate(self, request, **credentials: Any) -> None:
        self.typed = credentials.get("email") or credentials.get("username") or ""
        self.account = sign_in_events.find_by_login(self.typed)
        subject = throttle.throttle_subject(self.account, self.typed)
        place = throttle.attempt_place(request, self.account)
        # Replaces allauth's own counting; allauth takes the attempt back after a success.
        self._login_failed_rl_usage = throttle.consume_attempt(request, subject, place)
        if self._login_failed_rl_usage is None:
            own = throttle.subject_locked_until(subject, place)
            # If the login itself is not locked out, its IP address is, because of other attempts.
            sign_in_events.record_attempt(
                SignInOutcome.THROTTLED if own else SignInOutcome.IP_THROTTLED,
                self.account,
                typed=self.typed,
            )
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request, user, **options: Any) -> HttpResponse:
        response = super().post_login(request, user, **options)
        report_new_device(request, user)
        known_devices.remember_device(request, response, user)
        report_break_glass_use(user)
        if end := viewer_grace_end(request):
            text = f"Set up a second factor by {end:%-d %B %Y}, under Your account."
            messages.warning(request, text)
        return response

    def authentication_failed(self, request, **credentials: Any) -> None:
        outcome = sign_in_events.failure_outcome(self.account)
        sign_in_events.record_attempt(outcome, self.account, typed=self.typed)

    def respond_user_inactive(self, request, user) -> HttpResponse:
        """Records the attempt, which had the correct password."""
        way = getattr(request, "sign_in_method", None) or last_method(request.session)
        sign_in_events.record_attempt(SignInOutcome(user.state), user, way=way)
        return super().respond_user_inactive(request, user)

    def set_password(self, user, password) -> None:
        choose_password(user, password)
        throttle.reset_failures(user)
        # allauth renews the hash of the current session from its own copy of the account.
        user.refresh_from_db()

    def add_message(  # noqa: PLR0917  allauth passes these by position
        self,
        request,
        level,
        message_template=None,
        message_context=None,
        extra_tags="",
        message=None,
    ) -> None:
        if message_template not in SILENCED_MESSAGES:
            super().add_message(
                request, level, message_template, message_context, extra_tags, message
            )


def report_new_device(request, account: User) -> None:
    """Sends an email about a sign-in in a browser that the account was not used in, unless it is
    the first sign-in of the account.
    """
    if known_devices.device_of(request, account):
        return
    sign_ins = SignInEvent.objects.filter(account_id=account.pk, outcome=SignInOutcome.OK)
    if len(sign_ins.order_by("-id")[:2]) == 2:
        outbox.post_message(Message.Kind.NEW_DEVICE, account)
