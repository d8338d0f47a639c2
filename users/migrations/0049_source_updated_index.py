from django.db import migrations, models

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    """Apart from the table, because it can't run in a transaction."""

    atomic = False

    dependencies = [("users", "0049_provisioning_requests")]

    operations = [
        AddIndexOnline(
            model_name="user",
            index=models.Index(
                condition=models.Q(("source", ""), _negated=True),
                fields=["source", "updated_at", "id"],
                name="user_by_source_updated",
            ),
        ),
    ]
