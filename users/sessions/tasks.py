"""Scheduled tasks of sessions."""

from users.sessions.store import SessionStore


def clear_sessions() -> None:
    """Removes the rows of sessions that have run out."""
    SessionStore.clear_expired()
