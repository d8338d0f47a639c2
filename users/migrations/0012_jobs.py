"""Indexes for the events of a job and for its accounts by outcome, and the number of accounts that a
job was to change.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0011_email_keys"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="jobitem",
            name="job_items_left_out",
        ),
        migrations.AddField(
            model_name="job",
            name="planned",
            field=models.BigIntegerField(
                help_text="Number of accounts that were to change by the preview, if known",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("job_id__isnull", False)),
                fields=["job_id", "-id"],
                name="audit_by_job",
            ),
        ),
        migrations.AddIndex(
            model_name="jobitem",
            index=models.Index(fields=["job", "outcome", "account"], name="job_items_by_outcome"),
        ),
    ]
