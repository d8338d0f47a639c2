"""Those that failed in a job are found among many that were skipped."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0016_end_lockout")]
    operations = [
        migrations.RemoveIndex(model_name="jobitem", name="job_item_left_out"),
        AddIndexOnline(
            "jobitem",
            models.Index(
                fields=["job", "outcome", "account"],
                name="job_items_left_out",
                condition=~Q(outcome="changed"),
            ),
        ),
    ]
