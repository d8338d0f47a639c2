from django.db import migrations, models


def leave_out_of_log(apps, schema_editor):
    """Makes the table unlogged on PostgreSQL: it is empty between transactions."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE users_unrecordedchange SET UNLOGGED")


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0024_checkpoints"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnrecordedChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("old_row", models.JSONField(null=True)),
                ("item_id", models.BigIntegerField(null=True)),
                ("is_first", models.BooleanField(db_default=False, default=False)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(leave_out_of_log, migrations.RunPython.noop),
    ]
