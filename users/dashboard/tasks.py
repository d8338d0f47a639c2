"""Scheduled task of the dashboard."""

from users.dashboard import rollups


def update_dashboard() -> None:
    """Advances the rollups. Runs every minute; another run in between counts nothing twice."""
    rollups.advance_rollups()
