"""Creates databases as earlier versions left them."""

import sqlite3

import psycopg
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

EARLIER = [("users", "0001_accounts"), ("users", "0002_database_rules")]
TABLE = """
    CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied timestamp)
"""


def make_earlier_database(url: str) -> None:
    """Writes the migrations of a version before the first release into an empty database."""
    applied = MigrationRecorder(connection).applied_migrations()
    others = [(app, name) for app, name in applied if app != "users"]
    database = connect(url)
    database.execute(TABLE)
    for number, (app, name) in enumerate([*others, *EARLIER]):
        database.execute(
            "INSERT INTO django_migrations (id, app, name, applied) "
            f"VALUES ({number}, '{app}', '{name}', '2026-01-01 00:00:00')"
        )
    database.commit()
    database.close()


def table_names(url: str) -> list[str]:
    database = connect(url)
    if url.startswith("sqlite"):
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    names = [name for (name,) in database.execute(query)]
    database.close()
    return names


def connect(url: str):
    if url.startswith("sqlite"):
        return sqlite3.connect(url.removeprefix("sqlite:///"))
    return psycopg.connect(url)
