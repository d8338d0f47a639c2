from django.db import migrations, models

# Django makes it beside the unique index, for LIKE. No query of message_id uses LIKE, and each
# message of a campaign would add to it at a random place.
LIKE_INDEX_COLUMNS = ("users_message", ["message_id"])


def like_index_name(schema_editor):
    return schema_editor._create_index_name(*LIKE_INDEX_COLUMNS, suffix="_like")


def drop_like_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        name = schema_editor.quote_name(like_index_name(schema_editor))
        schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


def create_like_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        name = schema_editor.quote_name(like_index_name(schema_editor))
        schema_editor.execute(
            f"CREATE INDEX {name} ON users_message (message_id varchar_pattern_ops)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0027_job_ticket"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="waiting_reason",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Why it waits, other than for the pause after an attempt",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="error",
            field=models.TextField(blank=True, help_text="That of the last attempt"),
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password-reset", "Password reset"),
                    ("staff-reset", "Password reset by staff"),
                    ("suspended", "Suspended"),
                    ("reinstated", "Reinstated"),
                    ("verification", "Email verification"),
                    ("address-changed", "Address changed"),
                    ("letter", "Email from staff"),
                    ("new-superuser", "New superuser"),
                    ("alarm", "Alarm"),
                    ("announcement", "Announcement"),
                    ("test", "Test email"),
                ],
                max_length=32,
            ),
        ),
        migrations.RunPython(drop_like_index, create_like_index),
    ]
