from django.db import migrations, models


class Migration(migrations.Migration):
    """Events and jobs have the session of the request that they come from."""

    dependencies = [("users", "0057_search_sample")]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="session_id",
            field=models.UUIDField(
                help_text="Public ID of the session in which the actor was signed in",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="session_id",
            field=models.UUIDField(
                help_text="Public ID of the session that started the job, for its events",
                null=True,
            ),
        ),
    ]
