from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0052_usual_use"),
        ("users", "0050_webhook_large_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="permissions",
            field=models.JSONField(
                help_text="The permissions of the API token that started it, which the job has no"
                " more than; null if a person did",
                null=True,
            ),
        ),
    ]
