"""One round trip to the provider: from the button to the claims of its ID token.

Its state is in the session, so a response is accepted only in this browser, once, and for
EXCHANGE_SECONDS.
"""

import base64
import hashlib
import re
import secrets
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from urllib.request import Request

from django.conf import settings
from django.core.cache import caches

from users.database.clock import current_time
from users.oidc.id_tokens import check_fresh, verify_token
from users.oidc.provider import ProviderMetadata, read_metadata
from users.oidc.provider_requests import read_answer_object, send_request
from users.oidc.refusals import OidcRefused

# The round trips that a session has begun, by their state.
SESSION_KEY = "oidc"
CALLBACK_PATH = "/login/oidc/callback/"
SIGN_IN, LINK, SUDO = "sign-in", "link", "sudo"
EXCHANGE_SECONDS = 600
# In one session, for a person with several tabs.
MAX_EXCHANGES = 3
SCOPE = "openid profile"
CODE_MAX = 4096


class Exchange(NamedTuple):
    """A round trip that has begun.

    `account_id`: the viewer, None before a sign-in. `next` and `kept`: the page and the form to
    which it leads back.
    """

    purpose: str
    nonce: str
    verifier: str
    began_at: float
    account_id: int | None = None
    next: str = ""
    kept: str = ""

    @property
    def must_be_fresh(self) -> bool:
        return self.purpose == SUDO


def is_enabled() -> bool:
    return settings.OIDC.mode != "local"


def start_exchange(request: Any, purpose: str, *, back: str = "", kept: str = "") -> str:
    """Stores a round trip in the session, and returns the URL at the provider. Raises OidcRefused
    if the provider does not respond.
    """
    metadata = read_metadata()
    exchange = Exchange(
        purpose=purpose,
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        began_at=current_time().timestamp(),
        account_id=request.user.pk,
        next=back,
        kept=kept,
    )
    state = secrets.token_urlsafe(32)
    noted = list(request.session.get(SESSION_KEY, {}).items())
    request.session[SESSION_KEY] = dict([*noted, (state, exchange._asdict())][-MAX_EXCHANGES:])
    return authorization_url(metadata, exchange, state)


def authorization_url(metadata: ProviderMetadata, exchange: Exchange, state: str) -> str:
    parameters = {
        "response_type": "code",
        "client_id": settings.OIDC.client_id,
        "redirect_uri": settings.SITE_URL + CALLBACK_PATH,
        "scope": SCOPE,
        "state": state,
        "nonce": exchange.nonce,
        "code_challenge": code_challenge(exchange.verifier),
        "code_challenge_method": "S256",
    }
    if exchange.must_be_fresh:
        parameters |= {"prompt": "login", "max_age": "0"}
    separator = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{separator}{urlencode(parameters)}"


def code_challenge(verifier: str) -> str:
    """Returns the challenge of RFC 7636, method S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def take_exchange(request: Any) -> Exchange:
    """Returns the round trip that the response belongs to, and removes it. Raises OidcRefused if
    this session has not begun it, or it was used already.
    """
    state = request.GET.get("state", "")
    noted = dict(request.session.get(SESSION_KEY, {}))
    values = noted.pop(state, None)
    if values is None:
        raise OidcRefused("state", "unknown")
    request.session[SESSION_KEY] = noted
    exchange = Exchange(**values)
    if current_time().timestamp() > exchange.began_at + EXCHANGE_SECONDS:
        raise OidcRefused("state", "too late")
    # Two simultaneous requests may both have read it from the session.
    digest = hashlib.sha256(state.encode()).hexdigest()
    if not caches["default"].add(f"oidc-state:{digest}", True, EXCHANGE_SECONDS * 2):
        raise OidcRefused("state", "used")
    if exchange.account_id != request.user.pk:
        raise OidcRefused("state", "another account")
    return exchange


def finish_exchange(request: Any, exchange: Exchange) -> dict[str, Any]:
    """Returns the claims of the person who has signed in at the provider. Raises OidcRefused."""
    metadata = read_metadata()
    issuer = request.GET.get("iss")
    if issuer != settings.OIDC.issuer and (issuer is not None or metadata.names_issuer):
        raise OidcRefused("mix-up")
    if error := request.GET.get("error"):
        code = "cancelled" if error == "access_denied" else "provider-error"
        raise OidcRefused(code, error if re.fullmatch(r"[a-z_]{1,40}", error) else "")
    code = request.GET.get("code", "")
    if not 0 < len(code) <= CODE_MAX:
        raise OidcRefused("code", "none")
    answer = redeem_code(metadata, code, exchange.verifier)
    claims = verify_token(answer.get("id_token"), nonce=exchange.nonce, began_at=exchange.began_at)
    if exchange.must_be_fresh:
        check_fresh(claims, exchange.began_at)
    return claims


def redeem_code(metadata: ProviderMetadata, code: str, verifier: str) -> dict[str, Any]:
    """Returns the answer of the token endpoint. Raises OidcRefused."""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.SITE_URL + CALLBACK_PATH,
        "code_verifier": verifier,
    }
    headers = {"Accept": "application/json"}
    if metadata.uses_basic:
        headers["Authorization"] = basic_credentials()
    else:
        fields["client_id"] = settings.OIDC.client_id
        fields["client_secret"] = settings.OIDC.client_secret
    body = urlencode(fields, errors="replace").encode()
    request = Request(metadata.token_endpoint, body, headers)  # noqa: S310  checked by `checked_endpoint`
    status, content = send_request(request)
    if status >= 500:
        raise OidcRefused("unreachable", f"status {status}")
    if status != 200:
        raise OidcRefused("code", f"status {status}")
    return read_answer_object(content, "token")


def basic_credentials() -> str:
    """Returns the header by which the client proves who it is (RFC 6749, section 2.3.1)."""
    parts = (settings.OIDC.client_id, settings.OIDC.client_secret)
    pair = ":".join(quote(part, safe="") for part in parts)
    return "Basic " + base64.b64encode(pair.encode()).decode()
