"""The session store, with cache and database.

A cached session is not trusted: the query that loads the viewer compares it with the row
(users/sessions/viewer_query.py), so an ended session stays ended even if it is still cached. On a
cache miss, that query loads the row together with its owner's account.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import cached_db
from django.core.cache import caches
from django.db.models import Case, F, QuerySet, TextField, Value, When

from users.audit.origin import current_origin
from users.database.clock import current_time, database_now
from users.models import User
from users.sessions import limits
from users.sessions.ended_sessions import CAUSES, KEPT, ended_data
from users.sessions.models import AGENT_MAX, Session
from users.sessions.viewer_query import load_viewer_by_session

CACHE_KEY_PREFIX = "session:"
# Sessions of one account that a page lists.
MAX_LISTED = 100
# Sessions removed from the cache when many end together.
MAX_EVICTED = 1000
# Sessions that get other keys by one statement.
RENEWED_TOGETHER = 100
# Marks the data of a session whose key is to be replaced.
RENEWAL_KEY = "renew_key"


class SessionStore(cached_db.SessionStore):
    """Django's cached_db store, with owners.

    It caches the session_data column as it is, so that it can be compared with the row.
    """

    cache_key_prefix = CACHE_KEY_PREFIX
    # The row's session_data as last read or written.
    stored_text = ""
    # The owner, if the account was loaded together with the row.
    owner: Any = None
    # The public ID of the row, once its viewer has been loaded, or that of the row to be made. It
    # stays when the session gets another key.
    public_id: UUID | None = None
    _cache: Any

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        """Loads the session, from the cache only if it has an owner.

        Loading the viewer verifies it. Anonymous sessions are read from the row.
        """
        text = self._cache.get(self.cache_key)
        data = self.decode(text) if isinstance(text, str) else {}
        if SESSION_KEY in data:
            self.stored_text = text
            return data
        row = load_viewer_by_session(self.session_key)
        if row is None and self.end_expired():
            return self._session_cache
        if row is None:
            self._session_key = None
            return {}
        text, self.owner = row
        data = self.replace_data(text)
        self._cache.set(self.cache_key, text, self.get_expiry_age())
        return data

    def take_owner(self, account_id: int) -> Any:
        """Returns the account loaded with the row if it has this ID, else None. Works once."""
        found = self.owner
        self.owner = None
        return found if found and found.pk == account_id else None

    def replace_data(self, text: str) -> dict[str, Any]:
        """Replaces the session's data by `text`, the row's session_data, and returns it decoded."""
        self.stored_text = text
        self._session_cache = self.decode(text)
        return self._session_cache

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.public_id = self.public_id or row.public_id
        origin = current_origin.get()
        owner = str(data.get(SESSION_KEY, ""))
        row.account_id = int(owner) if owner.isdecimal() else None
        row.ip = origin.ip
        row.user_agent = origin.user_agent[:AGENT_MAX]
        if self.stored_text:
            row.loaded_owner_id = self.decode(self.stored_text).get(SESSION_KEY)
        self.stored_text = row.session_data
        return row

    def create(self) -> None:
        self.public_id = self.public_id or uuid4()
        super().create()

    def flush(self) -> None:
        """Ends the session. What is stored from now on is another one."""
        super().flush()
        self.public_id = uuid4()

    def save(self, must_create: bool = False) -> None:
        super(cached_db.SessionStore, self).save(must_create)
        self._cache.set(self.cache_key, self.stored_text, self.get_expiry_age())

    def get_expiry_date(self, **kwargs: Any) -> Any:
        """Returns when the session expires, by the database's clock."""
        if SESSION_KEY in self:
            return limits.session_end_time(self, current_time())
        return super().get_expiry_date(**{"modification": current_time()} | kwargs)

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Returns for how many seconds the session may be cached."""
        return max(int((self.get_expiry_date() - current_time()).total_seconds()), 0)

    def end_expired(self) -> bool:
        """Returns whether a limit has ended this session. Its row, which the owner has left, then
        says so at sign-in, and so does this session.
        """
        text = record_expiry(self.session_key)
        if not text:
            return False
        self.replace_data(text)
        self._cache.delete(self.cache_key)
        return True

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lt=database_now()).delete()

    def exists(self, session_key: str) -> bool:
        """Returns whether the row exists, whatever the cache holds."""
        return bool(super(cached_db.SessionStore, self).exists(session_key))


# --- the sessions of an account -------------------------------------------------------------------


def valid_sessions(account: User) -> list[Session]:
    """Returns the account's valid sessions, last used first, with one query.

    Above MAX_LISTED, it returns those that expire last, which is the order of the index.
    """
    rows = unexpired_sessions(account).order_by("-expire_date")[:MAX_LISTED]
    by_use = sorted(rows, key=lambda row: row.last_used_at, reverse=True)
    return with_current_hash(account, by_use)


def valid_session(account: User, public_id: UUID) -> Session | None:
    """Returns a valid session of the account; None if it has ended."""
    rows = unexpired_sessions(account).filter(public_id=public_id)
    return next(iter(with_current_hash(account, rows)), None)


def unexpired_sessions(account: User) -> QuerySet[Session]:
    return Session.objects.filter(account_id=account.pk, expire_date__gt=current_time())


def with_current_hash(account: User, rows: Iterable[Session]) -> list[Session]:
    """Returns the sessions that match the account's current password and session epoch."""
    hashes = {account.get_session_auth_hash(), *account.get_session_auth_fallback_hash()}
    return [row for row in rows if row.get_decoded().get(HASH_SESSION_KEY) in hashes]


def delete_session(account_id: int, public_id: UUID, *, ended_by: int = 0) -> Session | None:
    """Ends a session from its next request on. Returns it, or None if the account has none such."""
    rows = Session.objects.filter(account_id=account_id, public_id=public_id)
    row = rows.first()
    if row is None:
        return None
    return row if end_session_rows(rows, ended_by, own=ended_by == account_id) else None


def delete_sessions(account_id: int, *, ended_by: int = 0, event: str = "") -> int:
    """Ends the account's sessions, and returns their number.

    It misses sessions that other transactions are creating. A caller that must end those too
    increments session_epoch.
    """
    sessions = Session.objects.filter(account_id=account_id)
    return end_session_rows(sessions, ended_by, own=ended_by == account_id, event=event)


def delete_sessions_of(account_ids: list[int], *, ended_by: int = 0, event: str = "") -> int:
    """Ends the sessions of all these accounts, and returns their number."""
    sessions = Session.objects.filter(account_id__among=account_ids)
    return end_session_rows(sessions, ended_by, event=event)


def record_expiry(session_key: str | None) -> str:
    """Records in the row of a session which limit has ended it. Returns its new session_data; "" if
    no limit has.
    """
    expired = Session.objects.filter(account_id__isnull=False, expire_date__lte=current_time())
    row = expired.filter(pk=session_key).first()
    if row is None:
        return ""
    at = row.expire_date
    event = limits.limit_event(row.get_decoded(), at)
    columns = ended_columns(0, event=event, at=at)
    rows = expired.filter(pk=session_key, session_data=row.session_data)
    return columns["session_data"] if rows.update(**columns) else ""


def renew_session_keys(account_ids: list[int]) -> None:
    """Lets each session of these accounts get another key with its next request, because their
    rights have grown: a key that leaked before must not open more than it did.
    """
    rows = list(Session.objects.filter(account_id__among=account_ids))
    for start in range(0, len(rows), RENEWED_TOGETHER):
        mark_for_renewal(rows[start : start + RENEWED_TOGETHER])


def mark_for_renewal(rows: list[Session]) -> None:
    """Stores RENEWAL_KEY in the data of these sessions with one statement."""
    store = SessionStore()
    renewals = []
    for row in rows:
        text = store.encode(row.get_decoded() | {RENEWAL_KEY: True})
        # The session may have changed or ended at this moment.
        unchanged = {"pk": row.pk, "session_data": row.session_data}
        renewals.append(When(**unchanged, then=Value(text)))
    renewed = Case(*renewals, default=F("session_data"), output_field=TextField())
    Session.objects.filter(pk__in=[row.pk for row in rows]).update(session_data=renewed)


def renew_key(session: Any) -> None:
    """Gives a session another key if renew_session_keys has asked for it. A request that is sent
    with the old key at this moment learns why it is signed out, and leaves the new one alone.
    """
    if not session.pop(RENEWAL_KEY, False):
        return
    old_key = session.session_key
    session.cycle_key()
    ended = Session(session_key=old_key, **ended_columns(0, event="account.roles_assigned"))
    Session.objects.bulk_create([ended], ignore_conflicts=True)


def end_session_rows(
    rows: QuerySet[Session], ended_by: int, *, own: bool = False, event: str = ""
) -> int:
    """Ends sessions with one statement, and returns their number.

    `ended_by`: the account that the sign-in page names (users/sessions/ended_sessions.py); 0 for
    none. `event`: the change that it names instead. Without either the rows are deleted. Up to
    MAX_EVICTED are removed from the cache, to save memory. The others are useless without their
    rows.
    """
    keys = list(rows.values_list("session_key", flat=True)[:MAX_EVICTED])
    if ended_by or event in CAUSES:
        number = rows.update(**ended_columns(ended_by, own=own, event=event))
    else:
        number, _ = rows.delete()
    caches[settings.SESSION_CACHE_ALIAS].delete_many([CACHE_KEY_PREFIX + key for key in keys])
    return number


def ended_columns(
    ended_by: int, *, own: bool = False, event: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """Returns the columns of the row of a session that ends now, or has ended `at`, which belongs
    to nobody.
    """
    data = ended_data(
        ended_by,
        own=own,
        event=event,
        at=at,
    )
    return {
        "session_data": SessionStore().encode(data),
        "expire_date": current_time() + KEPT,
        "account_id": None,
        "ip": None,
        "user_agent": "",
    }
