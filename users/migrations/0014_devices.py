"""The browser of a sign-in; indexes for refused attempts on an account and for its other events; and
the last line in the log of older exports, which changed nothing.
"""

from django.db import migrations, models

EXPORT_LINES = """
    UPDATE users_jobline SET code = 'written'
    WHERE code = 'done' AND job_id IN (SELECT id FROM users_job WHERE kind = 'export')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0013_staff_reset"),
    ]

    operations = [
        migrations.AddField(
            model_name="signinevent",
            name="device",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Keyed digest of the browser’s random token, of attempts that succeeded",
                max_length=32,
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("action", "denied"), _negated=True),
                fields=["target_id", "-id"],
                name="audit_history_by_target",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("action", "denied")),
                fields=["target_id", "-id"],
                name="audit_refused_by_target",
            ),
        ),
        migrations.RunSQL(EXPORT_LINES, migrations.RunSQL.noop),
    ]
