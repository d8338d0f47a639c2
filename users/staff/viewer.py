"""Who asks: their account, all that they may do, whether their session still stands, and the generation of everything that
pages show. One query, whatever the page, beside one read of the session from the cache."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.db import connections, router
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from users.caching import generation, timing
from users.models import User

# The permissions of an account's groups and its own, as "app.codename" joined by commas. A superuser's are not listed.
HELD = """CASE WHEN users_user.is_superuser THEN NULL ELSE (
    SELECT {join}(label.app_label || '.' || permission.codename, ',')
    FROM auth_permission AS permission
    JOIN django_content_type AS label ON label.id = permission.content_type_id
    WHERE permission.id IN (
        SELECT own.permission_id FROM users_user_user_permissions AS own WHERE own.user_id = users_user.id
        UNION
        SELECT of_group.permission_id FROM auth_group_permissions AS of_group
        JOIN users_user_groups AS member ON member.group_id = of_group.group_id WHERE member.user_id = users_user.id
    )
) END"""
JOIN = {"postgresql": "string_agg", "sqlite": "group_concat"}
SESSION = "(SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s)"


@cache
def query(vendor: str) -> str:
    columns = ", ".join(f'users_user."{field.column}"' for field in User._meta.concrete_fields)
    held, generations = HELD.format(join=JOIN[vendor]), generation.SQL[vendor]
    return f"SELECT {columns}, {held} AS held, {SESSION} AS session, {generations} AS generations FROM users_user WHERE id = %s"  # noqa: S608


def find(pk: int, session_key: str = "") -> Any:
    """The account with its permissions filled in, and as attributes `session`, the text of the session's row (None where it
    has ended), and `generations`. None where there is no such account."""
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    # By hand, since putting this query together anew for every request takes longer than running it.
    rows = User.objects.raw(query(connection.vendor), [session_key, now, pk], using=connection.alias)
    account = next(iter(rows), None)
    if account is not None and not account.is_superuser:
        account._perm_cache = set(filter(None, (account.held or "").split(",")))
    return account


class ViewerMiddleware(AuthenticationMiddleware):
    """Django's own, with one query instead of two or three."""

    def process_request(self, request) -> None:
        request.user = SimpleLazyObject(lambda: viewer(request))


def viewer(request) -> User | AnonymousUser:
    """The account whose session this is, if it may act and the session stands; as django.contrib.auth.get_user, else."""
    session = request.session
    with timing.span("session"):
        pk = account_id(session)
    if pk is None:
        return AnonymousUser()
    with timing.span("viewer"):
        account = find(pk, session.session_key)
    if account is not None and account.session not in (None, session.stored):
        session.take(account.session)  # the cache held an older one
        if account_id(session) != pk:
            return viewer(request)
    if account is None or account.session is None or not stands(session, account):
        session.flush()
        return AnonymousUser()
    if not account.is_active:
        return AnonymousUser()
    timing.viewed_by(account)
    return account


def account_id(session) -> int | None:
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        return int(session[SESSION_KEY])
    except (KeyError, ValueError):
        return None


def stands(session, account: User) -> bool:
    """Whether it was made with today's password and epoch; made with a SECRET_KEY that is being replaced, it is made anew."""
    given = session.get(HASH_SESSION_KEY) or ""
    if constant_time_compare(given, account.get_session_auth_hash()):
        return True
    if any(constant_time_compare(given, former) for former in account.get_session_auth_fallback_hash()):
        session.cycle_key()
        session[HASH_SESSION_KEY] = account.get_session_auth_hash()
        return True
    return False
