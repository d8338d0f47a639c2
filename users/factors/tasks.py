"""The scheduled task that encrypts secrets anew after SECRET_KEY was replaced."""

import logging

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction

from users.factors.encryption import decrypt_secret, encrypt_secret, has_current_key

logger = logging.getLogger(__name__)
SECRET_NAMES = ("secret", "seed")


def renew_factor_encryption() -> int:
    """Encrypts each secret that has a fallback key with the current one. Returns their number."""
    if not settings.SECRET_KEY_FALLBACKS:
        return 0
    rows = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN)
    return sum(map(renew_secret, list(rows.order_by("pk").values_list("pk", flat=True))))


def renew_secret(pk: int) -> bool:
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=pk).first()
        name = next((name for name in SECRET_NAMES if row and name in row.data), "")
        if row is None or not name or has_current_key(row.data[name]):
            return False
        try:
            row.data[name] = encrypt_secret(decrypt_secret(row.data[name]))
        except InvalidToken:
            logger.error("No key of the settings decrypts the second factor %s.", pk)
            return False
        row.save(update_fields=["data"])
    return True
