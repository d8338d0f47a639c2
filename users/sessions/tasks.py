"""The scheduled task that deletes expired sessions."""

from users.sessions.store import SessionStore


def clear_sessions() -> None:
    """Deletes the rows of expired sessions."""
    SessionStore.clear_expired()
