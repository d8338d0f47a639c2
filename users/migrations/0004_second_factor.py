from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0003_roles")]
    operations = [
        migrations.AddField(
            "user",
            "has_second_factor",
            models.BooleanField(
                default=False, help_text="Kept beside the factors themselves, to filter by"
            ),
        ),
    ]
