from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0025_outside_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="ticket",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
    ]
