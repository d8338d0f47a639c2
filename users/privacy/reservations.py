"""Usernames and addresses of erased accounts that nobody may take any more: kept as keyed digests,
never as they were.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256

from django.conf import settings

from users.identifiers import ascii_skeleton
from users.privacy.models import Reservation

RESERVED_MESSAGE = "This belonged to an erased account and stays reserved."


def reservation_digest(value: str, secret: str | None = None) -> bytes:
    """`value` in normal form. Of usernames that look alike it is the same."""
    key = sha256(b"users.reservation" + (secret or settings.SECRET_KEY).encode()).digest()
    return hmac.digest(key, ascii_skeleton(value).encode(), "sha256")


def reserve_names(account_id: int, values: Iterable[str]) -> int:
    """How many are new."""
    made = [
        Reservation(digest=reservation_digest(value), account_id=account_id)
        for value in dict.fromkeys(filter(None, values))
    ]
    before = Reservation.objects.count()
    Reservation.objects.bulk_create(made, ignore_conflicts=True)
    return Reservation.objects.count() - before


def reserved_names(values: Iterable[str]) -> set[str]:
    """Those of `values` that are. One query; reservations made with an older SECRET_KEY hold as
    long as it is a fallback.
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    wanted = {
        reservation_digest(value, key): value for value in filter(None, values) for key in keys
    }
    if not wanted:
        return set()
    found = Reservation.objects.filter(digest__in=list(wanted)).values_list("digest", flat=True)
    return {wanted[bytes(each)] for each in found}
