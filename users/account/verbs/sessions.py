"""Ending sessions and lock-outs. The version stays: nothing changes that a form shows."""

from typing import Any
from uuid import UUID

from django.db import transaction

from users import access
from users.account.errors import Refused
from users.account.verbs.change import clean_reason, lock, refuse_gone, store
from users.audit.record import record
from users.models import User
from users.staff import sessions, throttle
from users.staff.devices import device


def end_session(account: User, public_id: UUID, *, by: Any, reason: str = "") -> User:
    """One session, at its next request. Refused where there is none of this name (any more)."""
    reason = clean_reason(reason)
    with transaction.atomic():
        account = lock(account)
        access.require(by, "end_sessions", account)
        end_one(account, public_id, by, reason)
    return account


def end_sessions(account: User, *, by: Any, reason: str = "") -> User:
    """All of them, at their next requests. Refused where there is none, so that a second click does
    nothing.
    """
    reason = clean_reason(reason)
    with transaction.atomic():
        account = lock(account)
        access.require(by, "end_sessions", account)
        end_every_one(account, by, reason)
    return account


def end_lockout(account: User, *, by: Any, reason: str = "") -> User:
    """Forgets how often signing in has failed, so that the right password is taken again at once."""
    reason = clean_reason(reason)
    with transaction.atomic():
        account = lock(account)
        access.require(by, "end_lockout", account)
        refuse_gone(account)
        if not throttle.locked_until(account):
            raise Refused("This account is not locked out.", account)
        throttle.reset(account)
        record("account.lockout_ended", actor=by, target=account, reason=reason)
    return account


def end_own_session(account: User, public_id: UUID) -> User:
    with transaction.atomic():
        account = lock(account)
        end_one(account, public_id, account, "")
    return account


def end_own_sessions(account: User) -> User:
    """All of them. Who wants to go on in the browser at hand ties its session to the account as it
    is returned.
    """
    with transaction.atomic():
        account = lock(account)
        end_every_one(account, account, "")
    return account


def end_one(account: User, public_id: UUID, by: Any, reason: str) -> None:
    ended = sessions.end(account.pk, public_id)
    if ended is None:
        raise Refused("This session has already ended.", account)
    before = {"session": device(ended.user_agent)}
    after = {"session": "ended"}
    record(
        "account.session_ended", actor=by, target=account, before=before, after=after, reason=reason
    )


def end_every_one(account: User, by: Any, reason: str) -> None:
    """By the epoch, which reaches a session too that is beginning at this moment; and their rows."""
    number = sessions.end_all(account.pk)
    if not number:
        raise Refused("There are no active sessions to end.", account)
    account.session_epoch += 1
    store(account, update_fields=["session_epoch"])
    before = {"sessions": number}
    after = {"sessions": 0}
    record(
        "account.sessions_ended",
        actor=by,
        target=account,
        before=before,
        after=after,
        reason=reason,
    )
