from django.db import migrations, models

from users.database.online_indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    """The ids of the events of a period are read from an index alone."""

    atomic = False

    dependencies = [("users", "0055_job_token")]

    operations = [
        AddIndexOnline(
            model_name="auditevent",
            index=models.Index(fields=["at", "id"], name="audit_by_time_id"),
        ),
        RemoveIndexOnline(
            model_name="auditevent",
            name="audit_by_time",
        ),
    ]
