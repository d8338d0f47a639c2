"""The tokens of blocks of events, which find events by what no index of their table has."""

import django.contrib.postgres.fields
from django.db import migrations, models

BLOCK_INDEX = "CREATE INDEX audit_block_by_token ON users_auditblock USING gin (tokens)"


def create_token_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BLOCK_INDEX)


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0022_campaign_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditBlock",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "tokens",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), null=True, size=None
                    ),
                ),
                (
                    "position",
                    models.BigIntegerField(help_text="End of the chain when the tokens were read"),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddIndex(
            model_name="auditblock",
            index=models.Index(
                condition=models.Q(("tokens__isnull", True)),
                fields=["number"],
                name="audit_block_outdated",
            ),
        ),
        migrations.RunPython(create_token_index, migrations.RunPython.noop),
    ]
