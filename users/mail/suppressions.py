"""Suppressed addresses, of which the table holds keyed digests."""

import hmac
from collections.abc import Iterable
from hashlib import sha256

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from users.email_addresses import email_key
from users.mail.models import Message, Suppression


def address_digest(address: str) -> str:
    key = sha256(b"users.suppression" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(key, email_key(address).encode(), "sha256").hex()


def suppressed_digests(addresses: Iterable[str], kind: str) -> set[str]:
    """Returns the digests of those addresses that get no email of `kind`, in one query."""
    digests = [address_digest(address) for address in addresses]
    active = Suppression.objects.filter(Q(until=None) | Q(until__gt=timezone.now()))
    found = active.filter(digest__among=digests)
    if kind != Message.Kind.ANNOUNCEMENT:
        found = found.filter(source=Suppression.Source.INVALID)
    return set(found.values_list("digest", flat=True))
