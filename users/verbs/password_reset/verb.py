"""Passwords. Staff never choose another person's."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.row_locks import lock_account
from users.sessions import store as sessions
from users.verbs.transaction import (
    bump_version,
    lock_and_check,
    post_message_once,
    refuse_deleted,
    save_account,
)


def choose_password(account: User, password: str) -> User:
    """The owner's own choice, from an invitation, a reset link or /me/. Accepting an invitation
    makes it active.
    """
    with transaction.atomic():
        account = lock_account(account)
        refuse_deleted(account)
        accepted = account.status == State.INVITED
        if accepted:
            account.status = State.ACTIVE
            account.email_verified_at = timezone.now()  # the link came by mail to this address
        account.set_password(password)
        account.must_change_password = False
        account.session_epoch += 1
        bump_version(account)
        save_account(account)
        sessions.delete_sessions(account.pk)
        action = "account.invitation_accepted" if accepted else "account.password_changed"
        record_event(
            action,
            actor=account,
            target=account,
            after={"status": account.status} if accepted else {},
        )
    return account


def request_password_reset(account: User) -> User:
    """A mail with a link to choose a password; asked for by whoever typed the address. The invited
    get their invitation.
    """
    with transaction.atomic():
        account = lock_account(account)
        if account.state == State.INVITED and outbox.post_message(Message.Kind.INVITATION, account):
            record_event("account.invited_again", actor=None, target=account)
        elif account.is_active and outbox.post_message(Message.Kind.PASSWORD_RESET, account):
            record_event("account.password_reset_asked", actor=None, target=account)
    return account


def send_password_reset(account: User, *, by: Any, version: int | None = None) -> User:
    """The same mail, sent by a colleague. The password that is there works until another one is
    chosen.
    """
    with transaction.atomic():
        current = lock_and_check(account, "reset_password", by=by, version=version)
        refuse_deleted(current)
        if current.state == State.INVITED:
            raise VerbRefused(
                "This account is invited and has no password yet. Invite it again instead.",
                current,
            )
        if not current.is_active:
            raise VerbRefused(
                f"This account is {current.state.label.lower()}, so the link would not work.",
                current,
            )
        post_message_once(Message.Kind.PASSWORD_RESET, current)
        record_event("account.password_reset_sent", actor=by, target=current)
    return current
