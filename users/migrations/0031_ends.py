"""The orders of accounts with an end, so that SQLite too finds in the index alone whether it has come."""

from django.db import migrations, models
from django.db.models import F, Q

from users.database.online_indexes import AddIndexOnline, RemoveIndexOnline
from users.models import SeenKey

ORDERS: dict[str, tuple] = {
    "joined": (F("date_joined").desc(), F("id").desc()),
    "username": (F("username"), F("id")),
    "email": (F("email"), F("id")),
    "name": (F("name_key"), F("id")),
    "seen": (SeenKey("last_seen_at").desc(), F("id").desc()),
}
ENDING = (F("valid_until"), F("status"), F("suspended_until"), F("last_seen_at"))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0030_last_seen")]
    operations = [
        *(
            AddIndexOnline(
                "user",
                models.Index(
                    *order,
                    *ENDING,
                    name=f"user_ends_by_{key}",
                    condition=Q(valid_until__isnull=False),
                ),
            )
            for key, order in ORDERS.items()
        ),
        *(RemoveIndexOnline("user", f"user_ending_by_{key}") for key in ORDERS),
    ]
