"""Partial indexes for filters that match few accounts."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from users.database.columns import SeenKey


def indexes_per_order(
    name: str, *, except_order: str = "", covering: tuple[str, ...] = (), **where: Any
) -> list[models.Index]:
    """Returns one partial index for each sort order of the directory, except `except_order`.

    Few accounts meet the condition `where`, so writes to any other account do not touch them.
    `covering`: columns to read from the index alone. They are appended to the key, because SQLite
    has no INCLUDE.
    """
    orders: dict[str, tuple] = {
        "joined": (F("date_joined").desc(), F("id").desc()),
        "username": (F("username"), F("id")),
        "email": (Lower("email"), F("id")),
        "name": (F("name_key"), F("id")),
        "seen": (SeenKey("last_seen_at").desc(), F("id").desc()),
    }
    indexes = []
    for key, order in orders.items():
        if key != except_order:
            columns = (*order, *map(F, covering))
            index_name = f"user_{name}_by_{key}"
            indexes.append(models.Index(*columns, name=index_name, condition=Q(**where)))
    return indexes
