from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0035_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="savedview",
            name="page",
            field=models.CharField(
                choices=[("directory", "Directory"), ("audit", "Audit trail")],
                db_default="directory",
                default="directory",
                max_length=10,
            ),
        ),
    ]
