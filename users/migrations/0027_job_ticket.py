from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0026_former_values"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="ticket",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
    ]
