"""The time of the database, which is one for all hosts: their clocks differ."""

from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone


def database_now() -> Any:
    """A value to store: an expression on PostgreSQL. SQLite has the clock of this host."""
    return Now() if connection.vendor == "postgresql" else timezone.now()
