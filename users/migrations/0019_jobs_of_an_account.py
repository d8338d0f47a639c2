"""The jobs that an account started, newest first, are one range of an index; one over the account alone is not needed too."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0018_erasure")]
    operations = [
        AddIndexOnline("job", models.Index(fields=["by", "-id"], name="job_by_starter")),
        migrations.AlterField(
            "job",
            "by",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="jobs",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
