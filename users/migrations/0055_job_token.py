from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0054_provisioned_roles")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="token_id",
            field=models.BigIntegerField(
                help_text="The API token that started the job; null if a person started it",
                null=True,
            ),
        ),
    ]
