"""Records sign-ins and renewed password hashes, and drops the typed login from the session."""

from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from users.audit.origin import note_session
from users.audit.record import record_event
from users.models import User
from users.password_hash import hash_renewed
from users.sessions import last_seen, sign_in_events
from users.sessions.ended_sessions import forget_ended_session
from users.sessions.known_devices import DEVICE_KEY, ensure_token, token_digest
from users.sessions.limits import record_start
from users.sessions.models import SignInMethod, SignInOutcome
from users.web.time_zone import activate_zone

PERSONAL_KEYS = ("username", "email", "phone")


@receiver(user_logged_in)
def record_sign_in(sender: type, user: User, request: Any = None, **_: object) -> None:
    device = ""
    if request is not None:
        device = token_digest(ensure_token(request))
        request.session[DEVICE_KEY] = device
    way = last_method(request.session) if request is not None else SignInMethod.PASSWORD
    sign_in_events.record_attempt(
        SignInOutcome.OK,
        user,
        way=way,
        device=device,
    )
    last_seen.record_sign_in_time(user)
    if request is not None:
        record_start(request.session)
        note_session(request.session.public_id)
        activate_zone(user)
        remove_typed_login(request.session)
        forget_ended_session(request.session)


@receiver(hash_renewed)
def record_renewed_hash(sender: type, account: User, **_: object) -> None:
    record_event("account.password_rehashed", actor=account, target=account)


def last_method(session: Any) -> SignInMethod:
    """Returns the last step of the sign-in: a second factor, or else the password."""
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{}]
    return SignInMethod(records[-1].get("way", SignInMethod.PASSWORD))


def remove_typed_login(session: Any) -> None:
    """Removes usernames, addresses and numbers from the sign-in methods that allauth stores."""
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY)
    if isinstance(records, list):
        session[AUTHENTICATION_METHODS_SESSION_KEY] = list(map(without_personal_keys, records))


def without_personal_keys(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in PERSONAL_KEYS}
