"""What undo and four eyes need to know of a job, and who may approve large ones."""

from django.db import migrations, models

from users.staff.roles import grant


class Migration(migrations.Migration):
    dependencies = [("users", "0022_presence")]
    operations = [
        migrations.AlterModelOptions(
            name="job",
            options={
                "default_permissions": (),
                "permissions": [
                    ("view_job", "Can see everyone’s jobs"),
                    ("control_job", "Can pause, resume and cancel everyone’s jobs"),
                    ("approve_bulk", "Can approve other people’s large jobs"),
                ],
            },
        ),
        migrations.AddField(
            model_name="job",
            name="frozen",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Fingerprint of the accounts that approval was asked for",
                max_length=100,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="job",
            name="forgotten_at",
            field=models.DateTimeField(help_text="When its before-images were removed", null=True),
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "approve_bulk"), migrations.RunPython.noop
        ),
    ]
