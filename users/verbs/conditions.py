"""Conditions under which the account's page offers a verb, beside the state of the account."""

from users.models import State, User


def is_suspended(account: User) -> bool:
    """True also after the suspension has run out, until somebody ends it."""
    return account.status == State.SUSPENDED


def has_end_date(account: User) -> bool:
    return account.valid_until is not None


def has_no_end_date(account: User) -> bool:
    return account.valid_until is None


def has_address(account: User) -> bool:
    return bool(account.email)


def has_verified_address(account: User) -> bool:
    return bool(account.email) and account.email_verified_at is not None


def has_unverified_address(account: User) -> bool:
    return bool(account.email) and account.email_verified_at is None


def has_second_factor(account: User) -> bool:
    return account.has_second_factor


def keeps_password(account: User) -> bool:
    """True while there is a password and nobody has required a new one."""
    return account.has_usable_password() and not account.must_change_password
