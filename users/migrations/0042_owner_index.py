from django.db import migrations, models

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    """Apart from the tables, because it can't run in a transaction."""

    atomic = False

    dependencies = [
        ("users", "0042_api_tokens"),
    ]

    operations = [
        AddIndexOnline(
            model_name="user",
            index=models.Index(
                condition=models.Q(("owner_id__isnull", False)),
                fields=["owner_id"],
                name="user_by_owner",
            ),
        ),
    ]
