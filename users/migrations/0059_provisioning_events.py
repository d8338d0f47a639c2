from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0058_event_session")]

    operations = [
        migrations.AddField(
            model_name="provisioningrequest",
            name="event_count",
            field=models.IntegerField(
                help_text="Audit events of a request that is about no single account",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="provisioningrequest",
            name="first_event_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="provisioningrequest",
            name="last_event_id",
            field=models.BigIntegerField(null=True),
        ),
    ]
