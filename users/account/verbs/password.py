"""Passwords. Staff never choose another person's."""

from django.db import transaction
from django.utils import timezone

from users.account.verbs.change import lock, store, touch
from users.audit.record import record
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.staff import sessions


def choose_password(account: User, password: str) -> User:
    """The owner's own choice, from an invitation, a reset link or /me/. Accepting an invitation makes it active."""
    with transaction.atomic():
        account = lock(account)
        accepted = account.status == State.INVITED
        if accepted:
            account.status = State.ACTIVE
            account.email_verified_at = timezone.now()  # the link came by mail to this address
        account.set_password(password)
        account.must_change_password = False
        account.session_epoch += 1
        touch(account)
        store(account)
        sessions.end_all(account.pk)
        action = "account.invitation_accepted" if accepted else "account.password_changed"
        record(action, actor=account, target=account, after={"status": account.status} if accepted else {})
    return account


def ask_password_reset(account: User) -> User:
    """A mail with a link to choose a new password; asked for by whoever typed the address."""
    with transaction.atomic():
        account = lock(account)
        if account.is_active and outbox.post(Message.Kind.PASSWORD_RESET, account):
            record("account.password_reset_asked", actor=None, target=account)
    return account
