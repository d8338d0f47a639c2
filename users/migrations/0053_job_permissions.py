from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0052_usual_use")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="permissions",
            field=models.JSONField(
                help_text="The permissions of the API token that started the job, which limit it;"
                " null if a person started it",
                null=True,
            ),
        ),
    ]
