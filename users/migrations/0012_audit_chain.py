"""The head of the audit chain, what stands in for erased values, and an index of the events that wait to be sealed."""

import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q

from users.database import triggers
from users.database.online_indexes import AddIndexOnline


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0011_mail_of_an_account")]
    operations = [
        # The column takes bytes of any length on both databases: nothing has to be rewritten.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "auditevent", "chain_salt", models.BinaryField(max_length=32, null=True)
                ),
            ]
        ),
        migrations.AddField(
            "auditevent", "target_digest", models.BinaryField(max_length=32, null=True)
        ),
        migrations.AddField(
            "auditevent", "actor_digest", models.BinaryField(max_length=32, null=True)
        ),
        migrations.AddField("auditevent", "erased_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="ChainHead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.BigIntegerField(default=0)),
                ("hash", models.BinaryField(default=bytes(32), max_length=32)),
                ("newest_id", models.BigIntegerField(default=0)),
                ("settled_id", models.BigIntegerField(default=0)),
                ("looked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("anchored_position", models.BigIntegerField(default=0)),
                ("anchored_at", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        AddIndexOnline(
            "auditevent",
            models.Index(
                fields=["id"], name="audit_unsealed", condition=Q(chain_position__isnull=True)
            ),
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
