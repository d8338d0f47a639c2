"""Creates, stores and reads the secrets of subscriptions. They are encrypted at rest."""

import secrets
from base64 import b64encode
from datetime import timedelta

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from users.database.clock import current_time
from users.factors.encryption import decrypt_secret, encrypt_secret, has_current_key
from users.web.query_string import is_id_text
from users.webhooks.models import WebhookSubscription

SECRET_BYTES = 32
# For this long after a rotation, both secrets work.
ROTATION_TIME = timedelta(hours=24)
COLUMNS = ("secret", "previous_secret")


def new_subscription_secret(row: WebhookSubscription) -> str:
    """Returns a secret: a key of Standard Webhooks, or a bearer token that names its stream."""
    if row.has_tokens:
        return f"ssf_{row.pk}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def current_secrets(row: WebhookSubscription) -> list[str]:
    """Returns the secrets that work now, the newest first."""
    found = [decrypt_secret(row.secret)]
    if is_rotating(row):
        found.append(decrypt_secret(row.previous_secret))
    return found


def is_rotating(row: WebhookSubscription) -> bool:
    """Returns whether the previous secret still counts."""
    until = row.previous_until
    return bool(row.previous_secret) and until is not None and until > current_time()


def find_stream(token: str) -> WebhookSubscription | None:
    """Returns the subscription whose receiver has this bearer token; None without one."""
    _, _, rest = token.partition("_")
    number = rest.partition("_")[0]
    if not is_id_text(number):
        return None
    row = WebhookSubscription.objects.filter(pk=int(number), deleted_at=None).first()
    if row is None or not row.has_tokens:
        return None
    try:
        known = current_secrets(row)
    except InvalidToken:
        # SECRET_KEY was changed without its fallback: the secret has to be rotated.
        return None
    matches = [constant_time_compare(token, each) for each in known]
    return row if any(matches) else None


def renew_secrets() -> int:
    """Re-encrypts secrets that were encrypted with a fallback key. Returns the number of
    subscriptions.
    """
    if not settings.SECRET_KEY_FALLBACKS:
        return 0
    ids = list(WebhookSubscription.objects.order_by("pk").values_list("pk", flat=True))
    return sum(map(renew_subscription, ids))


def renew_subscription(pk: int) -> bool:
    with transaction.atomic():
        row = WebhookSubscription.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return False
        old = [name for name in COLUMNS if needs_renewal(getattr(row, name))]
        for name in old:
            setattr(row, name, encrypt_secret(decrypt_secret(getattr(row, name))))
        row.save(update_fields=old)
    return bool(old)


def needs_renewal(encrypted: str) -> bool:
    """Returns whether a secret is encrypted with a fallback key."""
    if not encrypted or has_current_key(encrypted):
        return False
    try:
        decrypt_secret(encrypted)
    except InvalidToken:
        return False
    return True
