"""Who asks: their account, whether their session still stands, and the generation of everything that pages show. One query,
whatever the page, beside one read of the session from the cache; what they may do is kept under the generation of roles."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.core.cache import caches
from django.db import connections, router
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from users import access
from users.caching import generation, timing
from users.caching.generation import ROLES
from users.models import User
from users.staff import traces
from users.staff.models import Session

SESSION = "LEFT JOIN users_session ON users_session.session_key = %s AND users_session.expire_date > %s"
FIELDS = User._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
RIGHTS_KEPT = 3600  # seconds


def find(pk: int, session_key: str = "") -> Any:
    """The account with its permissions filled in, and as attributes `session`, the text of the session's row (None where it
    has ended), `session_used_at` and `generations`. None where there is no such account."""
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    # By hand, since the ORM takes longer to put this query together than the database to answer it.
    with connection.cursor() as cursor:
        cursor.execute(query(connection.vendor), [session_key, now, pk])
        row = cursor.fetchone()
    if row is None:
        return None
    compiler, converters = converting(connection.alias)
    (values,) = compiler.apply_converters([row], converters)
    account: Any = User.from_db(connection.alias, NAMES, values[: len(NAMES)])
    account.session_used_at, account.session, account.generations = values[len(NAMES) :]
    if not account.is_superuser:
        account._perm_cache = rights(account)
    return account


@cache
def query(vendor: str) -> str:
    columns = ", ".join(f'users_user."{field.column}"' for field in FIELDS)
    session = "users_session.last_used_at, users_session.session_data"
    return f"SELECT {columns}, {session}, {generation.SQL[vendor]} FROM users_user {SESSION} WHERE users_user.id = %s"  # noqa: S608


@cache
def converting(alias: str) -> tuple[Any, dict]:
    """What turns the values of this database into those of the fields."""
    compiler = User.objects.using(alias).query.get_compiler(alias)
    fields = [*FIELDS, Session._meta.get_field("last_used_at")]
    return compiler, compiler.get_converters([field.get_col(field.model._meta.db_table) for field in fields])


def rights(account: Any) -> set[str]:
    """The permissions of the account's groups and its own. A superuser has them all, and is not asked about."""
    key = f"rights:{generation.parse(account.generations)[ROLES]}:{account.pk}"
    held = caches["pages"].get(key)
    if held is None:
        held = access.stored_permissions(account)
        caches["pages"].set(key, held, RIGHTS_KEPT)
    return held


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
    traces.leave(account, session.session_key, account.session_used_at)
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
