"""Settings of PostgreSQL for one transaction: time limits and switches of the planner."""

from django.db import connection


def set_local_settings(settings: dict[str, str]) -> None:
    """Sets `settings` until the transaction ends; does nothing on SQLite. Times are texts of
    milliseconds.
    """
    if connection.vendor != "postgresql":
        return
    calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    params = [text for pair in settings.items() for text in pair]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", params)
    if limit := settings.get("statement_timeout"):
        connection.connection.allow(int(limit))
