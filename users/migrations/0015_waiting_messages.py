"""What waits for one account is found without reading all that was ever sent to it."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0014_verbs")]
    operations = [
        AddIndexOnline(
            "message",
            models.Index(
                fields=["account"], name="message_waiting_of_account", condition=Q(state="waiting")
            ),
        )
    ]
