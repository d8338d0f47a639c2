"""Builds security event tokens (RFC 8417) of the Shared Signals Framework, signed with ES256.

Rollcall only signs tokens and reads none, so this is all it needs of JWT: JSON in Base64 and one
signature (RFC 7515).
"""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.webhooks.kinds import TEST, VERIFICATION
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.payloads import SourceRow

SCHEMAS = "https://schemas.openid.net/secevent"
DISABLED_TYPE = f"{SCHEMAS}/risc/event-type/account-disabled"
ENABLED_TYPE = f"{SCHEMAS}/risc/event-type/account-enabled"
CREDENTIAL_TYPE = f"{SCHEMAS}/caep/event-type/credential-change"
VERIFICATION_TYPE = f"{SCHEMAS}/ssf/event-type/verification"
# The type of token of each kind of event. Other kinds have none.
SIGNAL_TYPES = {
    "account.suspended": DISABLED_TYPE,
    "account.deleted": DISABLED_TYPE,
    "account.reinstated": ENABLED_TYPE,
    "account.restored": ENABLED_TYPE,
    "account.erased": f"{SCHEMAS}/risc/event-type/account-purged",
    "account.credential_changed": CREDENTIAL_TYPE,
    "account.sessions_ended": f"{SCHEMAS}/caep/event-type/session-revoked",
}
SIGNAL_KINDS = tuple(SIGNAL_TYPES)
# Type and change of a credential (CAEP 1.0, 3.3), by the action of the audit event.
CREDENTIALS = {
    "account.password_changed": ("password", "update"),
    "account.second_factor_added": ("app", "create"),
    "account.second_factor_removed": ("app", "delete"),
    "account.second_factor_reset": ("app", "revoke"),
    "account.recovery_codes_made": ("app", "update"),
}
COORDINATE_BYTES = 32


def signal_token(
    subscription: WebhookSubscription,
    delivery: WebhookDelivery,
    row: SourceRow,
    email: str = "",
) -> str:
    """Returns the signed token of a delivery."""
    [key, *_] = settings.WEBHOOKS.keys
    header = {
        "typ": "secevent+jwt",
        "alg": "ES256",
        "kid": key_id(key),
    }
    claims = token_claims(subscription, delivery, row, email)
    signed = f"{encoded_json(header)}.{encoded_json(claims)}"
    signature = decode_dss_signature(key.sign(signed.encode(), ECDSA(SHA256())))
    raw = b"".join(number.to_bytes(COORDINATE_BYTES, "big") for number in signature)
    return f"{signed}.{base64_text(raw)}"


def token_claims(
    subscription: WebhookSubscription,
    delivery: WebhookDelivery,
    row: SourceRow,
    email: str,
) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": settings.SITE_URL,
        "jti": delivery.message_id,
        "iat": int(current_time().timestamp()),
        "aud": subscription.audience or stream_url(subscription.pk),
    }
    if isinstance(row, AuditEvent):
        claims["txn"] = row.request_id or str(row.pk)
    claims["sub_id"] = token_subject(subscription, delivery, email)
    claims["events"] = token_events(delivery, row)
    return claims


def token_events(delivery: WebhookDelivery, row: SourceRow) -> dict[str, Any]:
    if delivery.kind in (TEST, VERIFICATION):
        return {VERIFICATION_TYPE: {"state": delivery.echo} if delivery.echo else {}}
    at = row.at if row is not None else delivery.created_at
    details: dict[str, Any] = {"event_timestamp": int(at.timestamp())}
    event_type = SIGNAL_TYPES[delivery.kind]
    if event_type == CREDENTIAL_TYPE and isinstance(row, AuditEvent):
        credential, change = CREDENTIALS.get(row.action, ("password", "update"))
        details |= {"credential_type": credential, "change_type": change}
    return {event_type: details}


def token_subject(
    subscription: WebhookSubscription, delivery: WebhookDelivery, email: str
) -> dict[str, str]:
    """Returns the subject: that of a verification is the stream. An account without an email
    address has its ID.
    """
    if delivery.account_id is None:
        return {"format": "opaque", "id": str(subscription.pk)}
    account = str(delivery.account_id)
    if subscription.subject == WebhookSubscription.Subject.EMAIL and email:
        return {"format": "email", "email": email}
    if subscription.subject == WebhookSubscription.Subject.ISS_SUB:
        return {
            "format": "iss_sub",
            "iss": settings.SITE_URL,
            "sub": account,
        }
    return {"format": "opaque", "id": account}


def stream_url(pk: int) -> str:
    return f"{settings.SITE_URL}/ssf/streams/{pk}/"


def public_keys() -> list[dict[str, str]]:
    """Returns the keys of the settings as JSON Web Keys, without their private parts."""
    return [public_key(key) | {"kid": key_id(key)} for key in settings.WEBHOOKS.keys]


def public_key(key: EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": base64_text(numbers.x.to_bytes(COORDINATE_BYTES, "big")),
        "y": base64_text(numbers.y.to_bytes(COORDINATE_BYTES, "big")),
        "use": "sig",
        "alg": "ES256",
    }


def key_id(key: EllipticCurvePrivateKey) -> str:
    """Returns the thumbprint of a key (RFC 7638)."""
    members = {name: public_key(key)[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(members, separators=(",", ":"))
    return base64_text(sha256(text.encode()).digest())


def encoded_json(values: dict[str, Any]) -> str:
    return base64_text(json.dumps(values, separators=(",", ":")).encode())


def base64_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
