"""The next end of a suspension, which pages must not outlive, is one end of an index."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0007_generations")]
    operations = [
        AddIndexOnline(
            "user",
            models.Index(
                fields=["suspended_until"],
                name="user_by_suspended_until",
                condition=Q(suspended_until__isnull=False),
            ),
        )
    ]
