from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0050_oidc_factor_time")]

    operations = [
        migrations.AddField(
            model_name="webhooksubscription",
            name="replay_before",
            field=models.DateTimeField(
                help_text="Dead letters from before it are being queued again", null=True
            ),
        ),
        migrations.AddField(
            model_name="webhooksubscription",
            name="deleted_at",
            field=models.DateTimeField(help_text="Its deliveries are being deleted", null=True),
        ),
    ]
