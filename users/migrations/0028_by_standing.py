"""An index for two filters at once, of which one is a status that few accounts have."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0027_redaction")]
    operations = [
        AddIndexOnline(
            "user",
            models.Index(
                fields=[
                    "status",
                    "email_domain",
                    "source",
                    "has_second_factor",
                    "must_change_password",
                    "email_verified_at",
                ],
                name="user_by_standing",
                condition=~Q(status="active"),
            ),
        )
    ]
