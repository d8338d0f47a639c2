"""Figures of what an account takes with it are ranges of indexes, however much was there before."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline, RemoveIndexOnline

PENDING = ["waiting", "queued", "running", "paused", "parked"]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0019_jobs_of_an_account")]
    operations = [
        AddIndexOnline(
            "job",
            models.Index(fields=["by"], name="job_pending_of", condition=Q(state__in=PENDING)),
        ),
        AddIndexOnline(
            "session",
            models.Index(
                fields=["account_id", "expire_date"],
                name="session_of_account",
                condition=Q(account_id__isnull=False),
            ),
        ),
        RemoveIndexOnline("session", "session_by_account"),
    ]
