"""Verifies ID tokens (OpenID Connect Core 1.0, section 3.1.3.7).

The key decides the algorithm, never the header of the token. Times are compared by the clock of the
database.
"""

import hmac
from typing import Any

import jwt
from django.conf import settings

from users.database.clock import current_time
from users.oidc.models import SUBJECT_MAX
from users.oidc.provider import find_keys
from users.oidc.refusals import OidcRefused

TOKEN_MAX = 20_000  # characters
# Seconds by which the clocks of the two servers may differ.
CLOCK_SECONDS = 60
RSA_BITS_MIN = 2048
# Key type and curve → the only algorithm that is accepted of such a key.
ALGORITHMS = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]
# The exceptions of PyJWT, the special ones first.
CODES = (
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "signature"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "mix-up"),
    (jwt.PyJWTError, "token"),
)


def verify_token(token: Any, *, nonce: str, began_at: float) -> dict[str, Any]:
    """Returns the claims of an ID token of the sign-in that began at `began_at`. Raises
    OidcRefused.
    """
    if not isinstance(token, str) or len(token) > TOKEN_MAX:
        raise OidcRefused("token", "no ID token")
    claims = verified_claims(token)
    check_party(claims)
    check_times(claims, began_at)
    if not is_text(claims["nonce"]) or not hmac.compare_digest(claims["nonce"], nonce):
        raise OidcRefused("nonce")
    subject = claims["sub"]
    if not is_text(subject) or not 0 < len(subject) <= SUBJECT_MAX:
        raise OidcRefused("token", "subject")
    return claims


def verified_claims(token: str) -> dict[str, Any]:
    """Returns the claims of a token with a valid signature, issuer and audience."""
    try:
        key, algorithm = signature_key(jwt.get_unverified_header(token))
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=settings.OIDC.client_id,
            issuer=settings.OIDC.issuer,
            options={
                "require": REQUIRED_CLAIMS,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_sub": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise OidcRefused(refusal_code(error), type(error).__name__) from error


def refusal_code(error: Exception) -> str:
    for kind, code in CODES:
        if isinstance(error, kind):
            return code
    return "token"


def signature_key(header: dict[str, Any]) -> tuple[Any, str]:
    """Returns the public key that the header names, and its algorithm. Raises OidcRefused."""
    key_id = header.get("kid")
    keys = find_keys(key_id if isinstance(key_id, str) else None)
    usable = [key for key in keys if (key.get("kty"), key.get("crv")) in ALGORITHMS]
    if len(usable) != 1:
        raise OidcRefused("key", f"{len(usable)} usable keys")
    [data] = usable
    algorithm = ALGORITHMS[data["kty"], data.get("crv")]
    key = jwt.PyJWK(data, algorithm).key
    if algorithm == "RS256" and key.key_size < RSA_BITS_MIN:
        raise OidcRefused("key", "short key")
    return key, algorithm


def check_party(claims: dict[str, Any]) -> None:
    """Raises OidcRefused for a token that was made for another application as well, unless it says
    that this one asked for it.
    """
    party = claims.get("azp")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and party is None:
        raise OidcRefused("audience", "no authorised party")
    if party is not None and party != settings.OIDC.client_id:
        raise OidcRefused("audience", "another authorised party")


def check_times(claims: dict[str, Any], began_at: float) -> None:
    """Raises OidcRefused for a token that has expired, is from the future, or is older than the
    sign-in.
    """
    now = current_time().timestamp()
    issued = claimed_time(claims, "iat")
    starts = max(issued, claimed_time(claims, "nbf")) if "nbf" in claims else issued
    if starts > now + CLOCK_SECONDS:
        raise OidcRefused("clock")
    if claimed_time(claims, "exp") <= now - CLOCK_SECONDS or issued < began_at - CLOCK_SECONDS:
        raise OidcRefused("expired")


def check_fresh(claims: dict[str, Any], began_at: float) -> None:
    """Raises OidcRefused unless the person has authenticated since `began_at`."""
    if "auth_time" not in claims:
        raise OidcRefused("not-fresh", "no auth_time")
    at = claimed_time(claims, "auth_time")
    if not began_at - CLOCK_SECONDS <= at <= current_time().timestamp() + CLOCK_SECONDS:
        raise OidcRefused("not-fresh", "auth_time")


def claimed_time(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise OidcRefused("token", name)
    return float(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()
