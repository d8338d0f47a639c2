"""The session store: cache and database. A cached session is only a hint: the query that loads the
viewer compares it with the row (users/sessions/viewer_query.py), so an ended session stays ended
even if the cache still has it. On a cache miss that query loads the row with its owner's account.
"""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import cached_db
from django.core.cache import caches
from django.db.models import QuerySet
from django.utils import timezone

from users.audit.origin import current_origin
from users.models import User
from users.sessions.ended_sessions import KEPT, ended_data
from users.sessions.models import AGENT_MAX, Session
from users.sessions.viewer_query import load_viewer_by_session

CACHE_KEY_PREFIX = "session:"
MAX_LISTED = 100  # of one account; more than anybody looks through
MAX_EVICTED = 1000  # taken out of the cache when they end together


class SessionStore(cached_db.SessionStore):
    """Django's own, but that it caches the row's text as it is, to be compared with the row, and
    that rows have an owner.
    """

    cache_key_prefix = CACHE_KEY_PREFIX
    stored = ""  # the row's session_data, as far as known
    found: Any = None  # whose it is, where the account came with the row
    _cache: Any

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        """From the cache only what names a viewer, whose query will check it; everything else from
        the row.
        """
        text = self._cache.get(self.cache_key)
        data = self.decode(text) if isinstance(text, str) else {}
        if SESSION_KEY in data:
            self.stored = text
            return data
        row = load_viewer_by_session(self.session_key)
        if row is None:
            self._session_key = None
            return {}
        text, self.found = row
        data = self.take(text)
        self._cache.set(self.cache_key, text, self.get_expiry_age())
        return data

    def found_for(self, account_id: int) -> Any:
        """The account that came with the row, once, if it has this id; else None."""
        found = self.found
        self.found = None
        return found if found and found.pk == account_id else None

    def take(self, text: str) -> dict[str, Any]:
        """Goes on with the row's text `text`, and gives what it says."""
        self.stored = text
        self._session_cache = self.decode(text)
        return self._session_cache

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        origin = current_origin.get()
        owner = str(data.get(SESSION_KEY, ""))
        row.account_id = int(owner) if owner.isdecimal() else None
        row.ip = origin.ip
        row.user_agent = origin.user_agent[:AGENT_MAX]
        self.stored = row.session_data
        return row

    def save(self, must_create: bool = False) -> None:
        super(cached_db.SessionStore, self).save(must_create)
        self._cache.set(self.cache_key, self.stored, self.get_expiry_age())

    def exists(self, session_key: str) -> bool:
        """In the database: what only a cache still holds is over."""
        return bool(super(cached_db.SessionStore, self).exists(session_key))


# --- the sessions of an account -------------------------------------------------------------------


def valid_sessions(account: User) -> list[Session]:
    """Returns the account's valid sessions, last used first. Above MAX_LISTED, only those that
    expire last, which is the order of their index. One query.
    """
    rows = Session.objects.filter(account_id=account.pk, expire_date__gt=timezone.now()).order_by(
        "-expire_date"
    )[:MAX_LISTED]
    marks = {account.get_session_auth_hash(), *account.get_session_auth_fallback_hash()}
    used = sorted(rows, key=lambda row: row.last_used_at, reverse=True)
    return [row for row in used if row.get_decoded().get(HASH_SESSION_KEY) in marks]


def delete_session(account_id: int, public_id: UUID, *, ended_by: int = 0) -> Session | None:
    """The session that this ended, at its very next request; None where the account has no such
    session.
    """
    row = Session.objects.filter(account_id=account_id, public_id=public_id).first()
    if row is None:
        return None
    rows = Session.objects.filter(session_key=row.session_key, account_id=account_id)
    return row if end_session_rows(rows, ended_by, own=ended_by == account_id) else None


def delete_sessions(account_id: int, *, but: str = "", ended_by: int = 0) -> int:
    """Removes the account's sessions, but the one with the key `but`, and says how many there were.
    Rows that are being made at this moment are not seen: whoever must be sure raises session_epoch
    too.
    """
    rows = Session.objects.filter(account_id=account_id).exclude(session_key=but)
    return end_session_rows(rows, ended_by, own=ended_by == account_id)


def delete_sessions_of(account_ids: list[int], *, ended_by: int = 0) -> int:
    """Removes the sessions of all accounts in one chunk of a job, and returns their number."""
    return end_session_rows(Session.objects.filter(account_id__among=account_ids), ended_by)


def end_session_rows(rows: QuerySet[Session], ended_by: int, *, own: bool = False) -> int:
    """Ends the sessions in one statement, however many they are, and returns their number.

    `ended_by`: the account that is named at sign-in (users/sessions/ended_sessions.py); 0 for none,
    and then the rows are deleted. Of what the cache has of them, some goes too, to save its room:
    without its row none of it is believed.
    """
    keys = list(rows.values_list("session_key", flat=True)[:MAX_EVICTED])
    if ended_by:
        number = rows.update(
            session_data=SessionStore().encode(ended_data(ended_by, own=own)),
            expire_date=timezone.now() + KEPT,
            account_id=None,
            ip=None,
            user_agent="",
        )
    else:
        number, _ = rows.delete()
    caches[settings.SESSION_CACHE_ALIAS].delete_many([CACHE_KEY_PREFIX + key for key in keys])
    return number
