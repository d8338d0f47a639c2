"""Compares passwords with hashes, and renews hashes of an earlier release."""

from typing import Any

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.dispatch import Signal

# Sent with the account, in the transaction of the new hash.
hash_renewed = Signal()


def matches_hash(account: Any, raw_password: str | None) -> bool:
    """Returns False for a malformed stored hash, for which some of Django’s hashers raise."""

    def renew_hash(correct_password: str) -> None:
        with transaction.atomic():
            account.set_password(correct_password)
            account._password = None  # there is nothing to tell the validators
            account.save(update_fields=["password"])
            hash_renewed.send(type(account), account=account)

    try:
        return check_password(raw_password, account.password, renew_hash)
    except (ValueError, AssertionError, IndexError, KeyError, TypeError):
        return False
