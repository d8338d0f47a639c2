from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0050_webhook_large_changes")]

    operations = [
        migrations.AddField(
            model_name="tokenminute",
            name="position",
            field=models.BigIntegerField(
                help_text="The log position that the token's writes have reached", null=True
            ),
        ),
    ]
