"""Reserves usernames and email addresses of erased accounts, as keyed digests."""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from itertools import product

from django.conf import settings

from users.email_addresses import identifier_key
from users.identifiers import ascii_skeleton
from users.privacy.models import Reservation

RESERVED_MESSAGE = "This belonged to an erased account and stays reserved."


def reservation_digest(value: str, secret: str | None = None) -> bytes:
    """Returns the digest of a username or an address. What looks alike has one digest."""
    secret = secret or settings.SECRET_KEY
    key = sha256(b"users.reservation" + secret.encode()).digest()
    return hmac.digest(key, ascii_skeleton(identifier_key(value)).encode(), "sha256")


def reserve_names(account_id: int, values: Iterable[str]) -> int:
    """Reserves the values that are not empty, and returns the number of new reservations."""
    reservations = [
        Reservation(digest=reservation_digest(value), account_id=account_id)
        for value in dict.fromkeys(filter(None, values))
    ]
    before = Reservation.objects.count()
    Reservation.objects.bulk_create(reservations, ignore_conflicts=True)
    return Reservation.objects.count() - before


def reserved_names(values: Iterable[str]) -> set[str]:
    """Returns those of `values` that are reserved, with one query.

    A reservation made with an earlier SECRET_KEY is valid while that key is among the fallbacks.
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    pairs = product(filter(None, values), keys)
    wanted = {reservation_digest(value, key): value for value, key in pairs}
    if not wanted:
        return set()
    found = Reservation.objects.filter(digest__in=list(wanted)).values_list("digest", flat=True)
    return {wanted[bytes(each)] for each in found}
