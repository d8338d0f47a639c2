"""Adds and removes the second factors of one's own account, and makes new recovery codes.

Each change has its event, and an email to the owner, in case someone else made it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.factors import authenticators
from users.factors.authenticators import (
    MAX_PASSKEYS,
    TYPE,
    create_app,
    create_passkey,
    create_recovery_codes,
    factor_label,
    find_factor,
    list_factors,
    recovery_codes_left,
)
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.row_locks import lock_account
from users.verbs.transaction import bump_version, save_account

KIND = Message.Kind


def add_own_app(account: User, secret: str, period: int) -> list[str]:
    """Adds an authenticator app. Returns recovery codes if the account had none; else []."""

    def create(locked: User) -> Authenticator:
        if any(factor.type == TYPE.TOTP for factor in list_factors(locked)):
            raise VerbRefused("An authenticator app is already set up.", locked)
        return create_app(locked, secret, period)

    return add_own_factor(account, create)


def add_own_passkey(account: User, name: str, credential: dict[str, Any]) -> list[str]:
    """Adds a passkey. Returns recovery codes if the account had none; else []."""

    def create(locked: User) -> Authenticator:
        passkeys = [factor for factor in list_factors(locked) if factor.type == TYPE.WEBAUTHN]
        if len(passkeys) >= MAX_PASSKEYS:
            text = f"An account can have at most {MAX_PASSKEYS} passkeys. Remove one first."
            raise VerbRefused(text, locked)
        return create_passkey(locked, name, credential)

    return add_own_factor(account, create)


def add_own_factor(account: User, create: Callable[[User], Authenticator]) -> list[str]:
    with change_factors(account, "account.second_factor_added", KIND.FACTOR_ADDED) as change:
        created = create(change.account)
        change.after = {"factor": factor_label(created)}
        if recovery_codes_left(change.account) is None:
            return create_recovery_codes(change.account)
    return []


def remove_own_factor(account: User, pk: int) -> User:
    """Removes a factor. Raises VerbRefused if the account no longer has it."""
    with change_factors(account, "account.second_factor_removed", KIND.FACTOR_REMOVED) as change:
        factor = find_factor(change.account, pk)
        if factor is None:
            raise VerbRefused("This second factor has already been removed.", change.account)
        change.before = {"factor": factor_label(factor)}
        authenticators.delete_factor(factor)
    return change.account


def renew_own_codes(account: User) -> list[str]:
    """Makes recovery codes in place of the present ones, and returns them."""
    with change_factors(account, "account.recovery_codes_made", KIND.RECOVERY_CODES) as change:
        if not list_factors(change.account):
            raise VerbRefused("Set up an authenticator app or a passkey first.", change.account)
        change.after = {"recovery_codes": "new"}
        return create_recovery_codes(change.account)


class FactorChange:
    """A change of the factors of a locked account, and what its event says of them."""

    def __init__(self, account: User):
        self.account = account
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}


@contextmanager
def change_factors(account: User, event: str, kind: Message.Kind) -> Iterator[FactorChange]:
    """Locks the account for the block, then saves whether it has a factor, records `event` and
    queues an email, all in one transaction.
    """
    with transaction.atomic():
        change = FactorChange(lock_account(account))
        locked = change.account
        had = locked.has_second_factor
        yield change
        authenticators.sync_factor_column(locked)
        has = locked.has_second_factor
        if has != had:
            change.before["has_second_factor"] = had
            change.after["has_second_factor"] = has
            bump_version(locked)
            save_account(locked, update_fields=["has_second_factor", "version", "updated_at"])
        record_event(
            event,
            actor=locked,
            target=locked,
            before=change.before,
            after=change.after,
        )
        outbox.post_message(kind, locked)
    account.has_second_factor = has
