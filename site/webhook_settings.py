"""The settings of webhooks and security signals."""

from dataclasses import dataclass, field
from pathlib import Path

import environ
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

END_LINE = b"-----END PRIVATE KEY-----"
KEY_TEXT = (
    "SSF_KEY_FILE must be a readable file with private keys of the curve P-256 (PEM, PKCS #8). "
    "Make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
)


@dataclass(frozen=True)
class WebhookSettings:
    """Where webhooks may go, and the keys that sign security signals, of which the first signs."""

    # Hosts that may have private addresses, and may be reached over http.
    private_hosts: frozenset[str] = frozenset()
    ca_file: str = ""
    keys: tuple[EllipticCurvePrivateKey, ...] = field(default=(), repr=False)
    # Days for which deliveries that ended are stored.
    delivery_days: int = 30


def webhook_settings(env: environ.Env) -> WebhookSettings:
    hosts = [each.strip().lower() for each in env.list("WEBHOOK_PRIVATE_HOSTS", default=[])]
    ca_file = env.str("WEBHOOK_CA_FILE", "")
    if ca_file and not Path(ca_file).is_file():
        raise ImproperlyConfigured("WEBHOOK_CA_FILE must be an existing file.")
    days = env.int("WEBHOOK_DELIVERY_DAYS", 30)
    if not 1 <= days <= 3650:
        raise ImproperlyConfigured("WEBHOOK_DELIVERY_DAYS must be a number from 1 to 3650.")
    return WebhookSettings(
        private_hosts=frozenset(filter(None, hosts)),
        ca_file=ca_file,
        keys=signing_keys(env.str("SSF_KEY_FILE", "")),
        delivery_days=days,
    )


def signing_keys(path: str) -> tuple[EllipticCurvePrivateKey, ...]:
    """Returns the keys of a file. Raises ImproperlyConfigured."""
    if not path:
        return ()
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(KEY_TEXT) from error
    blocks = [block + END_LINE for block in text.split(END_LINE)[:-1]]
    keys = tuple(map(signing_key, blocks))
    if not keys:
        raise ImproperlyConfigured(KEY_TEXT)
    return keys


def signing_key(block: bytes) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(block.strip(), password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(KEY_TEXT) from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ImproperlyConfigured(KEY_TEXT)
    return key
