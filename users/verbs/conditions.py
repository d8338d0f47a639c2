"""Conditions under which the account's page links to a verb, in addition to the account's state."""

from users.models import State, User


def is_suspended(account: User) -> bool:
    """Returns True for a stored suspension, even after its end date."""
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
    """Returns True if the account has a password and no change of it is required."""
    return account.has_usable_password() and not account.must_change_password
