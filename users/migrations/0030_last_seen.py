"""The order of last seen, with the column itself: whether a range of it is long is told by the index alone."""

from django.db import migrations, models
from django.db.models import F

from users.database.online_indexes import AddIndexOnline, RemoveIndexOnline
from users.models import SeenKey


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0029_exports")]
    operations = [
        AddIndexOnline(
            "user",
            models.Index(
                SeenKey("last_seen_at").desc(),
                F("id").desc(),
                name="user_by_last_seen",
                include=["last_seen_at"],
            ),
        ),
        RemoveIndexOnline("user", "user_by_seen"),
    ]
