"""Ends sessions. The version of the account is not raised, because no form shows sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from users import access
from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.models import User
from users.row_locks import lock_account
from users.sessions import store as sessions
from users.sessions.models import Session
from users.verbs.obstacles import query_obstacle, refuse_obstacle
from users.verbs.transaction import clean_reason, save_account
from users.web.device_labels import device_label


def has_no_session(now: datetime) -> Q:
    """Returns the condition that each session of the account has expired."""
    unexpired = Session.objects.filter(account_id=OuterRef("pk"), expire_date__gt=now)
    return ~Q(Exists(unexpired))


NO_SESSION = query_obstacle("There are no active sessions to end.", has_no_session)


def end_session(account: User, public_id: UUID, *, by: Any, reason: str = "") -> User:
    """Ends one session at its next request. Raises VerbRefused if it has already ended."""
    reason = clean_reason(reason)
    with transaction.atomic():
        account = lock_account(account)
        access.require(by, "end_sessions", account)
        end_one_session(account, public_id, by, reason)
    return account


def end_sessions(account: User, *, by: Any, reason: str = "") -> User:
    """Ends all sessions at their next requests. Raises VerbRefused if there are none."""
    reason = clean_reason(reason)
    with transaction.atomic():
        account = lock_account(account)
        access.require(by, "end_sessions", account)
        end_all_sessions(account, by, reason)
    return account


def end_own_session(account: User, public_id: UUID) -> User:
    """Ends one session on behalf of the owner of the account."""
    with transaction.atomic():
        account = lock_account(account)
        end_one_session(account, public_id, account, "")
    return account


def end_own_sessions(account: User) -> User:
    """Ends all other sessions on behalf of the owner of the account.

    To keep the session of this request, the caller renews its hash from the returned account.
    """
    with transaction.atomic():
        account = lock_account(account)
        end_all_sessions(account, account, "", remaining=1)
    return account


def end_one_session(account: User, public_id: UUID, by: Any, reason: str) -> None:
    ended = sessions.delete_session(account.pk, public_id, ended_by=by.pk)
    if ended is None:
        raise VerbRefused("This session has already ended.", account)
    record_event(
        "account.session_ended",
        actor=by,
        target=account,
        before={"session": device_label(ended.user_agent)},
        after={"session": "ended"},
        reason=reason,
    )


def end_all_sessions(account: User, by: Any, reason: str, *, remaining: int = 0) -> None:
    """Deletes all sessions and raises the epoch, which ends concurrently created ones too.
    `remaining`: how many sessions the caller renews.
    """
    refuse_obstacle(account, (NO_SESSION,))
    number = sessions.delete_sessions(account.pk, ended_by=by.pk)
    account.session_epoch += 1
    save_account(account, update_fields=["session_epoch"])
    record_event(
        "account.sessions_ended",
        actor=by,
        target=account,
        before={"sessions": number},
        after={"sessions": remaining},
        reason=reason,
    )
