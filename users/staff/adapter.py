"""How django-allauth acts here: closed sign-up, passwords through the verbs, mails through the outbox."""

from typing import ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.shortcuts import resolve_url

from users import access
from users.account import verbs

QUIET = {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}


class Adapter(DefaultAccountAdapter):
    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "This username and this password don’t belong together.",
        "email_password_mismatch": "This address and this password don’t belong together.",
        "too_many_login_attempts": "Too many attempts have failed. Until some minutes have passed, even the right password "
        "is not taken.",
        "enter_current_password": "This is not your current password.",
    }

    def is_open_for_signup(self, request) -> bool:
        return False

    def get_login_redirect_url(self, request) -> str:
        return resolve_url("/" if access.may_enter(request.user) else "/me/")

    def set_password(self, user, password) -> None:
        verbs.choose_password(user, password)
        user.refresh_from_db()  # allauth goes on with its copy: the session that stays is tied to the new password and epoch

    def send_password_reset_mail(self, user, email, context) -> None:
        verbs.ask_password_reset(user)

    def add_message(  # noqa: PLR0917  as allauth calls it
        self, request, level, message_template=None, message_context=None, extra_tags="", message=None
    ) -> None:
        if message_template not in QUIET:
            super().add_message(request, level, message_template, message_context, extra_tags, message)
