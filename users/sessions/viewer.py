"""Authenticates a request: loads its viewer, verifies the session and reads the generations.

It takes one query, whether or not the session was cached. Permissions are cached under the
generation of roles.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from users.audit.origin import note_session
from users.caching import timing
from users.models import User
from users.sessions import last_seen
from users.sessions.limits import STARTED_KEY, record_start
from users.sessions.store import renew_key
from users.sessions.viewer_query import load_viewer
from users.web.partials import is_background
from users.web.time_zone import activate_zone


class ViewerMiddleware(AuthenticationMiddleware):
    """Django's AuthenticationMiddleware, with one query instead of two or three.

    From the moment at which the viewer is known, times are in their time zone.
    """

    def process_request(self, request) -> None:
        request.user = SimpleLazyObject(lambda: get_zoned_viewer(request))

    def process_response(self, request, response):
        timezone.deactivate()
        return response


def get_zoned_viewer(request) -> User | AnonymousUser:
    """Returns the viewer, whose time zone becomes the current one."""
    viewer = get_viewer(request)
    # In place of the lazy object, through which a page would read a hundred attributes.
    request.user = viewer
    activate_zone(viewer)
    return viewer


def get_viewer(request) -> User | AnonymousUser:
    """Returns the active account that owns a valid session, else AnonymousUser.

    It replaces django.contrib.auth.get_user.
    """
    session = request.session
    with timing.measure_layer("session"):
        pk = session_account_id(session)
    if pk is None:
        return AnonymousUser()
    with timing.measure_layer("viewer"):
        account = load_owner(session, pk)
    if account is not None and account.session not in (None, session.stored_text):
        # The cached session was outdated.
        session.replace_data(account.session)
        if session_account_id(session) != pk:
            return get_viewer(request)
    if account is None or account.session is None or not is_valid_session(session, account):
        if not session.end_expired():
            session.flush()
        return AnonymousUser()
    if not account.is_active or account.is_service:
        return AnonymousUser()
    note_session(session.public_id)
    renew_key(session)
    timing.note_viewer(account)
    record_use(request, account)
    return account


def load_owner(session, pk: int) -> Any:
    """Returns the account with this ID as `load_viewer` does; None if there is none. The session
    gets the public ID of its row.
    """
    account = session.take_owner(pk) or load_viewer(pk, session.session_key)
    if account is not None:
        session.public_id = account.session_public_id
    return account


def record_use(request, account: User) -> None:
    """Records that the viewer uses the session, unless an open page has sent the request."""
    session = request.session
    if STARTED_KEY not in session:
        # An earlier release has signed the viewer in.
        record_start(session)
    if not is_background_request(request):
        used_at = account.session_used_at  # type: ignore[attr-defined]
        last_seen.record_last_seen(account, session, used_at)


def is_background_request(request) -> bool:
    """Returns whether an open page has sent the request by itself, so that nobody uses it."""
    match = getattr(request, "resolver_match", None)
    return match is not None and is_background(match.func)


def session_account_id(session) -> int | None:
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        return int(session[SESSION_KEY])
    except (KeyError, ValueError):
        return None


def is_valid_session(session, account: User) -> bool:
    """Returns whether the session matches the account's current password and session epoch.

    A session that was signed with a fallback SECRET_KEY gets a new key.
    """
    given = session.get(HASH_SESSION_KEY) or ""
    if constant_time_compare(given, account.get_session_auth_hash()):
        return True
    fallbacks = account.get_session_auth_fallback_hash()
    if any(constant_time_compare(given, fallback) for fallback in fallbacks):
        session.cycle_key()
        session[HASH_SESSION_KEY] = account.get_session_auth_hash()
        return True
    return False
