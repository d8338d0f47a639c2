"""Encrypts the secrets of second factors at rest. The keys are derived from SECRET_KEY.

Secrets under a key of SECRET_KEY_FALLBACKS can still be read; an hourly task encrypts them with the
current key (users/factors/tasks.py).
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "users.factors.encryption"


def derive_cipher(secret_key: str) -> Fernet:
    digest = salted_hmac(SALT, "key", secret=secret_key, algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(digest))


def encrypt_secret(text: str) -> str:
    return derive_cipher(settings.SECRET_KEY).encrypt(text.encode()).decode()


def decrypt_secret(encrypted: str) -> str:
    """Returns the text. Raises InvalidToken if no key of the settings has encrypted it."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet(map(derive_cipher, keys)).decrypt(encrypted.encode()).decode()


def has_current_key(encrypted: str) -> bool:
    """Returns whether the secret is encrypted with the key of SECRET_KEY."""
    try:
        derive_cipher(settings.SECRET_KEY).decrypt(encrypted.encode())
    except InvalidToken:
        return False
    return True
