"""The former values of accounts. A task fills the table from the events that there are."""

from django.db import migrations, models

TRIGRAM_INDEX = """
    CREATE INDEX IF NOT EXISTS former_by_trigram ON users_formervalue USING gin (key gin_trgm_ops)
"""


def create_trigram_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(TRIGRAM_INDEX)


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0025_outside_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "event_id",
                        "field",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "event_id",
                    models.BigIntegerField(help_text="The audit event that replaced the value"),
                ),
                ("field", models.CharField(max_length=20)),
                ("account_id", models.BigIntegerField()),
                ("until", models.DateTimeField()),
                (
                    "key",
                    models.TextField(
                        blank=True, help_text="The value as in the search key of an account"
                    ),
                ),
                (
                    "digest",
                    models.BigIntegerField(
                        help_text="Digest of the first line of `key`; null for an empty value",
                        null=True,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["account_id", "field", "-event_id"], name="former_by_account"
                    ),
                    models.Index(
                        condition=models.Q(("digest__isnull", False)),
                        fields=["digest", "-event_id"],
                        name="former_by_digest",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FormerValuePosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.BigIntegerField(default=0)),
                ("found", models.BigIntegerField(default=0)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(create_trigram_index, migrations.RunPython.noop),
    ]
