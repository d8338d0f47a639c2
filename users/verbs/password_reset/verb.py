"""Sends password resets and stores the password that the owner chooses."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from users.audit.record import record_event
from users.database.clock import current_time
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.row_locks import lock_account
from users.sessions import store as sessions
from users.sessions.local_sign_in import may_reset_password
from users.verbs.obstacles import (
    DELETED_OBSTACLES,
    INACTIVE_OBSTACLES,
    NO_ADDRESS,
    SERVICE,
    Obstacle,
    queued_obstacle,
    refuse_obstacle,
    state_obstacle,
)
from users.verbs.transaction import bump_version, lock_and_check, save_account

PROVIDER_ONLY = Obstacle(
    sentence="Staff sign in with OpenID Connect, so there is no password to reset.",
    blocks=lambda account: not may_reset_password(account),
    condition=lambda now: Q(is_staff=True) if settings.OIDC.mode == "only" else Q(pk__in=[]),
)
PASSWORD_RESET_OBSTACLES = (
    *DELETED_OBSTACLES,
    SERVICE,
    state_obstacle(
        State.INVITED, "This account is {} and has no password yet. Invite it again instead."
    ),
    *INACTIVE_OBSTACLES,
    PROVIDER_ONLY,
    queued_obstacle(Message.Kind.PASSWORD_RESET, Message.Kind.STAFF_RESET),
    NO_ADDRESS,
)


def choose_password(account: User, password: str) -> User:
    """Stores the password that the owner chose, from an invitation, a reset link or /me/.

    Accepting an invitation makes the account active. All sessions end.
    """
    with transaction.atomic():
        account = lock_account(account)
        refuse_obstacle(account, (*DELETED_OBSTACLES, SERVICE))
        accepted = account.status == State.INVITED
        if accepted:
            account.status = State.ACTIVE
            # The link was sent to this address.
            account.email_verified_at = current_time()
        account.set_password(password)
        account.must_change_password = False
        account.session_epoch += 1
        bump_version(account)
        save_account(account)
        sessions.delete_sessions(account.pk, event="account.password_changed")
        if accepted:
            record_event(
                "account.invitation_accepted",
                actor=account,
                target=account,
                after={"status": account.status},
            )
        else:
            record_event("account.password_changed", actor=account, target=account)
    return account


def request_password_reset(account: User) -> User:
    """Queues an email with a link to choose a password, requested on the sign-in pages.

    An invited person gets the invitation again, and a service account nothing.
    """
    with transaction.atomic():
        account = lock_account(account)
        if account.is_service:
            return account
        if account.state == State.INVITED and outbox.post_message(Message.Kind.INVITATION, account):
            record_event("account.invited_again", actor=None, target=account)
        elif can_reset(account) and outbox.post_message(Message.Kind.PASSWORD_RESET, account):
            record_event("account.password_reset_asked", actor=None, target=account)
    return account


def can_reset(account: User) -> bool:
    return account.is_active and may_reset_password(account)


def send_password_reset(account: User, *, by: Any, version: int | None = None) -> User:
    """Queues an email with a link to choose a password, requested by staff.

    The current password keeps working until another one is chosen.
    """
    with transaction.atomic():
        current = lock_and_check(account, "reset_password", by=by, version=version)
        refuse_obstacle(current, PASSWORD_RESET_OBSTACLES)
        outbox.post_message(Message.Kind.STAFF_RESET, current)
        record_event("account.password_reset_sent", actor=by, target=current)
    return current
