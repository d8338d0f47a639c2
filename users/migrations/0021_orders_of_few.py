"""Indexes for two filters that select few accounts, in every order of the directory: ended, and without an address."""

from django.db import migrations, models
from django.db.models import F, Q

from users.database.online_indexes import AddIndexOnline
from users.models import SeenKey

ORDERS: dict[str, tuple] = {
    "joined": (F("date_joined").desc(), F("id").desc()),
    "username": (F("username"), F("id")),
    "email": (F("email"), F("id")),
    "name": (F("name_key"), F("id")),
    "seen": (SeenKey("last_seen_at").desc(), F("id").desc()),
}
FEW = {"ending": Q(valid_until__isnull=False), "unmailed": Q(email="")}
INCLUDE = {"ending": ("valid_until", "status", "suspended_until", "last_seen_at")}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0020_blast_radius")]
    operations = [
        AddIndexOnline(
            "user",
            models.Index(
                *order, name=f"user_{name}_by_{key}", condition=condition, include=INCLUDE.get(name)
            ),
        )
        for name, condition in FEW.items()
        for key, order in ORDERS.items()
        if (name, key) != ("unmailed", "email")
    ]
