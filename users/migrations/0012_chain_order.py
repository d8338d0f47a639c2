"""What the sealing task remembers, so that events inserted with an earlier time or id are found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0007_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="chainhead",
            name="sealed_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="counted_id",
            field=models.BigIntegerField(default=0),
        ),
    ]
