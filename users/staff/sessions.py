"""Sessions in cache and database. What comes from the cache is a hint: the query that loads the viewer compares it with the
row (users/staff/viewer.py), so a session that was ended stays ended, whatever a cache that was away still holds."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import cached_db


class SessionStore(cached_db.SessionStore):
    """Django's own, but that it caches the row's text as it is, to be compared with the row."""

    cache_key_prefix = "session:"
    stored = ""  # the row's session_data, as far as known
    _cache: Any
    _get_session_from_db: Any

    def load(self) -> dict[str, Any]:
        """From the cache only what names a viewer, whose query will check it; everything else from the row."""
        text = self._cache.get(self.cache_key)
        data = self.decode(text) if isinstance(text, str) else {}
        if SESSION_KEY in data:
            self.stored = text
            return data
        row = self._get_session_from_db()
        if row is None:
            return {}
        data = self.take(row.session_data)
        self._cache.set(self.cache_key, self.stored, self.get_expiry_age(expiry=row.expire_date))
        return data

    def take(self, text: str) -> dict[str, Any]:
        """Goes on with the row's text `text`, and gives what it says."""
        self.stored = text
        self._session_cache = self.decode(text)
        return self._session_cache

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        self.stored = row.session_data
        return row

    def save(self, must_create: bool = False) -> None:
        super(cached_db.SessionStore, self).save(must_create)
        self._cache.set(self.cache_key, self.stored, self.get_expiry_age())

    def exists(self, session_key: str) -> bool:
        """In the database: what only a cache still holds is over."""
        return bool(super(cached_db.SessionStore, self).exists(session_key))
