"""Passkeys (WebAuthn): the options for the browser, and the check of its answers.

Each challenge is in the session of the browser for five minutes, and is used once. The device
verifies its owner, by a PIN or a fingerprint, so that a passkey can be the only step of a sign-in.
"""

import struct
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import caches
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from users.database.clock import current_seconds
from users.models import User

CHALLENGE_KEY = "passkey"
CHALLENGE_SECONDS = 300
# What a challenge is for.
CREATE, GET = "create", "get"
# What reading an answer raises that a program has made up.
MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    struct.error,
)
CREDENTIAL_PARTS = ("id", "rawId", "type")
RESPONSE_PARTS = ("clientDataJSON", "attestationObject")


def passkey_server() -> Fido2Server:
    """Returns the server side of WebAuthn, for this site and no other origin."""
    site = PublicKeyCredentialRpEntity(
        id=settings.SITE_PARTS.hostname, name=settings.ORGANISATION_NAME
    )
    return Fido2Server(site, verify_origin=lambda origin: origin == settings.SITE_URL)


def creation_options(session: Any, account: User) -> dict[str, Any]:
    """Returns the options with which the browser makes a passkey of the account."""
    options, state = passkey_server().register_begin(
        PublicKeyCredentialUserEntity(
            id=str(account.pk).encode(),
            name=account.username,
            display_name=account.display_name,
        ),
        credentials=[credential_of(passkey) for passkey in list_passkeys(account.pk)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    store_challenge(session, state, CREATE)
    return dict(options)


def read_new_passkey(session: Any, answer: Any) -> dict[str, Any] | None:
    """Returns what is stored of the passkey that the browser has made; None for a wrong answer."""
    state = consume_challenge(session, CREATE)
    if state is None:
        return None
    try:
        passkey_server().register_complete(state, RegistrationResponse.from_dict(answer))
        response = {name: answer["response"][name] for name in RESPONSE_PARTS}
        stored = {name: answer[name] for name in CREDENTIAL_PARTS}
    except MALFORMED:
        return None
    return stored | {"response": response, "clientExtensionResults": {}}


def request_options(session: Any, account: User | None = None) -> dict[str, Any]:
    """Returns the options with which the browser signs a challenge: by a passkey of the account, or
    else by any that it has for this site.
    """
    credentials = None
    if account:
        credentials = [credential_of(passkey) for passkey in list_passkeys(account.pk)]
    options, state = passkey_server().authenticate_begin(
        credentials=credentials,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    store_challenge(session, state, GET)
    return dict(options)


def match_passkey(session: Any, answer: Any, account: User | None = None) -> Authenticator | None:
    """Returns the passkey that has signed the challenge, of `account` or else of the account that
    the answer names; None for a wrong answer.
    """
    state = consume_challenge(session, GET)
    if state is None:
        return None
    try:
        response = AuthenticationResponse.from_dict(answer)
        owner = account.pk if account else account_of_handle(response.response.user_handle)
        passkeys = {credential_of(each).credential_id: each for each in list_passkeys(owner)}
        credentials = [credential_of(each) for each in passkeys.values()]
        used = passkey_server().authenticate_complete(state, credentials, response)
    except MALFORMED:
        return None
    return passkeys[used.credential_id]


def list_passkeys(account_id: int) -> list[Authenticator]:
    rows = Authenticator.objects.filter(user_id=account_id, type=Authenticator.Type.WEBAUTHN)
    return list(rows.order_by("pk"))


def credential_of(passkey: Authenticator) -> AttestedCredentialData:
    """Returns the id and the public key of a stored passkey."""
    stored = RegistrationResponse.from_dict(passkey.data["credential"])
    data = stored.response.attestation_object.auth_data
    # read_new_passkey stores none without it.
    return cast(AttestedCredentialData, data.credential_data)


def account_of_handle(handle: bytes | None) -> int:
    """Returns the id of the account for which a passkey was made. Raises ValueError."""
    text = (handle or b"").decode("ascii")
    if not text.isdecimal() or len(text) > 18:
        raise ValueError("This is not the handle of an account.")
    return int(text)


def store_challenge(session: Any, state: dict[str, Any], purpose: str) -> None:
    session[CHALLENGE_KEY] = {
        "purpose": purpose,
        "challenge": state["challenge"],
        "user_verification": str(state["user_verification"].value),
        "at": current_seconds(),
    }


def consume_challenge(session: Any, purpose: str) -> dict[str, Any] | None:
    """Returns the challenge of the session once, also to two requests at one instant."""
    state = session.pop(CHALLENGE_KEY, None)
    if state is None or state["purpose"] != purpose:
        return None
    if current_seconds() - state["at"] > CHALLENGE_SECONDS:
        return None
    is_first = caches["default"].add(f"passkey:{state['challenge']}", True, CHALLENGE_SECONDS)
    return state if is_first else None
